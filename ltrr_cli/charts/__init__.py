"""Pictures for reports."""
