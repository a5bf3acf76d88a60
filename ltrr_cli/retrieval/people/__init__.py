"""What users did, and what it says of other entities."""
