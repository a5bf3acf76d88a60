"""What happened? Log formats, attribution to impressions, rewards, guards against robots."""
