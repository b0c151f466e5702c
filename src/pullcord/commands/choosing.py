"""Finds the work that a person names: by ids and URLs, by a whole call, or by filters; or says why it is unclear."""

import argparse
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from pullcord.assembly.reach import Reach
from pullcord.assembly.running import Running, Work, running, works_named
from pullcord.commands.work import narrowing
from pullcord.model import sanitize
from pullcord.model.nearest import question
from pullcord.model.operation import Operation
from pullcord.model.value import Arguments

_ARGUMENT = re.compile(r"\w+=[^=]")
"""The beginning of an argument of a whole call; no URL begins so, and few ids do."""


class UnclearError(Exception):
    """It is unclear which work is meant: the sentences say why, and what to write."""

    def __init__(self, sentences: Sequence[str]) -> None:
        super().__init__(*sentences)
        self.sentences = sentences


class Piece(NamedTuple):
    """A piece of work that is meant."""

    label: str
    """Its name for a person."""
    work: Work | None
    """The work that was seen; None: only its call was given."""
    operation: Operation | None
    """Its cancel; None: it can't be stopped from here."""
    arguments: Arguments

    @property
    def key(self) -> str:
        """The same for all pieces that one call stops."""
        return call_line(self.operation.id, self.arguments) if self.operation else self.label


class Selection(NamedTuple):
    """The work that is meant."""

    pieces: Sequence[Piece]
    protected: int = 0
    """The number of further pieces that fit, and must not be stopped from here."""
    undated: int = 0
    """The number of further pieces that an age alone leaves out, since their start is unknown."""
    gaps: Sequence[str] = ()
    """Sentences about what was not seen, so that more may fit."""


async def choose(reach: Reach, options: argparse.Namespace, now: datetime) -> Selection:
    """Find the work that the options of a command name.

    Args:
        reach: the platforms that are looked at.
        options: of the command.
        now: the time, for the age of work.

    Raises:
        UnclearError: no work fits, or several pieces fit one id, or too many fit.
    """
    filters = narrowing(options)
    has_filters = options.all or filters.text is not None or filters.older is not None
    if options.id and has_filters:
        raise UnclearError(["an id names one piece of work: leave out --all, --match and --older, or the ids"])
    operation = reach.surface.tools.get(options.id[0]) if options.id else None
    if operation and operation.cancel:
        return Selection([_call(reach, operation, options.id[1:])])
    if not (options.id or has_filters or filters.platforms):
        further = "--all, or --journal FILE" if options.command == "wait" else "--older 2h, or --all"
        raise UnclearError([f"say what is meant: ids or URLs, --platform P, --match TEXT, {further}"])
    running_work = await running(reach, filters.platforms)
    if options.id:
        return Selection(_pieces_named(reach, options, running_work))
    matches = [work for work in running_work.works if filters.fits(work, now)]
    unprotected = [work for work in matches if not work.protected]
    if len(unprotected) > options.most:
        count = len(unprotected)
        sentence = f"{count} pieces of work fit, and at most {options.most} are taken; --most {count} takes them all"
        raise UnclearError([sentence])
    pieces = {piece.key: piece for piece in (_piece(work, reach) for work in unprotected)}
    ageless = filters._replace(older=None)
    undated = [work for work in running_work.works if work.since is None and ageless.fits(work, now)]
    return Selection(
        list(pieces.values()),
        protected=len(matches) - len(unprotected),
        undated=0 if filters == ageless else len(undated),
        gaps=running_work.gaps,
    )


def _pieces_named(reach: Reach, options: argparse.Namespace, running_work: Running) -> list[Piece]:
    """The pieces that ids and URLs name, one each."""
    pieces: dict[str, Piece] = {}
    sentences: list[str] = []
    for text in options.id:
        matches = works_named(text, running_work.works)
        if len(matches) == 1:
            piece = _piece(matches[0], reach)
            pieces[piece.key] = piece
        else:
            sentences += _unclear_sentences(reach, options, text, matches)
    if sentences and not pieces and any(_ARGUMENT.match(text) for text in options.id[1:]):
        cancels = [name for name, each in reach.surface.tools.items() if each.cancel]
        otherwise = "pullcord tools lists them; those of further platforms are there with --platform"
        tool = sanitize.text(options.id[0])
        raise UnclearError([f"{tool}: there is no tool here that stops work; {question(tool, cancels, otherwise)}"])
    if sentences:
        raise UnclearError([*sentences, *(f"not all was seen: {gap}" for gap in running_work.gaps)])
    return list(pieces.values())


def _unclear_sentences(reach: Reach, options: argparse.Namespace, text: str, matches: Sequence[Work]) -> Iterator[str]:
    """Sentences that say why a text does not name one piece of work, and which calls would."""
    quoted = sanitize.text(text)
    if matches:
        yield f"{quoted}: this fits several pieces of work; write the call of the one that is meant:"
        for each in (_piece(work, reach) for work in matches):
            call = _command(options, each.operation, each.arguments) if each.operation else "(no call)"
            yield f"  {call}  ({each.label})"
        return
    platforms = narrowing(options).platforms
    calls = [
        _command(options, operation, {each.name: "..." for each in operation.arguments if each.required})
        for operation in reach.surface.tools.values()
        if operation.cancel
        and (not platforms or operation.platform.name in platforms)
        and reach.surface.settings_of(operation).obstacle is None
    ]
    names = "--match TEXT finds work by its name"
    further = f"{names}, and what no list shows is named by its call:" if calls else names
    yield f"{quoted}: nothing that was seen to run has this id; {further}"
    yield from (f"  {each}" for each in calls)


def _command(options: argparse.Namespace, operation: Operation, arguments: Mapping[str, object]) -> str:
    """The command line that names work by its call, with what chooses the platforms, for a shell.

    Args:
        options: of the command that was given.
        operation: the cancel.
        arguments: of the call.
    """
    words = ["pullcord", options.command, *(["--sandbox"] if options.sandbox else [])]
    words += [word for each in options.platform for word in ("--platform", each)]
    words += [word for each in options.manifest for word in ("--manifest", str(each))]
    call = [operation.id, *(f"{name}={value}" for name, value in arguments.items())]
    return sanitize.text(shlex.join([*words, *call]))


def _piece(work: Work, reach: Reach) -> Piece:
    stop = work.cancel
    label = " ".join(filter(None, [work.platform, sanitize.text(work.name or "", 60), work.id]))
    operation = reach.surface.tools[stop.tool] if stop and stop.tool else None
    return Piece(label, work, operation, (stop.arguments if stop else None) or {})


def _call(reach: Reach, operation: Operation, words: Sequence[str]) -> Piece:
    """The piece that a whole call names, with NAME=VALUE for each argument."""
    values = dict(word.partition("=")[::2] for word in words if "=" in word)
    faults = [f"{word}: write NAME=VALUE" for word in words if "=" not in word]
    conversion = reach.surface.readers[operation.id](values)
    if faults or conversion.faults:
        raise UnclearError([*faults, *conversion.faults])
    return Piece(call_line(operation.id, values), None, operation, conversion.arguments)


def call_line(tool: str, arguments: Mapping[str, object]) -> str:
    """A call in the words of the command line.

    Args:
        tool: the name of the cancel.
        arguments: of the call.
    """
    return " ".join([tool, *(f"{name}={value}" for name, value in arguments.items())])
