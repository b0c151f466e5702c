"""One tool call, from its arguments to its answer: check, step, wait, render."""

import logging
import secrets
from collections.abc import Sequence

from pullcord.flow import wording
from pullcord.flow.attempt import Attempt, Call, Obstacle
from pullcord.flow.caller import Caller
from pullcord.flow.cascade import cascade, is_asked_for
from pullcord.flow.engine import Engine
from pullcord.flow.finding import find
from pullcord.flow.following import Origin, count_malformed
from pullcord.flow.platform_actions import count_dropped
from pullcord.flow.progress import Progress
from pullcord.flow.render import render
from pullcord.flow.step import step, withhold
from pullcord.flow.wait import wait
from pullcord.model.answer import Answer
from pullcord.model.running import FIND_RUNNING

_log = logging.getLogger(__name__)


async def answer(call: Call, engine: Engine, caller: Caller) -> Answer:
    """Make a call; whatever fails in pullcord itself, there is an answer, and the log has the reason.

    Args:
        call: as it came from the client, its arguments unchecked.
        engine: sends, limits and records.
        caller: the client, and the person behind it.
    """
    try:
        return await run(call, engine, caller)
    except Exception:  # noqa: BLE001 - whatever fails in pullcord, the caller gets an answer, and no trace of it
        _log.exception("%s failed", call.operation.id)
        return crash(call)


async def run(call: Call, engine: Engine, caller: Caller) -> Answer:
    """Make a call.

    Args:
        call: as it came from the client, its arguments unchecked.
        engine: sends, limits and records.
        caller: the client, and the person behind it.
    """
    conversion = call.surface.readers[call.operation.id](call.arguments)
    call = call._replace(arguments=conversion.arguments)
    if obstacle := check(call, conversion.faults):
        return render(obstacle)
    call = call._replace(request_id=secrets.token_hex(6), deadline=engine.gateway.now() + call.allowance)
    if call.operation.id == FIND_RUNNING:
        return await find(call, engine.gateway)
    with Progress(caller.report, engine.gateway.now, call.allowance, call.operation.platform.title) as progress:
        caller = caller._replace(report=progress.tell)
        if is_asked_for(call):
            attempt, whole = await cascade(call, engine, caller)
        else:
            attempt, whole = await wait(await step(call, engine, caller), engine.gateway, caller), None
    for each in (attempt, *(whole.parts if whole else ())):
        _log_dropped(each)
    return render(attempt, whole)


def _log_dropped(attempt: Attempt) -> None:
    """Tell the operator that an agent is not offered all that the platform and its manifest offer."""
    call, reply = attempt.call, attempt.reply
    platform = call.operation.platform
    if reply is None or reply.status is None:
        return
    if count := count_dropped(platform, call.settings.base_url, reply):
        _log.warning(
            "%d actions that %s offers are dropped: they have no relation, or lead elsewhere", count, platform.title
        )
    origin = Origin(call, reply, attempt.verdict.outcome, attempt.verdict.phase)
    if count := count_malformed(call.operation.response(reply.status).links, origin):
        _log.warning(
            "%d actions after %s are dropped: ids in the answer are not in the form that %s is known for",
            count,
            call.operation.id,
            platform.title,
        )


def check(call: Call, faults: Sequence[str]) -> Attempt | None:
    """The attempt at a call that can't be made: its arguments have faults, or its platform is not set up.

    Args:
        call: with converted arguments.
        faults: those of the arguments, a sentence each.

    Returns:
        The attempt, at which nothing was sent; None: the call can be made.
    """
    if faults:
        return withhold(call, Obstacle.MALFORMED, faults="; ".join(faults), detail="; ".join(faults))
    if call.operation.id == FIND_RUNNING:
        return None  # its answer says what each platform needs
    settings = call.settings
    if settings.obstacle is None:
        return None
    return withhold(call, Obstacle.UNCONFIGURED, why=wording.unconfigured(call), detail=f"{settings.obstacle}.")


def crash(call: Call) -> Answer:
    """The answer to a call at which pullcord itself failed."""
    return render(withhold(call, Obstacle.CRASHED))
