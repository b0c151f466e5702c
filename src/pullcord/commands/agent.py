"""An agent that knows no platform: it asks what runs, and from then on only follows allowed_actions, by their rel.

It shows that the next steps suffice: to find what runs, to stop it, to be sure of it, and to recover from failures.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

Action: TypeAlias = Mapping[str, Any]
Answer: TypeAlias = Mapping[str, Any]

FIND_RUNNING = "find_running"
"""The look at all lists at once, which not every server has."""
ROUNDS = 4
"""Rounds in which everything is listed: work that waited may have begun since the last one."""
PAGES = 20
"""Further parts of one list, at most."""
TRIES = 4
"""Repeats of a call at most, where its answer offers the same call again."""
LOOKS = 12
"""Looks at one piece of work in a round, at most."""
MOST = 200
"""Pieces of work, at most."""
PAUSE = 1.0
"""Seconds between two looks, and before the first repeat of a call; each further repeat doubles them."""
PATIENCE = 300
"""Seconds at most that are waited because a platform asks for it."""


class Step(NamedTuple):
    """A call, reported twice: before it is made, and with its answer."""

    action: Action
    answer: Answer | None = None


@dataclass(slots=True)
class Work:
    """A piece of work that was asked to stop, and the last answer about it.

    It has ended once an answer says so, or once its list was read to the end and offers no cancel of it. Whether that
    is proved, work_stopped tells.
    """

    cancel: Action
    answer: Answer
    ended: bool = False

    @property
    def proved(self) -> bool:
        """Whether a sign of the work itself shows that it has stopped."""
        return bool(self.answer["work_stopped"] == "yes")


FINAL = frozenset({"stopped", "already_finished", "finished_first", "nothing_running"})
"""Outcomes after which no further call can change anything."""


def is_over(answer: Answer) -> bool:
    """Whether the work of an answer is over, by the record: a look at work that is over offers no further look."""
    if answer["outcome"] == "observed" and answer["state"] is not None:
        return not any(actions(answer, "self"))
    return answer["outcome"] in FINAL


class Agent:
    """Finds what runs, stops it, and looks whether it has ended.

    Args:
        tools: those that tools/list answers.
        call: calls a tool.
        sleep: waits for seconds.
        report: called with each step.
    """

    def __init__(
        self,
        tools: Sequence[Mapping[str, Any]],
        call: Callable[[str, Mapping[str, Any]], Awaitable[Answer]],
        sleep: Callable[[float], Awaitable[None]],
        report: Callable[[Step], None],
    ) -> None:
        self.works: list[Work] = []
        looks = [tool for tool in tools if tool["annotations"]["readOnlyHint"]]
        lists = [tool["name"] for tool in looks if not tool["inputSchema"].get("required")]
        names = [FIND_RUNNING] if FIND_RUNNING in lists else lists
        self._cascading = {tool["name"] for tool in tools if "cascade" in tool["inputSchema"]["properties"]}
        self._lists: list[Action] = [{"rel": "collection", "tool": name, "arguments": {}} for name in names]
        self._requests: list[Action] = []  # in this round
        self._call, self._sleep, self._report = call, sleep, report

    async def run(self) -> bool:
        """Stop everything.

        Returns:
            Whether all work that was asked to stop has ended, and a last look at every list found nothing to stop.
        """
        for _ in range(ROUNDS):
            self._requests.clear()
            items, is_complete = await self.find()
            cancels = [cancel for item in items for cancel in actions(item, "cancel")]
            if is_complete and not cancels:
                for work in self.works:
                    work.ended = work.ended or work.answer["outcome"] == "not_found"  # and no list offers it
                return all(work.ended for work in self.works)
            # What fewer arguments name is more, such as a session before its tasks: it takes these with it.
            for cancel in sorted(cancels, key=lambda each: len(each["arguments"])):
                await self.ask(self._with_cascade(cancel))
            await self.confirm()
        return False

    def _with_cascade(self, cancel: Action) -> Action:
        """A cancel that takes what its work started with it, where its tool can do that."""
        if cancel["tool"] not in self._cascading:
            return cancel
        return {**cancel, "arguments": {**cancel["arguments"], "cascade": True}}

    async def find(self) -> tuple[list[Answer], bool]:
        """The items of all lists, and whether each list could be read to its end."""
        lists = [await self._walk(await self.follow(each)) for each in self._lists]
        return [item for items, _ in lists for item in items], all(is_complete for _, is_complete in lists)

    async def ask(self, cancel: Action) -> None:
        """Follow a cancel, and the cancels that its answer offers, such as the one of a child session."""
        if len(self.works) == MOST or any(_same(cancel, other) for other in self._requests):
            return
        self._requests.append(cancel)
        answer = await self.follow(cancel)
        repeat = next((work for work in self.works if not work.ended and _same(cancel, work.cancel)), None)
        if repeat:
            repeat.answer = answer
        else:
            self.works.append(Work(cancel, answer))
        for part in answer["parts"] or ():  # each was asked to stop, too
            call = {"rel": "cancel", "tool": part["tool"], "arguments": part["arguments"]}
            self._requests.append(call)
            steps = [each for each in actions(answer, "self") if part["arguments"].items() <= each["arguments"].items()]
            part_answer = {**part, "message": answer["message"], "allowed_actions": steps}
            self.works.append(Work(call, part_answer, ended=is_over(part)))
        await self._follow_cancels(answer)

    async def _follow_cancels(self, answer: Answer) -> None:
        """Follow the cancels that an answer offers."""
        for cancel in actions(answer, "cancel"):
            await self.ask(cancel)

    async def confirm(self) -> None:
        """Look at all work that was asked to stop, until it has ended or the looks are used up."""
        for work in self.works:  # a look may offer further cancels, whose work is added at the end
            await self._watch(work)

    async def _watch(self, work: Work) -> None:
        look: Action | None = None
        work.ended = work.ended or is_over(work.answer)
        for number in range(LOOKS):
            look = next(actions(work.answer, "self", "collection"), look)
            if work.ended or look is None:
                break
            if number:
                await self._sleep(PAUSE)
            work.answer = await self.follow(look)
            await self._follow_cancels(work.answer)
            items, is_complete = await self._walk(work.answer)
            cancels = [cancel for item in items for cancel in actions(item, "cancel")]
            is_gone = is_complete and not any(_same(work.cancel, cancel) for cancel in cancels)
            work.ended = is_gone or is_over(work.answer)

    async def _walk(self, answer: Answer) -> tuple[list[Answer], bool]:
        """The items of a list and of its next parts, and whether they are all."""
        items: list[Answer] = []
        for _ in range(PAGES):
            resource = answer["resource"] or {}
            items += resource.get("items", [])
            step = next(actions(answer, "next"), None)
            if step is None:
                platforms = (answer["evidence"] or {}).get("platforms", {})
                return items, "items" in resource and set(platforms.values()) <= {"observed"}
            answer = await self.follow(step)
        return items, False

    async def follow(self, action: Action) -> Answer:
        """Make the call of an action, and again where the answer offers that."""
        answer = await self._step(action)
        for attempt in range(TRIES):
            step = next(actions(answer, "retry-later", "retry"), {})
            seconds = step.get("retry_after_seconds", PAUSE * 2**attempt)
            if not step or seconds > PATIENCE:
                break
            await self._sleep(seconds)
            answer = await self._step(step)
        return answer

    async def _step(self, action: Action) -> Answer:
        self._report(Step(action))
        answer = await self._call(action["tool"], action["arguments"])
        self._report(Step(action, answer))
        return answer


def actions(answer: Answer, *rels: str) -> Iterator[Action]:
    """The actions of an answer, or of an item, that can be called here.

    Args:
        answer: or an item of a list.
        rels: link relations; the actions come in the order of these.
    """
    for rel in rels:
        yield from (action for action in answer["allowed_actions"] if action["rel"] == rel and "tool" in action)


def _same(one: Action, other: Action) -> bool:
    """Whether two cancels stop the same work: one of them may have further arguments."""
    part, whole = sorted((one["arguments"], other["arguments"]), key=len)
    return bool(one["tool"] == other["tool"] and {**whole, **part} == whole)
