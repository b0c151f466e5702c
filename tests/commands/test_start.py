"""What a start does beside its work: none of it may grow unnoticed, since a start belongs to every agent session."""

import subprocess
import sys

START = """
import gc, runpy, sys

whole = []
gc.callbacks.append(lambda phase, info: whole.append(phase) if info["generation"] == 2 else None)
sys.argv = ["pullcord", "serve"]
try:
    runpy.run_module("pullcord", run_name="__main__")
finally:
    sys.stderr.write(f"searches: {len(whole)}")
"""


def test_a_start_searches_no_garbage_among_all_that_it_imports() -> None:
    """A whole search costs more than loading the manifests; Python makes one while it imports, unless it is told."""
    process = subprocess.run(  # noqa: S603 - this Python, and the code above
        [sys.executable, "-c", START], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60
    )
    assert process.stderr.endswith("searches: 0")
