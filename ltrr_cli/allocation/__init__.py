"""How many candidates does each strategy contribute?"""
