"""One file a transport: the real-time connection of a session."""
