"""Counts with decay, in sorted tables."""
