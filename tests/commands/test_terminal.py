"""What is said beside the output."""

import io
import json
import os
import sys

import pytest

from pullcord.commands.main import main
from pullcord.commands.terminal import clearing, has_colour, say

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


class Wide(io.TextIOWrapper):
    """An output with the encoding of Windows in western Europe."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__(io.BytesIO(), encoding="cp1252", newline="")
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        return self.is_terminal


@pytest.mark.parametrize(
    ("is_terminal", "written"),
    [(False, "Küche, Кухня".encode()), (True, b"K\xfcche, " + rb"\u041a\u0443\u0445\u043d\u044f")],
)
def test_an_output_whose_encoding_lacks_a_character_ends_no_command(
    monkeypatch: pytest.MonkeyPatch, *, is_terminal: bool, written: bytes
) -> None:
    output = Wide(is_terminal=is_terminal)
    monkeypatch.setattr(sys, "stdout", output)
    monkeypatch.setattr(sys, "argv", ["/opt/Küche, Кухня/pullcord"])
    assert main(["config", "generic"]) == 0
    output.flush()
    content = output.buffer.getvalue()  # type: ignore[attr-defined]  # it is the BytesIO of above
    assert written in content
    if not is_terminal:
        json.loads(content)


@pytest.mark.parametrize(
    ("system", "environ", "has"),
    [
        ("posix", {}, True),
        ("posix", {"NO_COLOR": "1"}, False),
        ("nt", {}, False),
        ("nt", {"WT_SESSION": "a-session"}, True),
    ],
)
def test_colours_are_for_terminals_that_take_them(
    system: str, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, *, has: bool
) -> None:
    monkeypatch.setattr(sys, "stdout", Screen())
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(os, "name", system)
        assert has_colour(environ) is has
        assert bool(clearing(environ)) is (has or "NO_COLOR" in environ)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert not has_colour({})
    assert clearing({}) == ""
