"""pullcord manifest: a manifest from a vendor's own document and an overlay, and what the vendor has moved."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from pullcord.commands.terminal import say
from pullcord.manifest.document import parse
from pullcord.manifest.loading import read
from pullcord.manifest.trim import trim
from pullcord.manifest.vendor import document, written
from pullcord.model.errors import ManifestError
from pullcord.model.pointer import look_up


def run(options: argparse.Namespace, _: Mapping[str, str]) -> int:
    """Print the manifest, and tell what is wrong with it; the exit status."""
    try:
        from pullcord.manifest.overlay import apply  # noqa: PLC0415 - only authors of manifests need what it imports
    except ImportError:
        say("this needs a package that reads JSONPath; install pullcord[overlay]")
        return 2
    overlay = parse(str(options.overlay), _text(options.overlay))
    text = written(trim(apply(document(str(options.vendor), _text(options.vendor)), overlay)))
    extends = look_up(overlay.value, "/extends")
    print(f"# Made with pullcord manifest: the overlay {options.overlay.name}, which gives the reasons, on")
    print(f"# {extends or options.vendor.name}")
    print(text, end="")
    try:
        read("the manifest that was made", text)
    except ManifestError as error:
        for fault in error.faults:
            say(fault)
        return 1
    return 0


def _text(path: Path) -> str:
    """The text of a file.

    Raises:
        ManifestError: it can't be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ManifestError([f"{path}: this file can't be read: {reason}"]) from None
