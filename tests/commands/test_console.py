"""At a real terminal: a person is asked, and told what a server waits for."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pullcord.sandbox import Sandbox

TASK = Sandbox().evershell.ids.busy_task


@contextmanager
def at_terminal(*argv: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A pullcord process whose input is a terminal of its own, and the end at which a person types."""
    primary, secondary = pty.openpty()

    def take_terminal() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a run in the background ignores it
        os.setsid()
        os.close(os.open(os.ttyname(0), os.O_RDWR))  # the first that a session opens is its own

    with subprocess.Popen(  # noqa: S603 - pullcord itself
        [sys.executable, "-m", "pullcord", *argv],
        stdin=secondary,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=take_terminal,  # noqa: PLW1509 - this process has no other thread
    ) as process:
        os.close(secondary)
        try:
            yield process, primary
        except BaseException:
            process.kill()
            raise
        finally:
            os.close(primary)


def said(process: subprocess.Popen[bytes], end: bytes) -> bytes:
    """What is said until then."""
    assert process.stderr
    text = b""
    while end not in text:
        piece = os.read(process.stderr.fileno(), 1000)
        assert piece, text
        text += piece
    return text


@pytest.mark.parametrize(
    ("typed", "status", "told"),
    [
        (b"y\n", 0, "1 of 1 over by the record"),
        (b"no\n", 2, "pullcord: nothing was stopped"),
        (b"\x04", 2, "\npullcord: nothing was stopped"),
        (b"\x03", 130, "\npullcord: nothing was stopped"),
    ],
)
def test_a_person_answers_or_leaves(typed: bytes, status: int, told: str) -> None:
    """What is typed at last is the end of the input (Ctrl-D), and an interrupt (Ctrl-C)."""
    with at_terminal("stop", "--sandbox", TASK) as (process, primary):
        said(process, b"[y/N] ")
        os.write(primary, typed)
        output, errors = process.communicate(timeout=120)
    assert process.returncode == status, errors
    assert told in (output + errors).decode()


@pytest.mark.parametrize(
    ("argv", "end", "status"),
    [(["serve"], b"pullcord stop.\n", 130), (["serve", "--http", "--port", "0"], b" connections at once", 0)],
)
def test_a_server_in_a_terminal_says_whom_it_serves_and_how_to_leave(argv: list[str], end: bytes, status: int) -> None:
    with at_terminal(*argv) as (process, primary):
        text = said(process, end).decode()
        os.write(primary, b"\x03")
        output, errors = process.communicate(timeout=120)
    assert text.startswith("pullcord: serving MCP o")
    assert " speak" in text
    assert "Ctrl-C ends it." in text
    assert process.returncode == status, errors
    assert output == b""


def test_a_server_that_can_not_start_does_not_say_in_a_terminal_that_it_serves() -> None:
    with at_terminal("serve", "--http", "--host", "0.0.0.0") as (process, _):  # noqa: S104 - it is refused
        output, errors = process.communicate(timeout=120)
    assert process.returncode == 2
    assert b"callers must be checked" in errors
    assert b"serving MCP" not in output + errors
