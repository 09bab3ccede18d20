"""Who decides what the avatar says."""
