"""Who comes first?"""
