"""How do people and programs reach it over HTTP?"""
