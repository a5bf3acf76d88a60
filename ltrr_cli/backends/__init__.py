"""The doors, one module per native dependency."""
