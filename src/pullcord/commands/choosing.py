"""Which work a person means: by ids and URLs, by a whole call, or whatever fits; and what to write if it is unclear."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from pullcord.commands.reach import Reach
from pullcord.commands.work import Running, cancel, ids, meant, narrowing, running
from pullcord.flow.work import Work
from pullcord.model import sanitize
from pullcord.model.operation import Operation
from pullcord.model.value import Arguments


class UnclearError(Exception):
    """What is meant can't be told: the sentences say why, and what to write."""

    def __init__(self, sentences: Sequence[str]) -> None:
        super().__init__(*sentences)
        self.sentences = sentences


class Piece(NamedTuple):
    """A piece of work that is meant."""

    label: str
    """What a person knows it by."""
    work: Work | None
    """As it was seen; None: only its call was given."""
    operation: Operation | None
    """The cancel; None: it can't be stopped from here."""
    arguments: Arguments

    @property
    def key(self) -> str:
        """The same for all that one call stops."""
        return call_line(self.operation.id, self.arguments) if self.operation else self.label


class Chosen(NamedTuple):
    """What is meant."""

    pieces: Sequence[Piece]
    protected: int = 0
    """Further pieces that fit, and must not be stopped from here."""
    gaps: Sequence[str] = ()
    """What was not seen, so that more may fit."""


async def chosen(reach: Reach, options: argparse.Namespace, now: datetime) -> Chosen:
    """Find what the options of a command mean.

    Args:
        reach: what is looked at.
        options: of the command.
        now: the time, for the age of work.

    Raises:
        UnclearError: nothing, or more than was meant, fits.
    """
    narrow = narrowing(options)
    filtered = options.all or narrow.text is not None or narrow.older is not None
    if options.id and filtered:
        raise UnclearError(["an id names one piece of work: leave out --all, --match and --older, or the ids"])
    first = reach.surface.tools.get(options.id[0]) if options.id else None
    if first and first.cancel:
        return Chosen([_call(reach, first, options.id[1:])])
    if not (options.id or filtered or narrow.platforms):
        raise UnclearError(["say what is meant: ids or URLs, --platform P, --match TEXT, --older 2h, or --all"])
    overview = await running(reach, narrow.platforms)
    if options.id:
        return Chosen(_named(reach, options, overview))
    matches = [work for work in overview.works if narrow.fits(work, now)]
    free = [work for work in matches if not work.protected]
    if len(free) > options.most:
        raise UnclearError(
            [f"{len(free)} pieces of work fit, and at most {options.most} are taken; --most {len(free)}"]
        )
    pieces = {piece.key: piece for piece in (_piece(work, reach) for work in free)}
    return Chosen(list(pieces.values()), len(matches) - len(free), overview.gaps)


def _named(reach: Reach, options: argparse.Namespace, overview: Running) -> list[Piece]:
    """The pieces that ids and URLs mean, one each."""
    pieces: dict[str, Piece] = {}
    sentences: list[str] = []
    for text in options.id:
        matches = meant(text, overview.works, reach)
        if len(matches) == 1:
            piece = _piece(matches[0], reach)
            pieces[piece.key] = piece
        else:
            sentences += _which(reach, options, text, matches)
    if sentences:
        raise UnclearError([*sentences, *(f"not all was seen: {gap}" for gap in overview.gaps)])
    return list(pieces.values())


def _which(reach: Reach, options: argparse.Namespace, text: str, matches: Sequence[Work]) -> Iterator[str]:
    """Why a text doesn't name one piece of work, and the calls that would."""
    phrase = sanitize.text(text)
    if matches:
        yield f"{phrase}: this fits several pieces of work; write the call of the one that is meant:"
        for each in (_piece(work, reach) for work in matches):
            call = call_line(each.operation.id, each.arguments) if each.operation else "(no call)"
            yield f"  pullcord {options.command} {call}  ({each.label})"
        return
    yield f"{phrase}: nothing that was seen to run has this id; work that no list shows is named by its call:"
    platforms = narrowing(options).platforms
    for operation in reach.surface.tools.values():
        is_meant = not platforms or operation.platform.name in platforms
        if operation.cancel and is_meant and reach.surface.settings_of(operation).obstacle is None:
            placeholders = {each.name: "..." for each in operation.arguments if each.required}
            yield f"  pullcord {options.command} {call_line(operation.id, placeholders)}"


def _piece(work: Work, reach: Reach) -> Piece:
    stop = cancel(work, reach)
    label = " ".join(filter(None, [work.place.platform, sanitize.text(work.name or "", 60), ids(work)[-1]]))
    operation = reach.surface.tools[stop.tool] if stop and stop.tool else None
    return Piece(label, work, operation, (stop.arguments if stop else None) or {})


def _call(reach: Reach, operation: Operation, words: Sequence[str]) -> Piece:
    """The piece of a whole call: NAME=VALUE for each argument."""
    values = dict(word.partition("=")[::2] for word in words if "=" in word)
    faults = [f"{word}: write NAME=VALUE" for word in words if "=" not in word]
    checked = reach.surface.readers[operation.id](values)
    if faults or checked.faults:
        raise UnclearError([*faults, *checked.faults])
    return Piece(call_line(operation.id, values), None, operation, checked.arguments)


def call_line(tool: str, arguments: Mapping[str, object]) -> str:
    """The words of a call, as the command line takes them.

    Args:
        tool: the cancel's name.
        arguments: of the call.
    """
    return " ".join([tool, *(f"{name}={value}" for name, value in arguments.items())])
