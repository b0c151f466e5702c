"""A list: where its items stand, what each offers, and how to go on."""

from enum import StrEnum
from typing import NamedTuple

from pullcord.model.link import Link
from pullcord.model.pointer import Pointer
from pullcord.model.rule import State


class PageStyle(StrEnum):
    """How a platform hands out a long list."""

    PAGE = "page"
    """By the page's number, from 1."""
    OFFSET = "offset"
    """By the number of items to skip."""
    LIMIT = "limit"
    """Only the first ones, as many as asked for."""
    WHOLE = "whole"
    """All at once: pullcord itself cuts it, by an offset of its own."""


PAGE_LIMIT = 100
"""Items that are shown at once, however many the caller asks for: no manifest's parts are larger."""


class Pages(NamedTuple):
    """How to ask for the next part of a list."""

    style: PageStyle
    at: str = "offset"
    """The parameter that moves on."""
    size: str | None = None
    """The parameter that tells how many items a part has."""
    total: Pointer | None = None
    """Where the number of all items stands."""


class Listing(NamedTuple):
    """Where a list's items stand, what each offers, and how to go on."""

    items: Pointer
    expose: tuple[Pointer, ...]
    pages: Pages
    state: State | None = None
    links: tuple[Link, ...] = ()
