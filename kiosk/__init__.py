"""A desktop kiosk that shows a talking avatar."""

__version__ = "0.1.0"
