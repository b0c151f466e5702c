"""python -m pullcord."""

import sys

from pullcord.commands.main import main

sys.exit(main())
