"""Where a piece of work may be that a platform does not know: on others whose ids have the form of its id. Pure."""

import re
from collections.abc import Iterator, Mapping

from pullcord.flow import wording
from pullcord.flow.attempt import Call
from pullcord.model.action import Action
from pullcord.model.arguments import fault_of
from pullcord.model.operation import Operation
from pullcord.model.relation import RELATED
from pullcord.model.running import CONTAINS, FIND_RUNNING, PLATFORM
from pullcord.model.value import Json

MOST = 3
"""Looks that are offered, at most."""

_SHORTEST = "0"
"""An id that a pattern takes only if it says next to nothing of an id's form, such as any letters and digits."""
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PREFIX = re.compile(r"[A-Za-z]+[_-]")


def looks_elsewhere(call: Call) -> Iterator[Action]:
    """Looks at the work that a call names, on other platforms that can be reached here.

    A platform's form of ids is the pattern of the id that its look takes, or that of its examples. Where its look takes
    further ids, too, find_running searches there for this one.

    Args:
        call: one whose platform knows no such work.
    """
    required = [parameter.name for parameter in call.operation.arguments if parameter.required]
    value = call.arguments.get(required[-1]) if required else None
    if not isinstance(value, str):
        return
    actions: dict[str, Action] = {}
    for look in call.surface.tools.values():
        platform = look.platform
        if platform is call.operation.platform or look.cancel or look.listing or len(actions) == MOST:
            continue
        ids = [parameter for parameter in look.arguments if parameter.required]
        if ids and platform.name not in actions and is_of_form(value, ids[-1].schema):
            finder = call.surface.tools.get(FIND_RUNNING)
            hint = wording.HINT_ELSEWHERE.format(platform=platform.title)
            if len(ids) == 1:
                actions[platform.name] = _action(look, {ids[-1].name: value}, hint)
            elif finder and _searches(finder, platform.name):
                actions[platform.name] = _action(finder, {PLATFORM: platform.name, CONTAINS: value}, hint)
    yield from actions.values()


def _searches(finder: Operation, platform: str) -> bool:
    """Whether find_running sees what runs on a platform."""
    return any(fault_of(each.schema, platform) is None for each in finder.arguments if each.name == PLATFORM)


def _action(operation: Operation, arguments: Mapping[str, Json], hint: str) -> Action:
    return Action(
        rel=RELATED, hint=hint, operation_id=operation.operation_id, tool=operation.id, arguments=dict(arguments)
    )


def is_of_form(value: str, schema: Mapping[str, Json]) -> bool:
    """Whether a value has the form of the ids that a schema describes; no, where it describes none.

    Args:
        value: an id, of whatever platform.
        schema: of an id. Its examples tell the form: a UUID, or a prefix with _ or - at its end; else its pattern does.
    """
    if fault_of(schema, value):
        return False
    examples = schema.get("examples")
    if isinstance(examples, list):
        form = _form(value)
        return form is not None and form in {_form(str(example)) for example in examples}
    return fault_of(schema, _SHORTEST) is not None


def _form(text: str) -> str | None:
    if _UUID.fullmatch(text):
        return "UUID"
    prefix = _PREFIX.match(text)
    return prefix[0] if prefix else None
