"""What comes first?"""
