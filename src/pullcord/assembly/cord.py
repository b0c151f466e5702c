"""Calls without MCP: the same flow and the same safety, for a program in whose process they run."""

from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import NamedTuple, Self, Unpack

from pullcord.assembly.closing import UnderWay
from pullcord.assembly.options import CordOptions, check, opened
from pullcord.assembly.reach import Reach
from pullcord.assembly.running import Running, Work, obstacle, running, works_named
from pullcord.config.settings import platforms
from pullcord.flow.attempt import Call
from pullcord.flow.call import answer
from pullcord.flow.caller import Caller
from pullcord.model import sanitize
from pullcord.model.action import Action
from pullcord.model.answer import Answer
from pullcord.model.cancel import CASCADE, REASON, WAIT_SECONDS
from pullcord.model.errors import TargetError, UnknownToolError
from pullcord.model.nearest import question
from pullcord.model.value import Arguments


class _Open(NamedTuple):
    """What an open Cord has."""

    reach: Reach
    under_way: UnderWay
    stack: AsyncExitStack


class Cord:
    """Stops work on agent platforms, and tells honestly what came of it.

    It is used as `async with Cord(...) as cord:`, by any number of tasks at once. What a platform or the network does
    wrong is an outcome of an answer, not an exception. At the end of the block calls that wait for work to end answer
    at once with what is known, and a cancel that is on the wire is finished.

    Args:
        options: which platforms, and how; see `CordOptions`.

    Raises:
        TypeError: there is no such option.
    """

    def __init__(self, **options: Unpack[CordOptions]) -> None:
        check("Cord", options, CordOptions)
        self._options = options
        self._opened: _Open | None = None

    async def __aenter__(self) -> Self:
        """Read the settings; no connection is opened before the first call.

        Raises:
            SettingsError: they can't be used; it holds every fault.
            RuntimeError: it is open.
        """
        if self._opened:
            raise RuntimeError("this Cord is open; another `async with` needs a Cord of its own")
        async with AsyncExitStack() as stack:
            reach = await stack.enter_async_context(opened(self._options))
            under_way = UnderWay(reach.engine.gateway.ending)
            stack.push_async_callback(under_way.close)
            self._opened = _Open(reach, under_way, stack.pop_all())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the waiting, finish what is under way, and close the connections."""
        stack, self._opened = self._open.stack, None
        await stack.aclose()

    @property
    def _open(self) -> _Open:
        if self._opened is None:
            raise RuntimeError("this Cord is not open; call it in the block of `async with Cord(...) as cord:`")
        return self._opened

    async def running(self, *names: str) -> Running:
        """Look at all that runs; it takes up to 5 s.

        Args:
            names: of the only platforms to look at; none: all that can be reached.

        Raises:
            ValueError: there is no such platform here.
        """
        reach, under_way, _ = self._open
        known_names = platforms(reach.surface.catalogue)
        for name in names:
            if name not in known_names:
                remedy = question(name, known_names, "it must be among the options' platforms")
                raise ValueError(f"there is no platform {name} here; {remedy}")
        with under_way.call():
            return await running(reach, names)

    async def call(self, tool: str, arguments: Arguments | None = None) -> Answer:
        """Call a tool.

        Args:
            tool: its name.
            arguments: by name; they are checked, and faults are an outcome.

        Returns:
            The answer, whatever came of the call.

        Raises:
            UnknownToolError: there is no such tool here.
            ClosedError: this Cord was closed before the call was done.
        """
        reach, under_way, _ = self._open
        operation = reach.surface.tools.get(tool)
        if operation is None:
            raise UnknownToolError(_unknown(tool, reach))
        with under_way.call():
            return await answer(Call(reach.surface, operation, arguments or {}), reach.engine, _CALLER)

    async def follow(self, action: Action) -> Answer:
        """Make the call that an action of an answer is.

        Args:
            action: one with a tool. It is called at once, whatever its retry_after_seconds say.

        Returns:
            The answer, whatever came of the call.

        Raises:
            ValueError: the action has no tool here; its hint says what to do.
            UnknownToolError: its tool is none of this Cord.
        """
        if action.tool is None:
            raise ValueError(f"{action.rel} is no call that can be made here: {action.hint}")
        return await self.call(action.tool, action.arguments)

    async def stop(
        self,
        target: Work | str,
        *,
        cascade: bool = True,
        wait_seconds: int | None = None,
        reason: str | None = None,
    ) -> Answer:
        """Stop one piece of work.

        Args:
            target: the work as `running` saw it; or an id, or the URL of a page about it, which is then looked for in
                all that runs.
            cascade: whether to stop what it started, too, where its platform tells that.
            wait_seconds: to watch for its end, 0 to 300; None: 10.
            reason: for the journal, and for platforms that take one.

        Returns:
            The answer of its cancel, whatever came of it.

        Raises:
            TargetError: no work fits, or several pieces, or nothing stops it from here; nothing was sent.
        """
        work = target if isinstance(target, Work) else await self._work(target)
        cancel = work.cancel
        if cancel is None or cancel.tool is None:
            raise TargetError(f"{work.platform} {work.id} can't be stopped from here: {obstacle(work)}")
        values = {WAIT_SECONDS: wait_seconds, CASCADE: cascade, REASON: reason}
        options = self._open.reach.surface.tools[cancel.tool].accepted(values)
        return await self.call(cancel.tool, {**(cancel.arguments or {}), **options})

    async def _work(self, text: str) -> Work:
        """The one piece of work that an id or a URL names.

        Raises:
            TargetError: it names none, or several.
        """
        running_work = await self.running()
        works = works_named(text, running_work.works)
        if len(works) == 1:
            return works[0]
        raise TargetError(" ".join(_unclear(sanitize.text(text), works, running_work.gaps)))


_CALLER = Caller("pullcord.Cord")


def _unknown(tool: str, reach: Reach) -> str:
    """Why there is no tool of a name, and what to do."""
    if reason := reach.surface.obstacle(tool):
        return reason
    return f"there is no tool {tool} here; {question(tool, reach.surface.tools, 'its platform may have to be named')}"


def _unclear(text: str, works: Sequence[Work], gaps: Sequence[str]) -> Iterator[str]:
    """Sentences that say why a text does not name one piece of work."""
    if works:
        yield f"{text} fits several pieces of work: {', '.join(f'{each.platform} {each.id}' for each in works)}."
        yield "Give the one that is meant, as running() sees it."
    else:
        yield f"Nothing that was seen to run has the id {text}."
        yield "Work that no list shows is stopped by its tool: call(tool, arguments)."
    for gap in gaps:
        yield f"Not all was seen: {gap}"
