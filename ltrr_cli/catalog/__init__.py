"""What is there to be found?"""
