"""The look at all that runs: every list that shows it, on all platforms side by side, within bounds."""

from collections.abc import Iterator, Sequence

import anyio
from anyio.abc import TaskGroup

from pullcord.flow import wording
from pullcord.flow.attempt import Attempt, Call
from pullcord.flow.found import Gap, Sight, found
from pullcord.flow.listing import part
from pullcord.flow.looking import look
from pullcord.flow.work import Work, work_of
from pullcord.model.answer import Answer
from pullcord.model.listing import Listing, PageStyle, items_of
from pullcord.model.operation import Operation
from pullcord.model.outcome import Outcome
from pullcord.model.running import PLATFORM, Start, starts
from pullcord.model.value import Arguments
from pullcord.upstream.gateway import Gateway

REQUESTS = 20
"""Requests to one platform, repeats included."""
SECONDS = 5.0
"""For one platform; and since all are looked at side by side, for the whole look."""


async def find(call: Call, gateway: Gateway) -> Answer:
    """Look at all platforms that can be reached, and tell what runs there.

    Args:
        call: of find_running, checked and named by a request id.
        gateway: sends the looks.
    """
    return found(call, await look_around(call, gateway))


async def look_around(call: Call, gateway: Gateway) -> list[Sight]:
    """Look at all platforms that can be reached.

    Args:
        call: of find_running, checked and named by a request id.
        gateway: sends the looks.

    Returns:
        What was seen of each, and what was not.
    """
    wanted, settings = call.arguments.get(PLATFORM), call.surface.settings
    platforms = {each.platform.name: each.platform for each in call.surface.catalogue.values()}
    begin = {name: own for name, own in starts(call.surface.catalogue).items() if wanted in {None, name}}
    reached = [name for name, own in begin.items() if own and settings[name].obstacle is None]
    sights: list[Sight] = []
    async with anyio.create_task_group() as tasks:
        for name, own in begin.items():
            obstacle = settings[name].obstacle
            # A platform that nobody has set up is not in use; one with a mistake in its settings is.
            if obstacle and reached and not settings[name].faults:
                continue
            sight = Sight(platforms[name])
            sights.append(sight)
            if obstacle:
                sight.gaps.append(Gap(Outcome.DENIED, obstacle, remedy=settings[name].remedy))
            elif own:
                tasks.start_soon(_Sweep(call, gateway, sight).run, own)
            else:
                sight.gaps.append(Gap(None, "none of its lists shows what runs"))
    return sights


class _Sweep:
    """One look at all that runs on a platform.

    Args:
        call: of find_running.
        gateway: sends the looks.
        sight: filled with what they show.
    """

    def __init__(self, call: Call, gateway: Gateway, sight: Sight) -> None:
        self.call = call._replace(deadline=gateway.now() + SECONDS)
        self.gateway, self.sight = gateway, sight
        self.left = REQUESTS

    async def run(self, begin: Sequence[Start]) -> None:
        """Look at the lists that its manifest names, each to its end."""
        async with anyio.create_task_group() as tasks:
            for start in begin:
                for place in self._places(start):
                    tasks.start_soon(self._walk, tasks, start._replace(arguments={**start.arguments, **place}))

    def _places(self, start: Start) -> Iterator[Arguments]:
        """The arguments of each place that a list is looked through in."""
        places = start.listing.places
        if places is None:
            yield {}
            return
        form = "/".join(places.fills)
        remedy = f"Set {places.env} where pullcord is started: places such as {form}, with commas between them."
        given = self.call.surface.settings[self.sight.platform.name].values.get(places.env, "")
        if not given:
            self._miss(Gap(Outcome.DENIED, f"{places.env} is not set, which says where to look", remedy=remedy))
        for place in filter(None, map(str.strip, given.split(","))):
            filled = dict(zip(places.fills, place.split("/"), strict=False))
            faults = self.call.surface.checks[start.operation.id]({**start.arguments, **filled})
            if faults or place.count("/") != form.count("/"):
                self._miss(Gap(Outcome.DENIED, f"{places.env} holds what is no place like {form}", remedy=remedy))
            else:
                yield filled

    async def _walk(self, tasks: TaskGroup, start: Start, above: Work | None = None) -> None:
        """Look at a list, part by part.

        Args:
            tasks: where looks at further lists begin.
            start: the first part.
            above: the item whose work the list holds; it stands for that work where the list can't be read.
        """
        walked: list[Arguments] = []
        onward: Arguments | None = start.arguments
        while onward is not None and onward not in walked:
            walked.append(onward)
            seen = await self._look(start.operation, onward)
            if seen is None:
                if above and len(walked) == 1:
                    self._take(above)
                return
            for item in items_of(start.listing, seen.reply.body if seen.reply else None) or ():
                if work := work_of(seen, start.listing, item):
                    self._see(tasks, work, above)
            onward = self._onward(seen, start.listing)

    async def _look(self, operation: Operation, arguments: Arguments) -> Attempt | None:
        """One request; None if it failed, or no more may be made."""
        if not await self._may():
            self._miss(Gap(None, f"there is more than {REQUESTS} requests show"))
            return None
        seen = await look(self.call._replace(operation=operation, arguments=arguments), self.gateway, self._may)
        outcome = seen.verdict.outcome
        if outcome is Outcome.OBSERVED:
            self.sight.looked = True
            return seen
        why = (wording.cause(seen) or wording.LOOKS[outcome]).replace("{platform}", self.sight.platform.title)
        remedy = seen.call.settings.remedy if outcome is Outcome.DENIED else None
        self._miss(Gap(outcome, why.rstrip("."), seen.reply.retry_after if seen.reply else None, remedy))
        return None

    async def _may(self) -> bool:
        """Whether one more request may be made: then it is counted. The gateway keeps the time."""
        self.left -= 1
        return self.left >= 0

    def _onward(self, seen: Attempt, listing: Listing) -> Arguments | None:
        """The arguments of a list's next part; None: there is none, or none that can be asked for."""
        style = listing.pages.style
        shown = part(seen.call.operation, listing, seen.call.arguments, seen.reply.body if seen.reply else None)
        if shown is None or style is PageStyle.WHOLE:
            return None
        if style is PageStyle.LIMIT and shown.left_out != 0 and shown.onward is None:
            self._miss(Gap(None, f"of a list only the newest {len(shown.items)} were seen"))
        return shown.onward

    def _see(self, tasks: TaskGroup, work: Work, above: Work | None) -> None:
        """Take work in, or go on to the list that holds it."""
        if above:
            work = work._replace(name=work.name or above.name)
        if above or work.within is None or (listing := work.within.operation.listing) is None:
            self._take(work)
            return
        for given in listing.running or ({},):
            start = Start(work.within.operation, listing, {**work.within.arguments, **given})
            tasks.start_soon(self._walk, tasks, start, work)

    def _take(self, work: Work) -> None:
        self.sight.works.setdefault(work.place.id, work)

    def _miss(self, gap: Gap) -> None:
        if gap not in self.sight.gaps:
            self.sight.gaps.append(gap)
