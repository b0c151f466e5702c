"""What every client goes through, and how it is judged: its model must be shown what the server said, all of it.

The story is an agent's: it lists work, asks a task to stop and looks at it again, each time by an action that it was
shown; then it makes three calls that go wrong in different ways.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple, TypeAlias

from tests.clients.client import Ask

Answer: TypeAlias = dict[str, Any]
Story: TypeAlias = Mapping[str, list[str]]
"""What the model was shown at each step, in every form."""

IDLE = "session_0199aa00000070008000000000000001"
"""A session of the sandbox in which no turn runs."""
NOBODY = "session_0199aa00000070008000000000000fff"
"""A session that the sandbox doesn't have."""
RUNNING = "Crawl the old site"
"""A task of the sandbox that takes its time to stop."""
OTHER = "Rewrite links"
"""A task of the sandbox that works in a child session."""


class Step(NamedTuple):
    """What a step must come to."""

    outcome: str
    rels: tuple[str, ...]
    """Of its actions, in order."""


STEPS: Mapping[str, Step] = {
    "list": Step("observed", ()),
    "stopping": Step("stopping", ("self",)),
    "follow": Step("observed", ("self", "cancel", "cancel")),
    "nothing_running": Step("nothing_running", ("collection",)),
    "not_found": Step("not_found", ("collection",)),
    "invalid_arguments": Step("invalid_arguments", ("retry", "collection")),
}


async def live(ask: Ask) -> Story:
    """Live through the story, as far as what is shown allows."""
    shown: dict[str, list[str]] = {}

    async def step(name: str, tool: str, arguments: Mapping[str, Any]) -> None:
        shown[name] = await ask(tool, arguments)

    await step("nothing_running", "cancel_turn", {"session_id": IDLE})
    await step("not_found", "cancel_turn", {"session_id": NOBODY})
    await step("invalid_arguments", "cancel_turn", {"session_id": "the idle one"})
    await step("list", "list_org_tasks", {})
    with suppress(ValueError, LookupError):
        tasks = {item["display_name"]: item for item in read(shown["list"][0])["resource"]["items"]}
        cancel = _action(tasks[RUNNING], "cancel")
        await step("stopping", cancel["tool"], {**cancel["arguments"], "wait_seconds": 0})
        # Not the task itself: some clients start a server, and so a sandbox, for each call.
        other = _action(tasks[OTHER], "item")
        await step("follow", other["tool"], other["arguments"])
    return shown


def _action(answer: Answer, rel: str) -> Answer:
    actions: dict[str, Answer] = {action["rel"]: action for action in answer["allowed_actions"]}
    return actions[rel]


def read(shown: str) -> Answer:
    """The answer in a text that a model is shown, which may stand behind words of the client's, or in JSON of its own.

    Raises:
        ValueError: there is none.
    """
    start = shown.find("{")
    if start < 0:
        raise ValueError(f"no answer is shown, but {shown[:80]!r}")
    found, _ = json.JSONDecoder().raw_decode(shown, start)
    if isinstance(found, dict) and isinstance(found.get("error"), str):
        return read(found["error"])
    if not isinstance(found, dict) or "outcome" not in found:
        raise ValueError(f"no answer is shown, but {shown[:80]!r}")
    return found


def faults(story: Story, told: Story) -> Iterator[tuple[str, str]]:
    """Each step with something that a model was not shown as the server told it.

    Args:
        story: what the client's model was shown.
        told: what the server said, as the protocol's own client heard it.
    """
    for step, (outcome, _) in STEPS.items():
        said = steering(read(told[step][0]))
        for form in story.get(step, ["nothing"]):
            try:
                answer = read(form)
            except ValueError as error:
                yield step, str(error)
                continue
            if answer["outcome"] != outcome:
                yield step, f"outcome is {answer['outcome']}"
            shown = steering(answer)
            yield from ((step, f"{name} is not what the server said") for name in said if shown[name] != said[name])


def steering(answer: Answer) -> Answer:
    """What steers an agent, with the sandbox's port left out: each server has its own."""
    items = (answer.get("resource") or {}).get("items", [])
    told = {
        "message": answer.get("message"),
        "allowed_actions": answer.get("allowed_actions"),
        "items' allowed_actions": [item.get("allowed_actions") for item in items],
    }
    steered: Answer = json.loads(re.sub(r"http://127\.0\.0\.1:\d+", "http://sandbox", json.dumps(told)))
    return steered
