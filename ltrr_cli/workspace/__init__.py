"""The Python API, and reports for people."""
