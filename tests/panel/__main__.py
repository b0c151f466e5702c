"""python -m tests.panel: draw the panel in Chromium, as the pictures of the README and docs/clients.md."""

import sys

from tests.environment import ROOT
from tests.panel.browser import run

if __name__ == "__main__":
    done = run("pictures.mjs", str(ROOT / "docs"))
    sys.stderr.write(done.stdout + done.stderr)
    sys.exit(done.returncode)
