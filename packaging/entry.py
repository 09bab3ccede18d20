"""Where the frozen program begins."""

import sys

from kiosk.cli import main

sys.exit(main())
