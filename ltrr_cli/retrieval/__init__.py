"""Who might it be?"""
