"""Asking a person, at a real terminal."""

import os
import pty
import subprocess
import sys

import pytest

from pullcord.sandbox import Sandbox

TASK = Sandbox().evershell.ids.busy_task


@pytest.mark.parametrize(
    ("typed", "status", "told"),
    [
        (b"y\n", 0, "1 of 1 over by the record"),
        (b"no\n", 2, "pullcord: nothing was stopped"),
        (b"\x04", 2, "pullcord: nothing was stopped"),
        (b"\x03", 130, ""),
    ],
)
def test_a_person_answers_or_leaves(typed: bytes, status: int, told: str) -> None:
    """What is typed at last is the end of the input (Ctrl-D), and an interrupt (Ctrl-C)."""
    primary, secondary = pty.openpty()

    def take_terminal() -> None:
        os.setsid()
        os.close(os.open(os.ttyname(0), os.O_RDWR))  # the first that a session opens is its own

    with subprocess.Popen(  # noqa: S603 - pullcord itself
        [sys.executable, "-m", "pullcord", "stop", "--sandbox", TASK],
        stdin=secondary,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=take_terminal,  # noqa: PLW1509 - nothing else runs in this process
    ) as process:
        os.close(secondary)
        assert process.stderr
        assert process.stdout
        said = b""
        while not said.endswith(b"[y/N] "):
            piece = os.read(process.stderr.fileno(), 1000)
            assert piece, said
            said += piece
        os.write(primary, typed)
        output, errors = process.communicate(timeout=120)
    os.close(primary)
    assert process.returncode == status, errors
    assert told in (output + errors).decode()
