"""What hosts show people of the server: its page, and its picture."""

from base64 import b64encode

from mcp import types

WEBSITE = "https://github.com/pullcord/pullcord"

_SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path fill="#b3261e" d="M0 0h24v24H0z"/>'
    '<path fill="none" stroke="#fff" stroke-width="2" d="M12 2v6l6 10H6l6-10"/></svg>'
)
"""A cord with a handle, white on red, so that it is seen on light and on dark backgrounds.
It is small, since revision 2026-07-28 has it in every answer."""


def icon() -> types.Icon:
    """The picture, as data: no host fetches anything to show it."""
    source = f"data:image/svg+xml;base64,{b64encode(_SVG.encode()).decode()}"
    return types.Icon(src=source, mime_type="image/svg+xml", sizes=["any"])
