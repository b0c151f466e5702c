"""python -m pullcord."""

import sys

from pullcord.cli import main

sys.exit(main())
