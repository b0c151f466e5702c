"""The word that was probably meant. Pure."""

import difflib
from collections.abc import Iterable


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The known word that is most like an unknown one; None if none is like it.

    Args:
        word: the unknown one.
        words: the known ones.
    """
    return next(iter(difflib.get_close_matches(word, list(words), n=1)), None)
