"""The kiosk beside a browser that shows the same avatar: measured from outside, on one machine, in one run."""
