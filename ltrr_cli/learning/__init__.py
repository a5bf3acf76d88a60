"""From events to learned state."""
