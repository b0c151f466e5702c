"""find_running: reads every list that shows what runs, on all platforms at once, within bounds."""

from collections.abc import Iterator, Sequence

import anyio
from anyio.abc import TaskGroup

from pullcord.config.settings import platforms
from pullcord.flow import wording
from pullcord.flow.attempt import Attempt, Call
from pullcord.flow.found import Gap, Survey, found
from pullcord.flow.listing import page_of
from pullcord.flow.looking import look
from pullcord.flow.work import Work, work_of
from pullcord.model.answer import Answer
from pullcord.model.arguments import typed_as
from pullcord.model.listing import Listing, PageStyle, items_of
from pullcord.model.operation import Operation
from pullcord.model.outcome import Outcome
from pullcord.model.running import PLATFORM, Start, starts
from pullcord.model.value import Arguments
from pullcord.upstream.gateway import Gateway

REQUESTS = 20
"""Requests to one platform at most, repeats included."""
SECONDS = 5.0
"""Seconds for one platform; and, since all are read at once, for the whole look."""


async def find(call: Call, gateway: Gateway) -> Answer:
    """Look at all platforms that can be reached, and answer with what runs there.

    Args:
        call: of find_running, checked, with a request id.
        gateway: sends the looks.
    """
    return found(call, await look_around(call, gateway))


async def look_around(call: Call, gateway: Gateway) -> list[Survey]:
    """Look at all platforms that can be reached.

    Args:
        call: of find_running, checked, with a request id.
        gateway: sends the looks.

    Returns:
        What was seen of each, and what was not.
    """
    choice, settings = call.arguments.get(PLATFORM), call.surface.settings
    platforms_by_name = platforms(call.surface.catalogue)
    starting_lists = {name: lists for name, lists in starts(call.surface.catalogue).items() if choice in {None, name}}
    usable = [name for name, lists in starting_lists.items() if lists and settings[name].obstacle is None]
    surveys: list[Survey] = []
    async with anyio.create_task_group() as tasks:
        for name, lists in starting_lists.items():
            obstacle = settings[name].obstacle
            # A platform without settings is not in use; one with faults in its settings is.
            if obstacle and usable and not settings[name].faults:
                continue
            survey = Survey(platforms_by_name[name])
            surveys.append(survey)
            if obstacle:
                survey.gaps.append(Gap(Outcome.DENIED, obstacle, remedy=settings[name].remedy))
            elif lists:
                tasks.start_soon(_Sweep(call, gateway, survey).run, lists)
            else:
                survey.gaps.append(Gap(None, "none of its lists shows what runs"))
    return surveys


class _Sweep:
    """One look at all that runs on a platform.

    Args:
        call: of find_running.
        gateway: sends the looks.
        survey: what was seen; the looks add to it.
    """

    def __init__(self, call: Call, gateway: Gateway, survey: Survey) -> None:
        self.call = call._replace(deadline=gateway.now() + SECONDS)
        self.gateway, self.survey = gateway, survey
        self.requests_left = REQUESTS
        self.parents: dict[tuple[str, str], list[Work]] = {}
        """The items that lead to a list, by the call that reads it: several may lead to the same one."""

    async def run(self, starts: Sequence[Start]) -> None:
        """Look at the lists that its manifest names, each to its end."""
        async with anyio.create_task_group() as tasks:
            for start in starts:
                for place in self._places(start):
                    tasks.start_soon(self._walk, tasks, start._replace(arguments={**start.arguments, **place}))

    def _places(self, start: Start) -> Iterator[Arguments]:
        """The arguments of each place, such as a repository, in which a list is read."""
        places = start.listing.places
        if places is None:
            yield {}
            return
        form = "/".join(places.fills)
        remedy = f"Set {places.env} where pullcord is started: places such as {form}, with commas between them."
        setting = self.call.surface.settings[self.survey.platform.name].values.get(places.env, "")
        if not setting:
            self._add_gap(Gap(Outcome.DENIED, f"{places.env} is not set, which says where to look", remedy=remedy))
        for place in filter(None, map(str.strip, setting.split(","))):
            arguments = typed_as(start.operation, dict(zip(places.fills, place.split("/"), strict=False)))
            faults = self.call.surface.checks[start.operation.id]({**start.arguments, **arguments})
            if faults or place.count("/") != form.count("/"):
                self._add_gap(Gap(Outcome.DENIED, f"{places.env} holds what is no place like {form}", remedy=remedy))
            else:
                yield arguments

    async def _walk(self, tasks: TaskGroup, start: Start, parents: Sequence[Work] = ()) -> None:
        """Read a list, page by page.

        Args:
            tasks: in which further lists are read.
            start: the first page.
            parents: the items whose work the list holds; those that have a state stand for that work where the list
                can't be read, since others may hold none.
        """
        history: list[Arguments] = []
        arguments: Arguments | None = start.arguments
        while arguments is not None and arguments not in history:
            history.append(arguments)
            attempt = await self._look(start.operation, arguments)
            if attempt is None:
                for parent in parents if len(history) == 1 else ():
                    if parent.state is not None:
                        self._keep(parent)
                return
            for item in items_of(start.listing, attempt.reply.body if attempt.reply else None) or ():
                if work := work_of(attempt, start.listing, item):
                    self._add(tasks, work, parents)
            arguments = self._next_arguments(attempt, start.listing)

    async def _look(self, operation: Operation, arguments: Arguments) -> Attempt | None:
        """Make one look; None: it failed, or no more requests may be made."""
        if not await self._take_request():
            self._add_gap(Gap(None, f"there is more than {REQUESTS} requests show"))
            return None
        attempt = await look(
            self.call._replace(operation=operation, arguments=arguments), self.gateway, self._take_request
        )
        outcome = attempt.verdict.outcome
        if outcome is Outcome.OBSERVED:
            self.survey.looked = True
            return attempt
        reason = (wording.cause(attempt) or wording.LOOKS[outcome]).replace("{platform}", self.survey.platform.title)
        remedy = attempt.call.settings.remedy if outcome is Outcome.DENIED else None
        self._add_gap(Gap(outcome, reason.rstrip("."), attempt.reply.retry_after if attempt.reply else None, remedy))
        return None

    async def _take_request(self) -> bool:
        """Count one more request, and return whether it may be made. The gateway bounds the time."""
        self.requests_left -= 1
        return self.requests_left >= 0

    def _next_arguments(self, attempt: Attempt, listing: Listing) -> Arguments | None:
        """The arguments of a list's next page; None: there is none, or it can't be requested."""
        style, body = listing.pages.style, attempt.reply.body if attempt.reply else None
        page = page_of(attempt.call.operation, attempt.call.arguments, body)
        if page is None or style is PageStyle.WHOLE:
            return None
        if style is PageStyle.LIMIT and page.left_out != 0 and page.next_arguments is None:
            self._add_gap(Gap(None, f"of a list only the newest {len(items_of(listing, body) or ())} were seen"))
        return page.next_arguments

    def _add(self, tasks: TaskGroup, work: Work, parents: Sequence[Work]) -> None:
        """Keep a piece of work, or read the list that holds the work itself, once."""
        if len(parents) == 1:
            work = work._replace(name=work.name or parents[0].name)
        inner = work.within
        if parents or inner is None or inner.operation.listing is None:
            self._keep(work)
            return
        for variant in inner.operation.listing.running or ({},):
            start = Start(inner.operation, inner.operation.listing, {**inner.arguments, **variant})
            leading = self.parents.setdefault((start.operation.id, repr(sorted(start.arguments.items()))), [])
            leading.append(work)
            if len(leading) == 1:
                tasks.start_soon(self._walk, tasks, start, leading)

    def _keep(self, work: Work) -> None:
        self.survey.works.setdefault(work.position.id, work)

    def _add_gap(self, gap: Gap) -> None:
        if gap not in self.survey.gaps:
            self.survey.gaps.append(gap)
