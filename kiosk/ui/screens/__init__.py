"""One file a screen. Each is drawn from `Situation` alone."""
