"""How watching ends, by each word that a manifest has for it: Loom says the words, and time passes at once."""

from collections.abc import Mapping
from itertools import chain, repeat
from typing import Any, NamedTuple, TypeAlias

import anyio
import httpx2
import pytest
from tests.hurry import HURRIED
from tests.loom import loom
from tests.support import Answer, respond
from tests.transport import mock

from pullcord.config import settings
from pullcord.config.surface import Surface
from pullcord.flow.attempt import Call
from pullcord.flow.call import run
from pullcord.flow.caller import Caller
from pullcord.flow.consent import Consent, Question
from pullcord.flow.engine import Engine
from pullcord.flow.wording import GONE, LOOKED, UNSETTLED, UNWATCHABLE
from pullcord.model.operation import Catalogue
from pullcord.model.outcome import Phase
from pullcord.upstream.connections import UnsentError
from pullcord.upstream.gateway import Gateway

pytestmark = pytest.mark.anyio

Step: TypeAlias = str | int | None
"""A state, which a 200 tells; a status without a state; None: no answer ever comes."""
ONE = "{aim: task, confirm: self}"
BEFORE = "{aim: task, confirm: self, before: {look: self}}"
TWO = "{aim: task, confirm: [self, up]}"
PLACES = {"POST /threads/t1/cancel": "cancel", "GET /threads/t1": "look", "GET /spools/t1": "spool"}


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, Mapping[str, Any]]:
    return HURRIED


class Slow:
    """A person who agrees, and takes time to."""

    async def ask(self, question: Question) -> Consent:
        assert question.target == {"id": "t1"}
        return Consent.GIVEN_LATER

    def agreed(self, part: str) -> bool:
        raise AssertionError(part)


class Came(NamedTuple):
    """What came of a call."""

    answer: Answer
    asked: list[str]
    """Each request: cancel, look or spool."""
    at: list[float]
    """When each came, in seconds."""
    told: list[tuple[float, str]]
    """The progress: seconds, and what was said."""

    @property
    def said(self) -> tuple[str, str, str | None]:
        return self.answer["outcome"], self.answer["work_stopped"], self.answer["state"]

    @property
    def rels(self) -> list[str]:
        return [each["rel"] for each in self.answer["allowed_actions"]]


async def call(
    catalogue: Catalogue,
    tool: str = "cancel_thread",
    wait_seconds: int = 30,
    *,
    cancel: Step | tuple[Step, ...] = "accepted",
    look: tuple[Step, ...] = (),
    spool: tuple[Step, ...] = (),
) -> Came:
    """Call a tool of Loom.

    Args:
        catalogue: its operations.
        tool: to call.
        wait_seconds: for it.
        cancel: what the cancel is answered, or each of its sendings.
        look: what each look at the thread is answered; the last one answers all that follow.
        spool: the same of looks at the spool.
    """
    steps = {
        "cancel": iter(cancel) if isinstance(cancel, tuple) else repeat(cancel),
        "look": chain(look, repeat(look[-1] if look else 500)),
        "spool": chain(spool, repeat(spool[-1] if spool else 500)),
    }
    came = Came({}, [], [], [])
    scope = Surface.of(catalogue, settings.read(catalogue, {}))

    async def answer(request: httpx2.Request) -> httpx2.Response:
        place = PLACES[f"{request.method} {request.url.path}"]
        came.asked.append(place)
        came.at.append(anyio.current_time() - began)
        match next(steps[place]):
            case None:
                await anyio.sleep_forever()
            case -1:
                raise UnsentError("the connection could not be made")
            case int() as status:
                headers = {"retry-after": "1"} if status == 429 and place == "cancel" else {}
                return respond(status, {"error": "ended" if status == 409 else "no"}, headers)
            case state:
                return respond(200, {"id": "t1", "spool" if place == "spool" else "state": state})
        raise AssertionError

    async def report(seconds: float, of: float, text: str) -> None:
        assert seconds >= 0
        assert of <= named.allowance
        came.told.append((seconds, text))

    async with Gateway(mock(answer)) as gateway:
        began = anyio.current_time()
        named = Call(scope, catalogue[tool], {"id": "t1", "wait_seconds": wait_seconds})
        told = (await run(named, Engine(gateway), Caller("test", report))).to_json()
    return came._replace(answer=told)


class TestOneSign:
    @pytest.mark.parametrize(
        ("state", "said", "note", "may_go_on"),
        [
            ("cancelled", ("stopped", "unknown"), "Its processes may live.", ["current_step", "processes"]),
            ("parked", ("stopped", "unknown"), "It can be resumed.", ["current_step"]),
            ("done", ("finished_first", "yes"), "It takes time.", []),
        ],
    )
    async def test_each_end_has_its_word_and_keeps_what_may_go_on_but_a_step_that_has_ended(
        self, state: str, said: tuple[str, str], note: str, may_go_on: list[str]
    ) -> None:
        came = await call(loom(), look=("running", state))

        assert came.said == (*said, state)
        assert note in came.answer["message"]
        assert came.answer["may_go_on"] == may_go_on
        assert came.asked == ["cancel", "look", "look"]
        assert not {"self", "terminate"} & set(came.rels), "nothing invites to try again"

    async def test_what_waits_for_something_is_not_over(self) -> None:
        came = await call(loom(), look=("waiting",))

        assert came.said == ("stopping", "unknown", "waiting")
        assert came.answer["may_go_on"] == ["current_step", "restarts"]
        assert came.answer["evidence"]["watched_seconds"] == 30
        assert "It takes time. It waits. pullcord watched it for 30 s" in came.answer["message"]

    @pytest.mark.parametrize(("cancel", "outcome"), [("accepted", "stopping"), ("running", "stopping")])
    @pytest.mark.parametrize("absent", [404, "none"], ids=["by its status", "by its body"])
    async def test_work_that_is_gone_without_a_word_for_it_teaches_nothing_of_how(
        self, cancel: str, outcome: str, absent: Step
    ) -> None:
        came = await call(loom(), cancel=cancel, look=("running", absent))

        assert came.said == (outcome, "unknown", "running"), "that it ran is no news any more"
        assert came.answer["message"].endswith(f"It takes time. {GONE}" if cancel == "accepted" else GONE)
        assert came.asked == ["cancel", "look", "look"], "looking again won't help"

    async def test_what_was_seen_before_the_work_was_gone_is_told(self) -> None:
        named = ("{/state: [waiting]}", "{/state: [waiting], /held: [null]}")
        came = await call(loom(ONE, named), look=("waiting", 404))

        assert came.said == ("stopping", "unknown", "waiting")
        assert came.answer["evidence"]["fields"] == {"/held": None}
        assert came.answer["may_go_on"] == ["current_step", "restarts"]

    async def test_a_look_after_a_cancel_that_met_nothing_tells_its_own_note(self) -> None:
        idle = ("outcome: stopped, work_stopped: 'yes'}", "outcome: nothing_running}")
        came = await call(loom(ONE, idle), cancel="proved", look=("waiting",))

        assert came.said == ("nothing_running", "unknown", "waiting")
        assert came.answer["message"].endswith(f"{LOOKED[Phase.PAUSED]} It waits.")

    async def test_an_end_after_a_lost_answer_tells_its_own_note(self) -> None:
        noted = (
            "phase: ended, work_stopped: 'yes'}\n          - {when: {/state: [parked]}",
            "phase: ended, note: It is over.}\n          - {when: {/state: [parked]}",
        )
        came = await call(loom(ONE, noted), cancel=500, look=("done",))

        assert came.said == ("unknown", "unknown", "done")
        assert f"{LOOKED[Phase.ENDED]} It is over." in came.answer["message"]

    @pytest.mark.parametrize("gone", ["stopped", "not_found"])
    async def test_work_that_is_gone_is_what_the_manifest_says(self, gone: str) -> None:
        came = await call(loom(f"{{aim: task, confirm: self, gone: {gone}}}"), cancel="accepted", look=(404,))

        assert came.said == (gone, "unknown", None)
        assert came.answer["may_go_on"] == ([] if gone == "not_found" else ["current_step"])
        assert GONE in came.answer["message"]

    @pytest.mark.parametrize("before", ["", ", before: {look: self}"])
    async def test_work_that_a_look_showed_and_then_is_gone_was_there(self, before: str) -> None:
        seen = ("running", 404) if before else ("waiting", "running", 404)
        came = await call(loom(f"{{aim: task, confirm: self, gone: not_found{before}}}"), look=seen)

        assert came.said == ("stopping", "unknown", None if before else "running")
        assert GONE in came.answer["message"]
        assert "nothing was stopped" not in came.answer["message"]

    async def test_where_the_answer_says_that_looks_teach_nothing_none_is_made(self) -> None:
        came = await call(loom(), cancel="flagged", look=("cancelled",))

        assert (came.said, came.asked) == (("stopping", "unknown", None), ["cancel"])

    async def test_what_is_proved_is_not_watched(self) -> None:
        came = await call(loom("{aim: task, confirm: [self, up], again: 3}"), cancel="proved", look=("running",))

        assert (came.said, came.asked) == (("stopped", "yes", None), ["cancel"])


class TestSeveralSigns:
    async def test_the_first_gives_the_word_and_the_others_delay_it_while_they_are_active(self) -> None:
        came = await call(loom(TWO), look=("running", "cancelled"), spool=("turning", "turning", "still"))

        assert came.said == ("stopped", "yes", "cancelled"), "the later one's sign replaces what the first doesn't know"
        assert came.asked == ["cancel", "look", "look", "spool", "look", "spool", "look", "spool"]
        assert came.answer["may_go_on"] == ["requests", "processes"], "its step is known to have ended"
        assert "Its processes may live. It stands still." in came.answer["message"]

    async def test_one_that_stays_active_leaves_it_stopping(self) -> None:
        came = await call(loom(TWO), look=("cancelled",), spool=("turning",))

        assert came.said == ("stopping", "no", "cancelled")
        assert "pullcord watched it for 30 s" in came.answer["message"]

    @pytest.mark.parametrize("spool", ["turning", 500])
    async def test_one_that_stays_active_or_fails_delays_no_end_that_the_first_proves(self, spool: Step) -> None:
        came = await call(loom(TWO), look=("done",), spool=(spool,))

        assert came.said == ("finished_first", "yes", "done")
        assert came.asked[:3] == ["cancel", "look", "spool"]
        assert came.asked.count("look") == 1

    async def test_one_that_waits_for_something_delays_nothing(self) -> None:
        came = await call(loom(TWO), look=("cancelled",), spool=("jammed",))

        assert came.said == ("stopped", "unknown", "cancelled")

    async def test_one_whose_look_fails_is_no_end(self) -> None:
        came = await call(loom(TWO), look=("cancelled",), spool=(500, 500, "still"))

        assert came.said == ("stopped", "yes", "cancelled")
        assert came.asked.count("spool") > 2

        blind = await call(loom(TWO), look=("cancelled",), spool=(500,))
        assert blind.said == ("stopping", "unknown", "cancelled")

    async def test_one_that_is_not_there_has_nothing_against_it(self) -> None:
        came = await call(loom(TWO), look=("cancelled",), spool=(404,))

        assert came.said == ("stopped", "unknown", "cancelled")

    async def test_one_that_may_not_be_looked_at_ends_the_watching(self) -> None:
        came = await call(loom(TWO), look=("cancelled",), spool=(403,))

        assert came.said == ("stopping", "unknown", "cancelled")
        assert came.asked.count("spool") == 1

    async def test_an_end_that_the_answer_tells_waits_for_the_others_too(self) -> None:
        came = await call(loom(TWO), cancel="cancelled", look=("cancelled",), spool=("turning", "still"))

        assert came.said == ("stopped", "yes", "cancelled")
        assert came.asked == ["cancel", "look", "spool", "look", "spool"]


class TestAnEndThatMayTurnOutToBeNone:
    AGAIN = "{aim: task, confirm: self, again: 7}"

    async def test_is_looked_at_once_more_after_the_manifests_seconds(self) -> None:
        came = await call(loom(self.AGAIN), look=("running", "cancelled"))

        assert came.said == ("stopped", "unknown", "cancelled")
        assert UNSETTLED not in came.answer["message"]
        assert came.asked == ["cancel", "look", "look", "look"]
        assert came.at[3] - came.at[2] == pytest.approx(7)

    async def test_that_the_answer_tells_is_looked_at_after_these_seconds(self) -> None:
        came = await call(loom(self.AGAIN), cancel="cancelled", look=("cancelled",))

        assert came.said == ("stopped", "unknown", "cancelled")
        assert came.at == pytest.approx([0, 7])

    async def test_and_does_is_stopping_and_watched_on(self) -> None:
        came = await call(loom(self.AGAIN), cancel="cancelled", look=("running",))
        assert came.said == ("stopping", "no", "running")

        back = await call(loom(self.AGAIN), look=("cancelled", "running", "cancelled"))
        assert back.said == ("stopped", "unknown", "cancelled")
        assert back.asked == ["cancel", "look", "look", "look", "look"], "the second end needs its own second look"

    async def test_after_which_it_ended_by_itself_finished_first(self) -> None:
        came = await call(loom(self.AGAIN), cancel="cancelled", look=("done",))

        assert came.said == ("finished_first", "yes", "done")

    @pytest.mark.parametrize("wait_seconds", [0, 5])
    async def test_without_the_time_for_it_is_not_proved(self, wait_seconds: int) -> None:
        came = await call(loom(self.AGAIN), cancel="cancelled", wait_seconds=wait_seconds, look=("cancelled",))

        assert came.said[:2] == ("stopped", "unknown")
        assert f"By the record. {UNSETTLED}" in came.answer["message"]

    async def test_is_spoken_of_only_where_an_end_was_told_and_the_manifest_doubts_it(self) -> None:
        accepted = await call(loom(self.AGAIN), wait_seconds=0)
        assert (accepted.said[0], UNSETTLED in accepted.answer["message"]) == ("stopping", False)

        sure = await call(loom(TWO), cancel="cancelled", wait_seconds=0)
        assert (sure.said[0], UNSETTLED in sure.answer["message"]) == ("stopped", False)

    async def test_is_not_confirmed_by_a_look_that_fails(self) -> None:
        came = await call(loom(self.AGAIN), look=("done", 500))
        assert came.said == ("finished_first", "unknown", "done")
        assert UNSETTLED in came.answer["message"]

        late = await call(loom(self.AGAIN), look=("done", 500, "done"))
        assert late.said == ("finished_first", "yes", "done")
        assert UNSETTLED not in late.answer["message"]

    @pytest.mark.parametrize("status", [403, 404])
    async def test_stays_the_last_thing_known_where_no_look_is_possible_any_more(self, status: int) -> None:
        came = await call(loom(self.AGAIN), look=("done", status))

        assert came.said == ("finished_first", "unknown", "done")
        assert UNSETTLED in came.answer["message"]
        assert came.asked == ["cancel", "look", "look"]

    async def test_is_no_end_where_nothing_leads_to_a_look(self) -> None:
        unlinked = loom(
            self.AGAIN,
            (
                "self: {operationId: get_thread, parameters: {id: $request.path.id}, description: Look.}",
                "self: {operationId: get_thread, parameters: {id: $response.body#/no}, description: Look.}",
            ),
        )
        came = await call(unlinked, cancel="cancelled")

        assert came.said == ("stopped", "unknown", None)
        assert UNSETTLED in came.answer["message"]
        assert came.answer["message"].endswith(UNWATCHABLE)
        assert "watched_seconds" not in came.answer["evidence"]

    async def test_is_looked_for_where_only_the_answer_tells(self) -> None:
        linked = (
            "self: {operationId: get_thread, parameters: {id: $request.path.id}, description: Look.}",
            "self: {operationId: get_thread, parameters: {id: $response.body#/id}, description: Look.}",
        )
        came = await call(loom(self.AGAIN, linked), look=("cancelled",))

        assert came.said == ("stopped", "unknown", "cancelled")


class TestOneLookDecides:
    BEFORE = "{aim: task, confirm: self, before: {look: self}}"

    @pytest.mark.parametrize("wait_seconds", [0, 30])
    @pytest.mark.parametrize(
        ("state", "said"),
        [
            ("cancelled", ("already_finished", "unknown", "cancelled")),
            ("done", ("already_finished", "yes", "done")),
            ("running", ("refused", "no", "running")),
            ("waiting", ("refused", "unknown", "waiting")),
            (404, ("not_found", "unknown", None)),
            ("none", ("not_found", "unknown", None)),
            (500, ("refused", "unknown", None)),
        ],
    )
    async def test_what_a_refusal_meant(self, wait_seconds: int, state: Step, said: tuple[str, ...]) -> None:
        came = await call(loom(), cancel=409, wait_seconds=wait_seconds, look=(state,))

        assert came.said == said
        assert came.asked == ["cancel", "look", *["look"] * (state == 500)], "one look, which is repeated after a 500"
        assert came.at[1] == 0, "at once"

    @pytest.mark.parametrize("wait_seconds", [0, 30])
    @pytest.mark.parametrize(
        ("state", "said"),
        [
            ("cancelled", ("stopped", "unknown", "cancelled")),
            ("parked", ("stopped", "unknown", "parked")),
            ("done", ("already_finished", "yes", "done")),
            ("running", ("unknown", "no", "running")),
            (404, ("unknown", "unknown", None)),
        ],
    )
    async def test_what_the_refusal_of_a_repeat_meant(
        self, wait_seconds: int, state: Step, said: tuple[str, ...]
    ) -> None:
        """The first sending, whose answer was lost, may be what stopped the work."""
        came = await call(loom(), cancel=(500, 409), wait_seconds=wait_seconds, look=(state,))

        assert came.said == said
        assert came.asked == ["cancel", "cancel", "look"]
        assert "nothing was stopped" not in came.answer["message"] or state == "done"
        assert ("answered with status" in came.answer["message"]) is (said[0] == "unknown")

    async def test_of_work_that_is_not_there_nothing_goes_on(self) -> None:
        refused = ("outcome: look, else: refused}", "outcome: look, else: refused, may_go_on: [processes]}")
        came = await call(loom(ONE, refused), cancel=409, look=(404,))
        assert (came.said[0], came.answer["may_go_on"]) == ("not_found", [])

        runs_on = await call(loom(ONE, refused), cancel=409, look=("running",))
        assert (runs_on.said[0], runs_on.answer["may_go_on"]) == ("refused", ["processes"])

    async def test_what_ran_just_before_and_ended_finished_first(self) -> None:
        came = await call(loom(self.BEFORE), cancel=409, look=("running", "done"))

        assert came.said == ("finished_first", "yes", "done")
        assert came.asked == ["look", "cancel", "look"]
        assert came.answer["message"] == "The work was running just before the request, and has ended since."

    async def test_what_answered_with_an_error_is_not_said_to_have_accepted(self) -> None:
        came = await call(loom(ONE, ("else: refused", "else: stopping")), cancel=409, look=("running",))

        assert came.said == ("stopping", "no", "running")
        assert came.answer["message"] == "Loom did not take the request, and the work may still be running."

    @pytest.mark.parametrize(
        ("state", "said", "note"), [("running", "no", LOOKED[Phase.ACTIVE]), ("waiting", "unknown", "It waits.")]
    )
    async def test_what_has_ended_by_the_answer_and_not_by_the_look_is_unknown(
        self, state: str, said: str, note: str
    ) -> None:
        came = await call(loom(ONE, ("else: refused", "else: already_finished")), cancel=409, look=(state,))

        assert came.said == ("unknown", said, state)
        assert note in came.answer["message"]
        assert came.rels[:2] == ["retry", "self"]


class TestALookBefore:
    @pytest.mark.parametrize(
        ("state", "outcome"),
        [
            ("done", "already_finished"),
            ("cancelled", "already_finished"),
            ("parked", "already_finished"),
            (404, "not_found"),
        ],
    )
    async def test_that_shows_an_end_leaves_nothing_to_send(self, state: Step, outcome: str) -> None:
        came = await call(loom("{aim: task, confirm: self, before: {look: self}}"), look=(state,))

        assert (came.answer["outcome"], came.asked) == (outcome, ["look"])
        assert "No cancel was sent: a look just before told this." in came.answer["message"]

    @pytest.mark.parametrize("state", ["running", "waiting", 500, 403])
    async def test_that_shows_none_or_fails_is_followed_by_the_cancel(self, state: Step) -> None:
        came = await call(loom("{aim: task, confirm: self, before: {look: self}}"), cancel="proved", look=(state,))

        assert (came.answer["outcome"], came.asked.count("cancel")) == ("stopped", 1)

    @pytest.mark.parametrize(("state", "outcome"), [(500, "unavailable"), (403, "denied"), (429, "rate_limited")])
    async def test_that_is_required_and_fails_leaves_the_work_alone(self, state: Step, outcome: str) -> None:
        came = await call(loom("{aim: task, confirm: self, before: {look: self, required: true}}"), look=(state,))

        assert (came.answer["outcome"], "cancel" in came.asked) == (outcome, False)
        assert "Nothing was cancelled" in came.answer["message"]

    @pytest.mark.parametrize(
        ("later", "outcome", "sent"),
        [("running", "stopping", 1), ("done", "already_finished", 0), (404, "not_found", 0), (500, "unavailable", 0)],
    )
    async def test_is_made_anew_when_a_person_took_time_to_agree(self, later: Step, outcome: str, sent: int) -> None:
        catalogue = loom("{aim: task, confirm: self, before: {look: self, required: true}}")
        states, cancels = iter(["running", later, later]), []

        def answer(request: httpx2.Request) -> httpx2.Response:
            if request.method == "POST":
                cancels.append(request)
                return respond(200, {"state": "accepted"})
            state = next(states)
            return respond(state, {"error": "no"}) if isinstance(state, int) else respond(200, {"state": state})

        async def report(_seconds: float, _of: float, _text: str) -> None:
            raise AssertionError

        surface = Surface.of(catalogue, settings.read(catalogue, {}))
        async with Gateway(mock(answer)) as gateway:
            named = Call(surface, catalogue["cancel_thread"], {"id": "t1", "wait_seconds": 0})
            came = await run(named, Engine(gateway), Caller("test", report, Slow()))

        assert (came.outcome, len(cancels)) == (outcome, sent)

    @pytest.mark.parametrize("later", ["done", 404, 500])
    async def test_is_made_anew_before_each_repeat(self, later: Step) -> None:
        before = "{aim: task, confirm: self, before: {look: self, required: true}}"
        came = await call(loom(before), cancel=500, wait_seconds=0, look=("running", later))

        assert came.asked.count("cancel") == 1

    async def test_may_have_another_word_for_a_phase_or_none(self) -> None:
        ways = {"refused": "refused", "send": "stopped"}
        for word, outcome in ways.items():
            changed = loom(
                "{aim: task, confirm: self, before: {look: self}}",
                ("phase: halted, note: It can be resumed.", f"phase: halted, before: {word}"),
            )
            came = await call(changed, cancel="proved", look=("parked",))
            assert came.answer["outcome"] == outcome, word
            assert ("cancel" in came.asked) is (word == "send")


class TestAStrongerStop:
    @pytest.mark.parametrize(("wait_seconds", "offered"), [(0, False), (4, False), (5, True), (30, True)])
    async def test_is_offered_only_after_watching_in_vain_for_its_seconds(
        self, wait_seconds: int, *, offered: bool
    ) -> None:
        came = await call(loom(), wait_seconds=wait_seconds, look=("running",))
        assert ("terminate" in came.rels) is offered

        looked = await call(loom(), "get_thread", wait_seconds, look=("running",))
        assert ("terminate" in looked.rels) is offered

    async def test_is_not_offered_of_what_has_ended(self) -> None:
        came = await call(loom(), look=(*["running"] * 6, "done"))

        assert came.answer["evidence"]["watched_seconds"] > 5
        assert "terminate" not in came.rels


class TestALook:
    async def test_that_waits_ends_with_the_work(self) -> None:
        came = await call(loom(), "get_thread", 300, look=("running", "waiting", "cancelled"))

        assert came.said == ("observed", "unknown", "cancelled")
        assert came.asked == ["look"] * 3
        assert came.answer["message"] == "The work has ended because it was cancelled. Its processes may live."
        assert (came.answer["target"], came.answer["resource"]) == ({"id": "t1"}, None), "nothing is said twice"

    async def test_of_what_has_ended_is_made_once(self) -> None:
        came = await call(loom(), "get_thread", 300, look=("done",))

        assert (came.said, came.asked) == (("observed", "yes", "done"), ["look"])
        assert "watched_seconds" not in came.answer["evidence"]

    async def test_that_waits_in_vain_says_how_long(self) -> None:
        came = await call(loom(), "get_thread", 20, look=("running",))

        assert came.said == ("observed", "no", "running")
        assert came.answer["message"].endswith("pullcord watched it for 20 s; state is what was reported last.")
        assert came.answer["evidence"]["watched_seconds"] == 20
        assert came.at[-1] == pytest.approx(20), "the last look is at the end of the time"

    async def test_that_finds_the_work_gone_keeps_what_was_noted_of_it(self) -> None:
        came = await call(loom(), "get_thread", look=("waiting", 404))

        assert came.answer["message"].endswith(f"It waits. {GONE}")

    async def test_that_fails_is_made_again_and_the_next_one_tells(self) -> None:
        came = await call(loom(), "get_thread", 20, look=(500, 500, "done"))

        assert (came.said, came.answer["problem"]) == (("observed", "yes", "done"), None)
        assert "no look succeeded" not in came.answer["message"]

        once = await call(loom(), "get_thread", 20, look=("running", 500))
        assert once.said == ("observed", "no", "running")
        assert "no look succeeded" not in once.answer["message"]

        never = await call(loom(), "get_thread", 20, look=(500,))
        assert never.said == ("unknown", "unknown", None)
        assert "pullcord looked for 20 s, but no look succeeded." in never.answer["message"]

    async def test_that_fails_and_then_finds_nothing_says_both(self) -> None:
        came = await call(loom(), "get_thread", 20, look=(500, 500, 404))

        assert came.said == ("unknown", "unknown", None)
        assert came.answer["message"].endswith(GONE)

    @pytest.mark.parametrize("status", [400, 403, 404, 409, 429])
    async def test_that_is_refused_is_not_made_again(self, status: int) -> None:
        came = await call(loom(), "get_thread", 20, look=(status,))

        assert came.asked == ["look"]
        assert "no look succeeded" not in came.answer["message"]


class TestTime:
    async def test_one_deadline_holds_for_all_that_a_call_does(self) -> None:
        came = await call(loom(), wait_seconds=30, cancel=None, look=("running",))
        assert came.at[1] == pytest.approx(30, abs=1), "the cancel took its own 30 s"
        assert came.at[-1] <= 45
        assert came.answer["evidence"]["watched_seconds"] <= 15

        longer = await call(loom(), wait_seconds=100, look=("running", None))
        assert longer.answer["evidence"]["watched_seconds"] <= 115

    async def test_where_no_time_is_left_no_look_is_claimed(self) -> None:
        slow = loom("{aim: task, confirm: self, before: {look: self}}")
        came = await call(slow, cancel=None, look=(None, "running"))

        assert came.asked == ["look", "cancel"], "both took their time"
        assert came.said[:2] == ("unknown", "unknown")
        assert "no look succeeded" not in came.answer["message"]

    async def test_a_client_is_told_at_each_look_and_at_least_every_ten_seconds(self) -> None:
        came = await call(
            loom("{aim: task, confirm: self, poll: {first: 25, most: 25}}"), wait_seconds=60, look=("running",)
        )
        seconds = [each for each, _ in came.told]

        assert max(later - before for before, later in zip([0, *seconds], seconds, strict=False)) <= 10.01
        assert seconds == sorted(seconds)

    async def test_a_look_that_hangs_is_no_silence(self) -> None:
        came = await call(loom(), wait_seconds=60, look=("running", None))
        seconds = [each for each, _ in came.told]

        assert max(later - before for before, later in zip([0, *seconds], seconds, strict=False)) <= 10.01

    async def test_a_look_that_fails_is_told_as_such(self) -> None:
        came = await call(loom(), look=("running", 500, 500, "done"))

        assert [text for _, text in came.told] == ["Loom: running", "Loom: running (this look failed)", "Loom: done"]


class TestBeforeARepeat:
    """What the look before a repeat shows is told, also where nothing is watched after that."""

    @pytest.mark.parametrize(
        ("second", "said"),
        [
            ("cancelled", ("stopped", "unknown", "cancelled")),
            ("done", ("unknown", "yes", "done")),
            (404, ("unknown", "unknown", None)),
        ],
    )
    async def test_of_a_cancel_whose_answer_says_nothing(self, second: Step, said: tuple[str, str, str | None]) -> None:
        came = await call(loom(BEFORE), wait_seconds=0, cancel=500, look=("running", second))

        assert (came.said, came.asked) == (said, ["look", "cancel", "look"])
        assert came.answer["evidence"]["watched_seconds"] == 0
        assert (GONE in came.answer["message"]) is (second == 404)

    async def test_of_a_cancel_that_never_left(self) -> None:
        came = await call(loom(BEFORE), wait_seconds=0, cancel=-1, look=("running", "done"))

        assert (came.said, came.asked) == (("already_finished", "yes", "done"), ["look", "cancel", "look"])
        assert "No cancel was sent: a look just before told this." in came.answer["message"]

    async def test_of_a_cancel_that_was_not_taken_yet(self) -> None:
        came = await call(loom(BEFORE), wait_seconds=0, cancel=429, look=("running", "cancelled"))

        assert came.said == ("rate_limited", "unknown", None), "somebody else's cancel may have ended it"
        assert came.asked == ["look", "cancel", "look"]

    @pytest.mark.parametrize("status", [500, 503])
    async def test_is_no_word_of_the_platform_where_a_later_look_shows_no_end(self, status: int) -> None:
        both = "{aim: task, confirm: [self, up], before: {look: self}}"
        came = await call(loom(both), cancel=status, look=("running", "cancelled"), spool=("turning",))

        assert (came.said, came.asked.count("cancel")) == (("unknown", "no", "cancelled"), 1)
        assert "did not take the request" not in came.answer["message"]
        assert "retry" in came.rels

    @pytest.mark.parametrize(("spool", "says"), [("turning", LOOKED[Phase.ACTIVE]), (500, "Its processes may live.")])
    async def test_that_a_further_sign_speaks_against_is_told(self, spool: Step, says: str) -> None:
        over = ("outcome: look, else: refused", "outcome: look, else: already_finished")
        came = await call(loom(TWO, over), cancel=409, look=("cancelled",), spool=(spool,))

        assert came.said[::2] == ("unknown", "cancelled")
        assert says in came.answer["message"]
        assert (LOOKED[Phase.ACTIVE] in came.answer["message"]) is (spool == "turning")

    async def test_is_made_once_where_a_rule_asks_for_a_look(self) -> None:
        came = await call(loom(BEFORE, FAILED), wait_seconds=0, cancel=500, look=("running", "cancelled", 500))

        assert (came.said, came.asked) == (("finished_first", "unknown", "cancelled"), ["look", "cancel", "look"])
        assert "no look succeeded" not in came.answer["message"]

    async def test_never_says_that_nothing_was_stopped_where_the_work_was_seen_and_the_cancel_sent(self) -> None:
        came = await call(loom(BEFORE, FAILED), wait_seconds=0, cancel=500, look=("running", 404))

        assert (came.said, came.asked) == (("unknown", "unknown", None), ["look", "cancel", "look"])
        assert "nothing was stopped" not in came.answer["message"]
        assert GONE in came.answer["message"]

    async def test_says_that_there_is_no_such_work_any_more_where_the_cancel_was_refused(self) -> None:
        came = await call(loom(BEFORE), wait_seconds=0, cancel=409, look=("running", 404))

        assert came.said == ("not_found", "unknown", None)


NONE_SUCH = "        '404': {description: None such., content: *json}\n"
LOOK_RULE = "x-outcomes: [{when: {}, outcome: look}], links: *after"
FAILED = (NONE_SUCH, f"{NONE_SUCH}        '500': {{description: Failed., content: *json, {LOOK_RULE}}}\n")
BUSY_RULE = "{when: {/error: ['no']}, outcome: unavailable}"
BUSY = (NONE_SUCH, f"{NONE_SUCH}        '503': {{description: Busy., content: *json, x-outcomes: [{BUSY_RULE}]}}\n")


class TestAFailureThatARuleExplains:
    """It is the platform's word, whatever its status, and so is what comes after it."""

    @pytest.mark.parametrize(
        ("cancel", "look", "said"),
        [
            ((503, 503), 500, ("unavailable", "unknown", None)),
            ((503, "proved"), 500, ("stopped", "yes", None)),
            ((503, 404), 500, ("not_found", "unknown", None)),
            ((503, 409), "cancelled", ("already_finished", "unknown", "cancelled")),
            ((500, 503), "running", ("unknown", "no", "running")),
            ((503, 500), "running", ("unknown", "no", "running")),
            ((503, -1, -1), 500, ("unavailable", "unknown", None)),
        ],
    )
    async def test_says_that_nothing_was_done(
        self, cancel: tuple[Step, ...], look: Step, said: tuple[str, str, str | None]
    ) -> None:
        came = await call(loom(ONE, BUSY), wait_seconds=1, cancel=cancel, look=(look,))

        assert (came.said, came.asked.count("cancel")) == (said, len(cancel))
        assert "Nothing was sent" not in came.answer["message"]
