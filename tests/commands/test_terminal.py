"""What is said beside the output."""

import io
import sys

import pytest

from pullcord.commands.terminal import say

SENTENCE = "one two three four five six seven eight nine ten eleven twelve"


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("errors", "sentence", "lines"),
    [
        (Screen, SENTENCE, ["pullcord: one two three four five six", "  seven eight nine ten eleven twelve"]),
        (Screen, f"  {SENTENCE}", [f"pullcord:   {SENTENCE}"]),
        (io.StringIO, SENTENCE, [f"pullcord: {SENTENCE}"]),
    ],
)
def test_a_terminal_gets_sentences_wrapped_at_words_and_commands_as_they_are(
    errors: type[io.StringIO], sentence: str, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    written = errors()
    monkeypatch.setattr(sys, "stderr", written)
    assert say(sentence)
    assert written.getvalue().splitlines() == lines
