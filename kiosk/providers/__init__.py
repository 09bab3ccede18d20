"""One file a vendor: each starts and ends a session at its control API. No media passes here."""
