"""The word that was probably meant, and what to write instead of an unknown one. Pure."""

import difflib
from collections.abc import Iterable


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The known word that is most like an unknown one; None if none is like it.

    It is spelt almost alike, in small or capital letters; or it is the only one that has the unknown one between its
    underscores, as wait_seconds has wait.

    Args:
        word: the unknown one.
        words: the known ones.
    """
    known_words = {each.casefold(): each for each in words}
    matches = difflib.get_close_matches(word.casefold(), known_words, n=1)
    longer_words = [each for each in known_words if f"_{word.casefold()}_" in f"_{each}_"]
    if not matches and len(longer_words) == 1:
        matches = longer_words
    return known_words[matches[0]] if matches else None


def question(word: str, words: Iterable[str], otherwise: str) -> str:
    """What to write instead of an unknown word, as a question such as "did you mean active?".

    Args:
        word: the unknown one.
        words: the known ones.
        otherwise: the answer where no known word is like it.
    """
    match = nearest(word, words)
    return f"did you mean {match}?" if match else otherwise
