"""Which entities are likely?"""
