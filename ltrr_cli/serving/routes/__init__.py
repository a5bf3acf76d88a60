"""One file per route, given what it needs."""
