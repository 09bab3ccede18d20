"""What keeps a kiosk running: checks, supervision, reports."""
