"""pullcord stop: shows a person the work that is meant, asks, stops it, and waits for its end."""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import anyio

from pullcord.assembly.reach import Reach
from pullcord.assembly.running import obstacle
from pullcord.commands.choosing import Piece, Selection, UnclearError, call_line, choose
from pullcord.commands.console import Console
from pullcord.commands.log_lines import apart
from pullcord.commands.reach import reached, until_signal
from pullcord.commands.terminal import wrapped
from pullcord.commands.work import table
from pullcord.flow import call as flow_call
from pullcord.flow.attempt import Call
from pullcord.flow.caller import Caller
from pullcord.flow.journal import JOURNAL, stream
from pullcord.model import sanitize
from pullcord.model.answer import Answer
from pullcord.model.cancel import CASCADE, EXPECT, REASON, WAIT_SECONDS
from pullcord.model.errors import SettingsError
from pullcord.model.outcome import FINAL, Outcome, WorkStopped

AT_ONCE = 8
"""Pieces of work that are stopped at once, at most."""
WIDTH = 80
"""Characters of a line of prose."""
_MARGIN = " " * 4


class Result(NamedTuple):
    """What came of a piece of work."""

    outcome: Outcome | None
    """None: no cancel was sent."""
    work_stopped: WorkStopped = "unknown"
    answer: Answer | None = None
    """To its cancel; None: none was sent, or it was a part of another piece."""

    def is_over(self, *, strict: bool) -> bool:
        """Whether the work is over by the record, and with `strict` also by a sign of the work itself."""
        return self.outcome in FINAL and (not strict or self.work_stopped == "yes")


def run(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Stop work.

    Args:
        options: of the command line.
        environ: the variables, by name.

    Returns:
        The exit status: 0 if every piece is over, 1 if something may go on, 2 if nothing was begun.

    Raises:
        SettingsError: the settings can't be used; nothing was sent.
    """
    journal = options.journal or environ.get(JOURNAL)
    if journal and options.json and stream(journal) == 1:
        raise SettingsError([f"--journal {journal}: not with --json; the standard output carries one JSON object then"])
    with apart(journal, is_output_free=True, is_output_for_programs=options.json):
        return anyio.run(_run, options, environ, journal)


async def _run(options: argparse.Namespace, environ: Mapping[str, str], journal: str | None) -> int:
    async with reached(options, environ, journal=journal) as reach:
        return await stop(reach, options, Console())


async def stop(reach: Reach, options: argparse.Namespace, console: Console) -> int:
    """Find the work that is meant, show it, ask, stop it, and wait for its end.

    Args:
        reach: the platforms.
        options: of the command.
        console: of the person.

    Returns:
        The exit status; after a signal that of the signal, and nothing more is sent.
    """
    # For a program the standard output holds one JSON object alone; what a person reads goes beside it.
    output = console.write
    console = console._replace(write=console.put) if options.json else console
    try:
        selection = await choose(reach, options, console.now())
    except UnclearError as unclear:
        for sentence in unclear.sentences:
            console.note(sentence)
        return 2
    if selection.protected:
        console.note(f"{selection.protected} more must not be stopped from here (PULLCORD_PROTECT), and are left alone")
    if selection.undated:
        console.note(f"{selection.undated} more have no known start, so --older leaves them out")
    results: Sequence[Result] = [Result(None) for _ in selection.pieces]
    signal_status = 0
    count = sum(each.operation is not None for each in selection.pieces)
    if not selection.pieces:
        summary = "Nothing was seen to run that this would stop."
    else:
        _show(selection.pieces, console)
        summary = "Nothing was stopped: this was a dry run." if options.dry_run else _summary(results)
    if count and not options.dry_run:
        if not options.yes and (status := _ask(count, len(selection.pieces), console)):
            return status
        results, signal_status = await until_signal(
            reach.engine, partial(_Stopping(reach, options, console).run, selection.pieces)
        )
        summary = _summary(results)
    if options.json:
        output(_as_json(selection, results))
    else:
        console.write(wrapped(summary, console.columns()))
    status = _tell_gaps(selection.gaps, console)
    is_done = options.dry_run or all(each.is_over(strict=options.strict) for each in results)
    return signal_status or (status if is_done else 1)


def _as_json(selection: Selection, results: Sequence[Result]) -> str:
    pieces = [
        {
            "label": piece.label,
            "tool": piece.operation.id if piece.operation else None,
            "arguments": dict(piece.arguments),
            "outcome": result.outcome and str(result.outcome),
            "work_stopped": result.work_stopped,
            "answer": result.answer and result.answer.to_json(),
        }
        for piece, result in zip(selection.pieces, results, strict=True)
    ]
    value = {"pieces": pieces, "protected": selection.protected, "not_seen": list(selection.gaps)}
    return json.dumps(value, ensure_ascii=False, indent=2)


def _tell_gaps(gaps: Sequence[str], console: Console) -> int:
    """Say what was not seen; return 0 if all was seen, else 1."""
    for gap in gaps:
        console.note(f"not all was seen: {gap}")
    return 1 if gaps else 0


def _show(pieces: Sequence[Piece], console: Console) -> None:
    """Show the pieces, and which of them can't be stopped."""
    works = [each.work for each in pieces if each.work]
    if works:
        console.write(table(works, console.now(), console.columns()))
    for each in pieces:
        if each.work is None:
            console.write(each.label)
        elif each.operation is None:
            console.write(wrapped(f"not stopped  {each.label}: {obstacle(each.work)}", console.columns(), _MARGIN))


def _ask(count: int, total: int, console: Console) -> int:
    """Ask whether to stop the work.

    Args:
        count: of the pieces that can be stopped; if there are several, their number must be typed.
        total: the number of all pieces that were shown.
        console: of the person.

    Returns:
        0 for yes, else 2.

    Raises:
        KeyboardInterrupt: the person interrupted the question.
    """
    if count == 1:
        pieces, started, how, words = "it", "it", "[y/N]", {"y", "yes"}
    else:
        pieces, started, how, words = f"these {count}", "they", "Type their number to do it:", {str(count)}
    if count < total:
        pieces = f"the {'one' if count == 1 else count} of these {total} that can be stopped"
    try:
        reply = console.ask(f"Stop {pieces}, and what {started} started? {how}")
    except KeyboardInterrupt:
        console.note("nothing was stopped")
        raise
    if reply is None:
        console.note("nobody is there to be asked, and nothing was stopped; --yes stops without asking")
    elif reply.lower() not in words:
        console.note("nothing was stopped")
    else:
        return 0
    return 2


class _Stopping:
    """Stops pieces of work.

    Args:
        reach: the platforms.
        options: of the command.
        console: of the person.
    """

    def __init__(self, reach: Reach, options: argparse.Namespace, console: Console) -> None:
        self.reach, self.options, self.console = reach, options, console
        self.places = anyio.CapacityLimiter(AT_ONCE)
        self.answers: dict[str, Answer] = {}
        """By the key of the piece."""

    async def run(self, pieces: Sequence[Piece]) -> Sequence[Result]:
        """Stop the pieces whose cancel names them, at once; then the others, one after the other.

        A cancel of whatever runs is not sent where another piece's cascade stopped the work: it might hit other work.
        """
        async with anyio.create_task_group() as tasks:
            for piece in filter(_is_aimed, pieces):
                tasks.start_soon(self._one, piece)
        for piece in pieces:
            if not _is_aimed(piece) and not self._along(piece):
                await self._one(piece)
        return [self._result(piece) for piece in pieces]

    async def _one(self, piece: Piece) -> None:
        async with self.places:
            if piece.operation is None:
                return  # it was told before anybody was asked
            if self.reach.engine.gateway.ending.is_set():
                text = f"not stopped  {piece.label}: a signal came first"
                self.console.write(wrapped(text, self.console.columns(), _MARGIN))
            else:
                values = {WAIT_SECONDS: self.options.wait, CASCADE: True, REASON: self.options.reason}
                arguments = {**piece.operation.accepted(values), **piece.arguments}
                call = Call(self.reach.surface, piece.operation, arguments)
                caller = Caller("pullcord stop", partial(self._report, piece.label, call.wait))
                answer = self.answers[piece.key] = await flow_call.answer(call, self.reach.engine, caller)
                self.console.write("\n".join(lines(piece.label, answer, self.console.columns())))

    async def _report(self, label: str, wait: int, seconds: float, _total: float, text: str) -> None:
        # The total may be that of the whole call: a person expects the waiting that was asked for, while it lasts.
        limit = f" of {wait}" if seconds <= wait else ""
        self.console.note(f"{label}: {seconds:.0f}{limit} s: {sanitize.text(text)}")

    def _along(self, piece: Piece) -> Result | None:
        """The result of a piece that was a part of another one; None: it was not."""
        parts = [part for answer in self.answers.values() for part in answer.parts or ()]
        return next(
            (
                Result(part.outcome, part.work_stopped)
                for part in parts
                if piece.operation
                and part.tool == piece.operation.id
                and part.arguments.items() >= piece.arguments.items()
            ),
            None,
        )

    def _result(self, piece: Piece) -> Result:
        answer = self.answers.get(piece.key)
        if answer:
            return Result(answer.outcome, answer.work_stopped, answer)
        return self._along(piece) or Result(None)


def _is_aimed(piece: Piece) -> bool:
    """Whether the cancel of a piece hits this work or nothing."""
    expecting = any(name.startswith(EXPECT) for name in piece.arguments)
    return piece.operation is None or piece.operation.repeatable or expecting


def lines(label: str, answer: Answer, columns: int | None) -> Iterator[str]:
    """The lines about a cancel: its outcome and message, and what is not proved.

    Args:
        label: the work's name for a person.
        answer: to its cancel.
        columns: of the terminal; None: there is none.
    """
    yield wrapped(f"{answer.outcome}  {label}", columns, _MARGIN)
    sentences = [answer.message]
    if answer.outcome in FINAL and answer.work_stopped != "yes":
        sentences.append("No sign of the work itself proves that it has stopped.")
    if answer.may_go_on:
        sentences.append(f"May go on: {', '.join(word.replace('_', ' ') for word in answer.may_go_on)}.")
    yield wrapped(_MARGIN + " ".join(sentences), min(WIDTH, columns or WIDTH), _MARGIN)
    for part in answer.parts or ():
        yield f"{_MARGIN}{part.outcome}  {call_line(part.tool, part.arguments)}"


def _summary(results: Sequence[Result]) -> str:
    count = sum(each.is_over(strict=False) for each in results)
    proofs = sum(each.is_over(strict=True) for each in results)
    text = f"{count} of {len(results)} over by the record, {proofs} of them proved by a sign of the work itself."
    rest = len(results) - count
    return f"{text} {rest} may go on: pullcord ps shows what runs, pullcord wait ID watches it." if rest else text
