"""Frames, rings, playout, capture, echo, A/V sync. No Qt and no vendor."""
