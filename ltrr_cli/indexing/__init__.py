"""From catalog files to a sealed generation."""
