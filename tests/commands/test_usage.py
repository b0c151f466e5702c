"""Command lines that can't be read: what is said of them."""

import sys

import pytest

from pullcord.commands.main import main

COMMANDS = "serve, demo, ps, stop, wait, tools, check, manifest, config, journal, token, sandbox"
WHOLE = "usage: pullcord COMMAND [OPTION ...] (pullcord --help tells more)"


def said(capsys: pytest.CaptureFixture[str], *argv: str) -> list[str]:
    """The lines of an error, after which nothing was done."""
    with pytest.raises(SystemExit) as error:
        main(argv)
    out, err = capsys.readouterr()
    assert error.value.code == 2
    assert out == ""
    return err.splitlines()


@pytest.mark.parametrize(
    ("argv", "fault"),
    [
        (["chekc"], "chekc: there is no such command; did you mean check?"),
        (["help"], "help: there is no such command; did you mean --help?"),
        (["Stop"], "Stop: there is no such command; did you mean stop?"),
        (["STOP"], "STOP: there is no such command; did you mean stop?"),
        (["fly"], f"fly: there is no such command; write one of {COMMANDS}"),
        (["--manifest", "x"], "--manifest: write the command before it, such as pullcord serve --manifest"),
        (["-x"], "-x: write the command before it, such as pullcord serve -x"),
    ],
)
def test_a_command_that_is_not_there_is_told_with_the_near_one(
    argv: list[str], fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(capsys, *argv) == [f"pullcord: {fault}", WHOLE]


def test_options_that_are_not_there_are_told_all_at_once_with_the_near_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "serve", "--platfrom", "x", "--timout=3", "--sandbox", "--qqq") == [
        "pullcord: --platfrom: there is no such option; did you mean --platform?",
        "pullcord: --timout: there is no such option; did you mean --timeout?",
        "pullcord: --qqq: there is no such option",
        "usage: pullcord serve [OPTION ...] (pullcord serve --help tells more)",
    ]


def test_the_beginning_of_an_option_is_not_taken_for_it(capsys: pytest.CaptureFixture[str]) -> None:
    """--al might stop all that runs."""
    (fault, _) = said(capsys, "stop", "--al", "--yes")
    assert fault == "pullcord: --al: there is no such option; did you mean --all?"


def test_for_a_terminal_a_fault_is_wrapped_at_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    lines = said(capsys, "config", "emacs")
    assert len(lines) > 3
    assert max(map(len, lines[:-1])) <= 60
    assert lines[0].startswith("pullcord: CLIENT: emacs is not known; write one of")


def test_an_option_of_another_command_is_not_proposed(capsys: pytest.CaptureFixture[str]) -> None:
    """Its help speaks of --tokens."""
    (fault, _) = said(capsys, "token", "ada", "--tokenz")
    assert fault == "pullcord: --tokenz: there is no such option"


@pytest.mark.parametrize(
    ("argv", "fault"),
    [
        (["serve", "--timeout", "abc"], "--timeout: abc can't be used; write seconds, more than 0 and at most 3600"),
        (["serve", "--timeout", "nan"], "--timeout: nan can't be used; write seconds, more than 0 and at most 3600"),
        (["serve", "--connect-timeout", "3601"],
         "--connect-timeout: 3601 can't be used; write seconds, more than 0 and at most 3600"),
        (["serve", "--port", "http"], "--port: http is no whole number; write one, such as 20"),
        (["sandbox", "--port", "3.5"], "--port: 3.5 is no whole number; write one, such as 20"),
        (["serve", "--port", "9" * 5000], f"--port: {'9' * 5000} is no whole number; write one, such as 20"),
        (["serve", "--port", "65536"], "--port: 65536 is no port; write 0 to 65535"),
        (["sandbox", "--port", "-1"], "--port: -1 is no port; write 0 to 65535"),
        (["serve", "--max-calls", "many"], "--max-calls: many is no whole number; write one, such as 20"),
        (["serve", "--limit", "10/day"], "--limit: '10/day' is no limit; write a number and a unit, such as 10/minute"),
        (["serve", "--limit"], "--limit: expected one argument"),
        (["token", "ada", "--scope", "obsrve"], "--scope: obsrve is not known; did you mean observe?"),
        (["config", "emacs"], "CLIENT: emacs is not known; write one of claude-desktop, claude-code, cursor, vscode,"),
        (["config", "cursr"], "CLIENT: cursr is not known; did you mean cursor?"),
        (["stop", "--match", "", "--yes"], "--match: the text is empty, and would fit everything; write some,"),
        (["ps", "--match", " "], "--match: the text is empty, and would fit everything; write some, or leave it out"),
        (["wait", ""], "ID: the text is empty"),
        (["stop", "--all", "--most", "0"], "--most: 0 can't be used; write a number, 1 or more"),
        (["token"], "the following arguments are required: NAME"),
        (["journal", "one", "two", "three"], "two three: nothing more is expected"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told_in_words_with_one_line_of_usage(
    argv: list[str], fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first, usage = said(capsys, *argv)
    assert first.startswith(f"pullcord: {fault}")
    assert usage.startswith(f"usage: pullcord {argv[0]} ")
    assert usage.endswith(f" (pullcord {argv[0]} --help tells more)")
