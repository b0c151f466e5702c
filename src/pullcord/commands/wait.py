"""pullcord wait: watches work until it ends, such as work that was asked to stop. It stops nothing."""

import argparse
import json
import secrets
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import anyio

from pullcord.assembly.reach import Reach
from pullcord.commands import journal
from pullcord.commands.choosing import Piece, Selection, UnclearError, call_line, choose
from pullcord.commands.console import Console
from pullcord.commands.reach import reached, until_signal
from pullcord.commands.terminal import wrapped
from pullcord.commands.work import narrowing
from pullcord.flow.attempt import Attempt, Call
from pullcord.flow.caller import Caller
from pullcord.flow.journal import JOURNAL
from pullcord.flow.progress import Progress
from pullcord.flow.verdict import Verdict
from pullcord.flow.wait import wait
from pullcord.model import sanitize
from pullcord.model.cancel import EXPECT, WAIT_SECONDS
from pullcord.model.errors import SettingsError
from pullcord.model.outcome import FINAL, Outcome
from pullcord.model.value import Json

_SENTENCES: Mapping[Outcome, str] = {
    Outcome.STOPPED: "it has ended because it was cancelled",
    Outcome.FINISHED_FIRST: "it has ended by itself",
}
_OPEN = frozenset({None, Outcome.STOPPING, Outcome.UNKNOWN})
"""The outcomes in a journal of cancels whose work may still run."""


def run(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Wait for the end of work.

    Args:
        options: of the command line.
        environ: the variables, by name.

    Returns:
        The exit status: 0 if all has ended, 1 if some may go on, 2 if it is unclear what is meant.

    Raises:
        SettingsError: the settings can't be used; nothing was sent.
    """
    # What the sandbox embeds is none of the work that the environment's journal records.
    if not (_names_work(options) or options.sandbox):
        options.journal = options.journal or environ.get(JOURNAL)
    return anyio.run(_run, options, environ)


def _names_work(options: argparse.Namespace) -> bool:
    """Whether the options say which of the running work is meant."""
    return bool(options.id or options.all or options.match or options.platform)


async def _run(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    async with reached(options, environ) as reach:
        return await watch(reach, options, Console())


async def watch(reach: Reach, options: argparse.Namespace, console: Console) -> int:
    """Find the work that is meant, and look at it until it has ended or the time is up.

    Args:
        reach: the platforms.
        options: of the command.
        console: of the person.

    Returns:
        The exit status; after a signal that of the signal.
    """
    # For a program the standard output holds one JSON object alone; what a person reads goes beside it.
    output = console.write
    console = console._replace(write=console.put) if options.json else console
    try:
        selection = await _selection(reach, options, console)
    except UnclearError as unclear:
        for sentence in unclear.sentences:
            console.note(sentence)
        return 2
    pieces = selection.pieces
    # Of work that only a typed call names nothing tells that it ever was.
    evidence = [bool(options.journal) or piece.work is not None for piece in pieces]
    ends, signal_status = await until_signal(
        reach.engine, partial(_watch_all, reach, list(zip(pieces, evidence, strict=True)), options.wait, console)
    )
    count = sum(each.is_over for each in ends)
    if options.json:
        value = {"pieces": [each.to_json() for each in ends], "not_seen": list(selection.gaps)}
        output(json.dumps(value, ensure_ascii=False, indent=2))
    elif pieces:
        console.write(f"{count} of {len(pieces)} ended.")
    elif options.journal:
        what = "that can be watched here" if selection.gaps else "to wait for"
        console.write(f"{options.journal} records no work {what}.")
    else:
        console.write("Nothing was seen to run: there is no work to wait for.")
    for gap in selection.gaps:
        console.note(f"not all was seen: {gap}")
    return signal_status or (0 if count == len(ends) and not selection.gaps else 1)


async def _selection(reach: Reach, options: argparse.Namespace, console: Console) -> Selection:
    """The work that is meant: what a journal records as open, or what runs.

    Raises:
        UnclearError: it is unclear what is meant.
    """
    if options.journal and (options.id or options.all or options.match):
        raise UnclearError(["--journal names the work that it records: leave it out, or the ids, --all and --match"])
    if options.journal:
        return _recorded(reach, Path(options.journal), narrowing(options).platforms)
    selection = await choose(reach, options, console.now())
    if selection.protected:
        console.note(f"{selection.protected} more must not be stopped from here (PULLCORD_PROTECT): not waited for")
    return selection


class End(NamedTuple):
    """What watching a piece of work showed."""

    piece: Piece
    word: str
    """ended, gone, not found or not ended."""
    sentence: str
    attempt: Attempt | None
    """None: no look tells how it ends."""

    @property
    def is_over(self) -> bool:
        """Whether there is no such work any more."""
        return self.word in {"ended", "gone"}

    def to_json(self) -> dict[str, Any]:
        """The JSON object that programs read."""
        return {
            "label": self.piece.label,
            "tool": self.piece.operation.id if self.piece.operation else None,
            "arguments": dict(self.piece.arguments),
            "ended": self.is_over,
            "result": self.word,
            "state": self.attempt and self.attempt.verdict.state,
            "message": self.sentence,
        }


async def _watch_all(
    reach: Reach, pieces: Sequence[tuple[Piece, bool]], seconds: int, console: Console
) -> Sequence[End]:
    """Watch pieces of work at once, each with whether it is known to have been there."""
    ends: dict[int, End] = {}

    async def watch_one(number: int, piece: Piece, *, is_known: bool) -> None:
        attempt = await _watch(reach, piece, seconds, console)
        end = ends[number] = End(
            piece, _word(attempt, is_known=is_known), _sentence(attempt, is_known=is_known), attempt
        )
        console.write(wrapped(f"{end.word}  {piece.label}: {end.sentence}", console.columns(), "    "))

    async with anyio.create_task_group() as tasks:
        for number, (piece, is_known) in enumerate(pieces):
            tasks.start_soon(partial(watch_one, number, piece, is_known=is_known))
    return [ends[number] for number in range(len(pieces))]


def _word(attempt: Attempt | None, *, is_known: bool) -> str:
    if attempt and attempt.verdict.outcome in FINAL:
        return "ended"
    if attempt and attempt.watch and attempt.watch.gone:
        return "gone" if is_known else "not found"
    return "not ended"


async def _watch(reach: Reach, piece: Piece, seconds: int, console: Console) -> Attempt | None:
    """Watch a piece as after its cancel was accepted; None: no look tells how it ends."""
    cancel = piece.operation.cancel if piece.operation else None
    if piece.operation is None or cancel is None:
        return None

    async def report(elapsed: float, total: float, text: str) -> None:
        console.note(f"{piece.label}: {elapsed:.0f} of {total:.0f} s: {sanitize.text(text)}")

    arguments = {**piece.arguments}
    target: dict[str, Json] = {}
    if cancel.target:  # what was looked up is no argument of the cancel
        name = cancel.target.name
        values = [arguments.pop(each) for each in (name, EXPECT + name) if each in arguments]
        target = {name: values[0]} if values else {}
    arguments[WAIT_SECONDS] = seconds
    call = Call(reach.surface, piece.operation, arguments, target, request_id=secrets.token_hex(6))
    with Progress(report, reach.engine.gateway.now, seconds, piece.operation.platform.title) as progress:
        caller = Caller("pullcord wait", progress.tell)
        return await wait(Attempt(call, Verdict(Outcome.STOPPING)), reach.engine.gateway, caller)


def _sentence(attempt: Attempt | None, *, is_known: bool) -> str:
    if attempt is None or attempt.watch is None or not attempt.watch.possible:
        return "no look tells when it ends; pullcord ps shows whether it runs"
    if attempt.watch.gone and attempt.verdict.outcome not in FINAL:
        return (
            "its platform finds no such work any more; how it ended, nothing tells"
            if is_known
            else "its platform finds no such work; check the id, and whether this key sees it"
        )
    if attempt.watch.last is None:
        return "no look at it succeeded"
    state = sanitize.text(attempt.verdict.state or "unknown")
    return f"{_SENTENCES.get(attempt.verdict.outcome, 'it may still run')} (state {state})"


def _recorded(reach: Reach, path: Path, platforms: Sequence[str]) -> Selection:
    """The work that a journal records as asked to stop and not as ended, by the last cancel of each that was sent.

    Args:
        reach: the platforms.
        path: of the journal.
        platforms: names of those whose work is meant; empty: all.
    """
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            entries, _ = journal.read(lines)
    except OSError as error:
        raise SettingsError([f"{path}: this journal can't be read: {error.strerror}"]) from None
    latest = {
        str([entry["platform"], entry["operation"], entry["target"]]): entry
        for entry in entries
        if not entry["obstacle"] and (not platforms or entry["platform"] in platforms)
    }
    operations = {(each.platform.name, each.operation_id): each for each in reach.surface.catalogue.values()}
    pieces: list[Piece] = []
    gaps: dict[str, None] = {}
    for entry in (each for each in latest.values() if each["outcome"] in _OPEN):
        names = sanitize.text(str(entry["platform"])), sanitize.text(str(entry["operation"]))
        operation = operations.get((str(entry["platform"]), str(entry["operation"])))
        if operation and operation.cancel:
            target: Mapping[str, Json] = entry["target"] if isinstance(entry["target"], dict) else {}
            pieces.append(Piece(sanitize.text(call_line(operation.id, target)), None, operation, target))
        else:
            gaps[
                f"{names[0]}: {names[1]} is not offered here, so nothing tells what became of what it was to stop;"
                f" write --journal {path}, and its platform as where that was called (--platform, --manifest)"
            ] = None
    return Selection(pieces, gaps=list(gaps))
