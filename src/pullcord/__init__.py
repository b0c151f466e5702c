"""pullcord stops work on agent platforms, and says honestly what came of it: as an MCP server, and from Python.

`Cord` makes calls, `server` and `streams` are for MCP clients in the same process, `asgi` is an application for HTTP.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.2.0"

__all__ = [
    "FINAL",
    "Action",
    "Answer",
    "Application",
    "ApplicationOptions",
    "ClosedError",
    "Cord",
    "CordOptions",
    "Item",
    "Items",
    "MayGoOn",
    "Outcome",
    "Piece",
    "PullcordError",
    "Running",
    "ServerOptions",
    "SettingsError",
    "TargetError",
    "UnknownToolError",
    "Work",
    "__version__",
    "asgi",
    "server",
    "streams",
]

if TYPE_CHECKING:  # a name is imported when it is first used: a start of the command needs none of them
    from pullcord.assembly.application import Application, asgi
    from pullcord.assembly.cord import Cord
    from pullcord.assembly.options import ApplicationOptions, CordOptions, ServerOptions
    from pullcord.assembly.running import Running, Work
    from pullcord.assembly.server import server, streams
    from pullcord.model.action import Action
    from pullcord.model.answer import Answer, Item, Items, Piece
    from pullcord.model.errors import ClosedError, PullcordError, SettingsError, TargetError, UnknownToolError
    from pullcord.model.outcome import FINAL, MayGoOn, Outcome
else:
    _HOMES = {
        "assembly.application": ("Application", "asgi"),
        "assembly.cord": ("Cord",),
        "assembly.options": ("ApplicationOptions", "CordOptions", "ServerOptions"),
        "assembly.running": ("Running", "Work"),
        "assembly.server": ("server", "streams"),
        "model.action": ("Action",),
        "model.answer": ("Answer", "Item", "Items", "Piece"),
        "model.errors": ("ClosedError", "PullcordError", "SettingsError", "TargetError", "UnknownToolError"),
        "model.outcome": ("FINAL", "MayGoOn", "Outcome"),
    }

    def __getattr__(name: str) -> object:
        """A public name, from the module that defines it."""
        for home, names in _HOMES.items():
            if name in names:
                return getattr(import_module(f"pullcord.{home}"), name)
        raise AttributeError(f"module 'pullcord' has no attribute {name!r}")
