"""One tool call, from its arguments to its answer: pure steps around one await."""

from pullcord import outcome, request, result
from pullcord.actions import Call
from pullcord.gateway import Gateway
from pullcord.operation import Arguments, Operation
from pullcord.result import Envelope
from pullcord.scope import Scope


async def run(scope: Scope, gateway: Gateway, operation: Operation, arguments: Arguments) -> Envelope:
    """Check the arguments, send the request, and say what came of it.

    Args:
        scope: what may be called.
        gateway: sends.
        operation: one of the scope's tools.
        arguments: as the agent gave them, unchecked.
    """
    call = Call(scope, operation, arguments)
    if faults := scope.checks[operation.id](arguments):
        return result.malformed(call, faults)
    settings = scope.settings_of(operation)
    if settings.missing:
        return result.unconfigured(call)
    reply = await gateway.send(operation, request.build(operation, arguments, settings))
    return result.answer(call, reply, outcome.judge(operation, reply))
