"""One query against one open snapshot."""
