"""The words every room speaks: types, errors, settings, chance, time."""
