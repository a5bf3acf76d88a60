"""Which attribute values entities lack that their words imply."""
