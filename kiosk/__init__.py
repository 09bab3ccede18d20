"""A desktop kiosk that shows a talking avatar."""

import os

__version__ = "0.1.0"

# Pydantic looks for plugins in every installed package as soon as the first model is made; the kiosk has none.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
