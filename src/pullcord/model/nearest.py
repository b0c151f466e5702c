"""The word that was probably meant, and what to write instead of an unknown one. Pure."""

import difflib
from collections.abc import Iterable


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The known word that is most like an unknown one, in small or capital letters; None if none is like it.

    Args:
        word: the unknown one.
        words: the known ones.
    """
    known_words = {each.casefold(): each for each in words}
    return next((known_words[each] for each in difflib.get_close_matches(word.casefold(), known_words, n=1)), None)


def question(word: str, words: Iterable[str], otherwise: str) -> str:
    """What to write instead of an unknown word, as a question such as "did you mean active?".

    Args:
        word: the unknown one.
        words: the known ones.
        otherwise: the answer where no known word is like it.
    """
    match = nearest(word, words)
    return f"did you mean {match}?" if match else otherwise
