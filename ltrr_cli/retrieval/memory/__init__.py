"""The memory: what worked for which query."""
