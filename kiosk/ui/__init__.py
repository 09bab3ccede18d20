"""Qt: window, avatar view, screens."""
