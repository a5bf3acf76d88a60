"""Who may bring how many?"""
