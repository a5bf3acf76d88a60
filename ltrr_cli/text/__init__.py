"""Words: normalising, analysing, similarity of short strings."""
