"""The sentences that an agent reads, in tables, and the message that they make. Pure.

{platform} stands for the platform's title; other words in braces are explained beside each table.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from pullcord.flow.attempt import Aim, Attempt, Call, Obstacle, Whole
from pullcord.flow.verdict import Cause
from pullcord.model.answer import Items
from pullcord.model.outcome import OVER, Outcome, Phase
from pullcord.model.reply import Reply
from pullcord.model.value import Json

CANCELS: Mapping[Outcome, str] = {
    Outcome.STOPPED: "{platform} reports that the work ended because it was cancelled.",
    Outcome.STOPPING: "{platform} accepted the request to stop; the work may still be running.",
    Outcome.NOTHING_RUNNING: "{platform} had nothing to stop.",
    Outcome.ALREADY_FINISHED: "The work had already ended before this call; nothing was stopped.",
    Outcome.FINISHED_FIRST: "{platform} accepted the request, but the work ended by itself before it stopped.",
    Outcome.TARGET_CHANGED: "Nothing was sent: the expected task is not what runs now.",
    Outcome.REFUSED: "{platform} won't cancel this in its present state; nothing was stopped.",
    Outcome.NOT_FOUND: "{platform} knows no such work, or this key may not see it; nothing was stopped.",
    Outcome.DENIED: "{platform} refused the key; nothing was stopped.",
    Outcome.INVALID_ARGUMENTS: "{platform} called the arguments malformed; nothing was stopped.",
    Outcome.RATE_LIMITED: "{platform} is limiting requests and did not take this one; the work may still be running.",
    Outcome.UNAVAILABLE: "{platform} did not act on the request; the work may still be running.",
    Outcome.UNKNOWN: "The request was sent, and the work may or may not be stopping.",
}
"""By the outcome of a cancel."""

UNACCEPTED: Mapping[Outcome, str] = {
    Outcome.STOPPING: "{platform} did not take the request, and the work may still be running.",
    Outcome.FINISHED_FIRST: "The work was running just before the request, and has ended since.",
}
"""Instead of those, where the platform answered with an error, and so accepted nothing; a look told the rest."""

LOOKS: Mapping[Outcome, str] = {
    Outcome.REFUSED: "{platform} won't show this in its present state.",
    Outcome.NOT_FOUND: "{platform} knows no such work, or this key may not see it.",
    Outcome.DENIED: "{platform} refused the key.",
    Outcome.INVALID_ARGUMENTS: "{platform} called the arguments malformed.",
    Outcome.RATE_LIMITED: "{platform} is limiting requests and did not take this one.",
    Outcome.UNAVAILABLE: "{platform} did not answer the question.",
    Outcome.UNKNOWN: "Nothing was learnt about the work, and nothing was changed.",
}
"""By the outcome of a look that showed nothing."""

PHASES: Mapping[Phase | None, str] = {
    Phase.ACTIVE: "It is running, or about to.",
    Phase.PAUSED: "The work is paused, or waits for something, and may go on.",
    Phase.ENDED: "Nothing is running here now.",
    Phase.CANCELLED: "The work has ended because it was cancelled.",
    Phase.HALTED: "The work was stopped at request, and can be resumed.",
    Phase.ABSENT: "{platform} knows no such work.",
    None: "{platform} reports a state that pullcord doesn't know, so whether the work runs is unknown.",
}
"""By the phase that a look showed."""

CAUSES: Mapping[Cause, str] = {
    Cause.UNSENT: "{failure}",
    Cause.LOST: "{failure}",
    Cause.UNREADABLE: (
        "An answer with status {status} came, and it can't be read: {unreadable}. Somebody in between may have sent it;"
        " check the base URL {base_url}."
    ),
    Cause.REDIRECT: "A redirect ({status}) came, which is never followed; check the base URL {base_url}.",
    Cause.FOREIGN: (
        "An answer with status {status} came that is not in {platform}'s form, so somebody in between may have sent"
        " it; check the base URL {base_url}."
    ),
    Cause.STATUS: "{platform} answered with status {status}.",
    Cause.BODY: "{platform} answered in a way that pullcord doesn't know.",
}
"""Why an outcome does not rest on the platform's own word; stands before the outcome's sentence."""

FOREIGN: Mapping[Outcome, str] = {
    Outcome.DENIED: (
        "Whoever answers at the base URL {base_url} refused the key, in a form that is not {platform}'s; nothing tells"
        " whether {platform} saw the request."
    ),
    Outcome.RATE_LIMITED: (
        "Whoever answers at the base URL {base_url} is limiting requests, in a form that is not {platform}'s; nothing"
        " tells whether {platform} saw the request."
    ),
}
"""Instead of the outcome's sentence, where a proxy may have refused."""

OBSTACLES: Mapping[Obstacle, str] = {
    Obstacle.MALFORMED: "Nothing was sent. Correct the arguments and call again: {faults}.",
    Obstacle.UNCONFIGURED: "Nothing was sent: {why}",
    Obstacle.OVER: "No cancel was sent: a look just before told this.",
    Obstacle.PROTECTED: "No cancel was sent: this is work that must not be stopped from here (PULLCORD_PROTECT).",
    Obstacle.UNGUARDED: (
        "No cancel was sent: some work must not be stopped from here (PULLCORD_PROTECT), and which work this would"
        " stop could not be told."
    ),
    Obstacle.UNSEEN: "Nothing was cancelled: whether it would hit what was meant could not be told.",
    Obstacle.SEVERAL: (
        "Nothing was cancelled: several tasks run now, and which of them the cancel would meet is unknown."
    ),
    Obstacle.CHANGED: "Nothing was cancelled: another task runs now than the expected one; target names it.",
    Obstacle.IDLE: (
        "Nothing was cancelled: no task runs now. The expected one may have ended, or may not have begun yet."
    ),
    Obstacle.ASKED: "No cancel was sent: a person was asked, and the same call must be made again with the answer.",
    Obstacle.DECLINED: "No cancel was sent: the person who was asked did not agree to it.",
    Obstacle.UNASKED: (
        "No cancel was sent: this server asks a person before each cancel, and this client can't ask one."
    ),
    Obstacle.BARRED: "No cancel was sent: its tool is not one that this caller may use.",
    Obstacle.LATE: "No cancel was sent: there was no time left.",
    Obstacle.UNAGREED: "No cancel was sent: no person has agreed to it.",
    Obstacle.LIMITED: (
        "No cancel was sent: this server may send {count} cancels per {unit}. Call again after {seconds} s."
    ),
    Obstacle.UNSHARED: (
        "No cancel was sent: this server counts its limit and people's consents together with others, and where they"
        " count can't be reached. Call again a little later."
    ),
    Obstacle.UNRECORDED: (
        "No cancel was sent: each one is recorded first, and the journal can't be written. Tell its operator."
    ),
    Obstacle.CRASHED: (
        "pullcord itself failed. The request may have been sent: look at the work before calling again."
    ),
}
"""Why pullcord sent nothing; the words in braces are the attempt's details."""

TITLES: Mapping[Obstacle, str] = {
    Obstacle.MALFORMED: "Invalid arguments",
    Obstacle.UNCONFIGURED: "Not configured",
    Obstacle.CRASHED: "Internal error",
}
"""Titles of the problems that obstacles are; of all others TITLE_NOT_SENT."""
TITLE_NOT_SENT, TITLE_NO_ANSWER = "Not sent", "No answer"
DETAIL_CRASHED = "Its operator finds the cause in pullcord's error output."

NOT_SET_UP = "pullcord is not set up for {platform}. Its operator must set {names} and start it again."
SETTINGS_FAULTY = "pullcord's settings for {platform} can't be used: {obstacle}. Its operator must correct them."
NO_KEY_BROUGHT = "the request brought no key for {platform}. {remedy}"
"""Why a platform is not configured, for OBSTACLES."""

AIMS: Mapping[Aim, str] = {
    Aim.UNKNOWN: "Which task it met is unknown, since what runs could not be looked up.",
    Aim.SEVERAL: "Which task it met is unknown, since several were running when pullcord looked just before.",
    Aim.NOTHING: "No task was running when pullcord looked just before.",
}
"""What is known of the target of an accepted cancel that named none."""

MISSED = "What ran when pullcord looked ended by itself, so the cancel may have met the work that came next."
LOOKED: Mapping[Phase | None, str] = {
    Phase.ACTIVE: "A look since then shows that something runs there now.",
    Phase.PAUSED: "A look since then shows that it is not idle: it is paused, or waits for something, and may go on.",
    Phase.ENDED: "A look since then shows that nothing runs there now.",
    None: "A look since then shows a state that pullcord doesn't know, so it may go on.",
}
"""What a look showed after a cancel that found nothing to stop, or whose answer was lost."""
LOOKED_TWICE = "Looks just before and after the request showed no running task."
NO_PARTS = "Nothing was found that it had started."
INCOMPLETE = "Not everything that it may have started could be read or stopped, so more may run."
WATCHED = "pullcord watched it for {seconds} s; state is what was reported last."
LOOKED_IN_VAIN = "pullcord looked for {seconds} s, but no look succeeded."
GONE = "A look since then finds no such work any more."
UNSETTLED = "An end like this may turn out to be none, and no later look confirmed it."
UNWATCHABLE = "pullcord did not wait, since nothing names the work that could be watched."
LOOK_FIRST = {
    True: "Look first; it is safe to send again.",
    False: "Look first; sent again, it could meet other work.",
}
"""After a lost answer, by whether the cancel names its work."""
CALL_AGAIN = "Call again after {seconds} s."
UNSENT = "Nothing was sent to {platform}; the work may still be running."
SENT = "The request was sent; whether {platform} acted on it is unknown."
"""Of a cancel whose outcome is unknown, where a look shows that the work is over."""

HINT_NEXT = "The next part of this list."
HINT_PARTS = "See what it had started, which may go on."
HINT_UNASKED = (
    "Use a client that supports elicitation (forms; over HTTP, by MCP 2026-07-28 or later), or start pullcord"
    " without --confirm."
)
HINT_CORRECT = "Correct the arguments, then call again."
HINT_UNAGREED = "Cancel it, too; a person is asked."
HINT_RETARGET = "Cancel what runs now instead."
HINT_REPEAT = "Make the same call again: it is safe to repeat."
HINT_AFTER = "Make the same call after {seconds} seconds."
HINT_LATER = "Make the same call again later."
HINT_ELSEWHERE = "Its id may be one of {platform}: look there."
HINT_OF_PLATFORM = "{platform} offers this."
"""Of a step that the platform offers without a hint."""


def unconfigured(call: Call) -> str:
    """Why a call's platform is not configured, and who must do what."""
    settings, platform = call.settings, call.operation.platform.title
    if settings.faults:
        return SETTINGS_FAULTY.format(platform=platform, obstacle=settings.obstacle)
    if settings.missing == (settings.key_source,) and settings.brought:
        return NO_KEY_BROUGHT.format(platform=platform, remedy=settings.remedy)
    return NOT_SET_UP.format(platform=platform, names=" and ".join(settings.missing))


def hint_denied(call: Call) -> str:
    """What a person must do where the key of a call's platform is missing or refused."""
    platform = call.operation.platform
    needs = " or ".join(key.description for key in platform.keys)
    return f"{call.settings.remedy} {platform.title} needs: {needs}" if needs else call.settings.remedy


def message(attempt: Attempt, items: Items | None, notes: Iterable[str]) -> str:
    """The message of an answer.

    Args:
        attempt: at the call.
        items: the part of a list that the answer shows; None: it shows no list.
        notes: further sentences, such as those of the offered actions.
    """
    sentences = [
        *_obstacle(attempt),
        *_outcome(attempt, items),
        *attempt.verdict.notes,
        *_pause(attempt),
        UNWATCHABLE if attempt.watch and not attempt.watch.possible else None,
        *notes,
    ]
    text = " ".join(sentence for sentence in sentences if sentence)
    return text.replace("{platform}", attempt.call.operation.platform.title)


def cascade_sentences(whole: Whole | None) -> Iterable[str]:
    """The sentences about the parts of a cascade: how many had which outcome, and why some cancels were not sent."""
    if whole is None:
        return
    if not whole.complete:
        yield INCOMPLETE
    parts = whole.parts
    if not parts:
        if whole.complete:
            yield NO_PARTS
        return
    counts = Counter(str(each.verdict.outcome) for each in parts)
    summary = ", ".join(f"{count} {word}" for word, count in counts.most_common())
    yield f"{len(parts)} piece{'' if len(parts) == 1 else 's'} that it had started: {summary}."
    obstacles = {each.obstacle: each for each in parts if each.obstacle and each.obstacle is not Obstacle.OVER}
    for obstacle, each in obstacles.items():
        count = sum(part.obstacle is obstacle for part in parts)
        yield f"Of {count}: {OBSTACLES[obstacle].format_map(each.details)}"


def cause(attempt: Attempt) -> str | None:
    """The sentence that says why an outcome does not rest on the platform's own word; None: it does."""
    if attempt.verdict.cause is None:
        return None
    return _filled(CAUSES[attempt.verdict.cause], attempt)


def _filled(sentence: str, attempt: Attempt) -> str:
    reply = attempt.reply or Reply.unsent("")
    values: dict[str, Json] = {
        "base_url": attempt.call.settings.base_url,
        "status": reply.status,
        "unreadable": reply.unreadable,
        "failure": f"{reply.failure[0].upper()}{reply.failure[1:]}." if reply.failure else None,
    }
    for name, value in values.items():
        sentence = sentence.replace(f"{{{name}}}", str(value))
    return sentence


def _obstacle(attempt: Attempt) -> Iterable[str | None]:
    if attempt.obstacle is None:
        return
    if attempt.obstacle is Obstacle.UNSEEN and attempt.look:
        yield cause(attempt.look) or LOOKS[attempt.look.verdict.outcome]
    if attempt.obstacle is Obstacle.OVER:
        yield CANCELS[attempt.verdict.outcome]
    yield OBSTACLES[attempt.obstacle].format_map(attempt.details)


def _outcome(attempt: Attempt, items: Items | None) -> Iterable[str | None]:
    if attempt.obstacle:
        return
    verdict = attempt.verdict
    if verdict.cause is Cause.FOREIGN and verdict.outcome in FOREIGN:
        yield _filled(FOREIGN[verdict.outcome], attempt)
        return
    yield cause(attempt)
    if attempt.call.operation.cancel is None:
        yield _look(attempt, items)
    elif verdict.cause is Cause.UNSENT:
        yield UNSENT
    elif verdict.outcome is not Outcome.UNKNOWN:
        is_error = attempt.reply is not None and not attempt.reply.succeeded
        yield (UNACCEPTED if is_error else CANCELS).get(verdict.outcome, CANCELS[verdict.outcome])
    elif verdict.phase in OVER:
        yield SENT
    else:
        yield f"{CANCELS[verdict.outcome]} {LOOK_FIRST[attempt.call.operation.repeatable]}"
    if verdict.outcome is Outcome.STOPPING:
        yield AIMS.get(attempt.aim)


def _look(attempt: Attempt, items: Items | None) -> str:
    verdict = attempt.verdict
    if verdict.outcome is not Outcome.OBSERVED:
        return LOOKS[verdict.outcome]
    if items is None:
        return PHASES[verdict.phase]
    rest = f"; {items.left_out} more follow" if items.left_out else ""
    if items.left_out is None:
        rest = "; there may be more"
    count = len(items.items)
    if not count:
        return f"No items{rest}."
    return f"{count} item{'' if count == 1 else 's'}, each with its allowed_actions{rest}."


def _pause(attempt: Attempt) -> Iterable[str]:
    """When to call again, where the platform names the seconds."""
    seconds = attempt.reply.retry_after if attempt.reply else None
    if seconds and attempt.verdict.outcome in {Outcome.RATE_LIMITED, Outcome.UNAVAILABLE}:
        yield CALL_AGAIN.format(seconds=seconds)
