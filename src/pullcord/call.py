"""One tool call, from its arguments to its answer: pure steps around the requests."""

from pullcord import aim, outcome, request, result
from pullcord.actions import Call
from pullcord.confirm import Report, watch
from pullcord.gateway import Gateway
from pullcord.operation import EXPECT, Arguments, Operation, Outcome
from pullcord.result import Envelope
from pullcord.scope import Scope


async def run(scope: Scope, gateway: Gateway, operation: Operation, arguments: Arguments, report: Report) -> Envelope:
    """Check the arguments, send the request, and say what came of it.

    Args:
        scope: what may be called.
        gateway: sends.
        operation: one of the scope's tools.
        arguments: as the agent gave them, unchecked.
        report: told what waiting shows.
    """
    call = Call(scope, operation, arguments)
    if faults := scope.checks[operation.id](arguments):
        return result.malformed(call, faults)
    settings = scope.settings_of(operation)
    if settings.missing:
        return result.unconfigured(call)
    target = operation.cancel.target if operation.cancel else None
    if target:
        look = await aim.look(call, gateway, target)
        call = call._replace(found=look.found)
        expected = arguments.get(EXPECT + target.name)
        if expected is not None and look.verdict.outcome is not Outcome.OBSERVED:
            return result.unaimed(call, look)
        if expected is not None and look.found[target.name] != expected:
            return result.changed(call, look)
    reply = await gateway.send(operation, request.build(operation, arguments, settings))
    judged = outcome.judge(operation, reply)
    return result.answer(call, reply, judged, await watch(call, gateway, reply, judged, report))
