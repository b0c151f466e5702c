"""All that a manifest may say of replies is read; what is wrong with it stands in mistakes_of_replies.txt."""

from tests.depot import depot

from pullcord.model.cancel import Before, Cancel
from pullcord.model.condition import Clause
from pullcord.model.expression import Expression, Source
from pullcord.model.link import Link
from pullcord.model.listing import Pages, PageStyle, Places, Since
from pullcord.model.outcome import MayGoOn, Outcome, Phase
from pullcord.model.rule import Rule
from pullcord.model.state import Poll, State

LAST_RULE = "- {outcome: already_finished}"
PHASES = "          - {when: {/state: [running]}, phase: active}"
CANCEL = "x-cancel: {aim: task, confirm: self, poll: {first: 1, most: 4}}"
EXPOSE = "        expose: [/id, /state]"
PAGES = "pages: {style: page, at: page, size: per, total: /total}"


def rule(written: str) -> Rule[Outcome]:
    """The last rule of the depot's cancel."""
    return depot((LAST_RULE, f"- {written}"))["cancel_run"].responses["200"].outcomes[2]


def phases(*written: str) -> tuple[Rule[Phase], ...]:
    """The phases of the depot's look."""
    state = depot((PHASES, "\n".join(f"          - {each}" for each in written)))["get_run"].state
    assert state
    return state.phases


def cancel(written: str) -> Cancel | None:
    return depot((CANCEL, f"x-cancel: {written}"))["cancel_run"].cancel


class TestRules:
    def test_a_rule_says_what_is_known_of_the_work_and_what_may_go_on(self) -> None:
        written = "{outcome: stopped, work_stopped: unknown, may_go_on: [children, requests], note: Its own word.}"
        assert rule(written) == Rule(
            Outcome.STOPPED,
            note="Its own word.",
            work_stopped="unknown",
            may_go_on=(MayGoOn.CHILDREN, MayGoOn.REQUESTS),
        )

    def test_a_rule_may_say_that_watching_would_be_in_vain(self) -> None:
        assert rule("{outcome: stopping, watch: false}") == Rule(Outcome.STOPPING, watch=False)
        assert rule("{outcome: stopping, watch: true}") == Rule(Outcome.STOPPING)

    def test_a_look_decides_and_where_it_can_not_the_other_word_holds(self) -> None:
        assert rule("{outcome: look}") == Rule(Outcome.UNKNOWN, look=True)
        assert rule("{outcome: look, else: refused, may_go_on: [restarts]}") == Rule(
            Outcome.REFUSED, look=True, may_go_on=(MayGoOn.RESTARTS,)
        )

    def test_nothing_is_read_on_purpose(self) -> None:
        assert rule("{when: {}, outcome: stopping}") == Rule(Outcome.STOPPING)


class TestPhases:
    def test_each_phase_has_what_a_cancel_comes_to_that_finds_it_before_it_is_sent(self) -> None:
        words = ["active", "paused", "ended", "cancelled", "halted", "absent"]
        found = phases(*(f"{{when: {{/state: [{word}]}}, phase: {word}}}" for word in words))
        assert {str(each.word): each.before for each in found} == {
            "active": None,
            "paused": None,
            "ended": Outcome.ALREADY_FINISHED,
            "cancelled": Outcome.ALREADY_FINISHED,
            "halted": Outcome.ALREADY_FINISHED,
            "absent": Outcome.NOT_FOUND,
        }

    def test_a_phase_may_come_to_another_word_or_be_sent_all_the_same(self) -> None:
        found = phases(
            "{when: {/state: [idle]}, phase: ended, before: nothing_running}",
            "{when: {/state: [late]}, phase: ended, before: send}",
            "{when: {/state: [held]}, phase: paused, before: refused}",
        )
        assert [each.before for each in found] == [Outcome.NOTHING_RUNNING, None, Outcome.REFUSED]

    def test_a_phase_says_what_is_known_of_the_work_and_what_may_go_on(self) -> None:
        (found,) = phases(
            "{when: {/state: [x]}, phase: cancelled, work_stopped: 'yes', may_go_on: [processes], note: By its record.}"
        )
        assert found == Rule(
            Phase.CANCELLED,
            (Clause("/state", ("x",)),),
            "By its record.",
            "yes",
            (MayGoOn.PROCESSES,),
            before=Outcome.ALREADY_FINISHED,
        )

    def test_a_state_says_how_often_to_look_and_may_stand_under_an_argument(self) -> None:
        operations = depot(("        at: /state\n", "        at: /{run_id}/state\n        poll: {first: 2, most: 9}\n"))
        state = operations["get_run"].state
        assert state == State("/{run_id}/state", (Rule(Phase.ACTIVE, (Clause("/state", ("running",)),)),), Poll(2, 9))


class TestCancels:
    def test_a_cancel_is_confirmed_by_one_link_or_several(self) -> None:
        assert cancel("{aim: task, confirm: self}") == Cancel("task", ("self",))
        assert cancel("{aim: task, confirm: [self, item]}") == Cancel("task", ("self", "item"))
        assert cancel("{aim: task}") == Cancel("task")

    def test_a_cancel_says_what_gone_means_and_when_to_look_again(self) -> None:
        written = "{aim: task, confirm: self, gone: stopped, again: 5}"
        assert cancel(written) == Cancel("task", ("self",), gone=Outcome.STOPPED, again=5)
        written = "{aim: task, confirm: self, gone: not_found}"
        assert cancel(written) == Cancel("task", ("self",), gone=Outcome.NOT_FOUND)

    def test_a_cancel_looks_before_it_is_sent_by_a_link_that_needs_no_reply(self) -> None:
        operation = depot((CANCEL, "x-cancel: {aim: task, before: {look: self}}"))["cancel_run"]
        assert operation.cancel == Cancel("task", before=Before("self"))
        assert operation.link("self") == operation.responses["200"].links[0]
        assert operation.link("item") is None
        written = "{aim: task, before: {look: self, required: true}}"
        assert cancel(written) == Cancel("task", before=Before("self", required=True))


class TestLinks:
    def test_a_stronger_stop_is_offered_after_some_time(self) -> None:
        stronger = "x-rel: terminate\n              x-after: 20"
        operations = depot(
            (
                "operationId: get_run\n              parameters: {run_id: $item#}",
                "operationId: cancel_run\n" + PARAMETERS,
            ),
            ("              x-each: /parts", f"              {stronger}"),
        )
        link = operations["cancel_run"].responses["200"].links[1]
        assert (link.rel, link.operation_id, link.after) == ("terminate", "cancel_run", 20)

    def test_a_part_is_what_a_cancel_stops(self) -> None:
        operations = depot(
            (
                "operationId: get_run\n              parameters: {run_id: $item#}",
                "operationId: cancel_run\n" + PARAMETERS,
            ),
            ("              x-each: /parts", "              x-part: true"),
        )
        assert operations["cancel_run"].responses["200"].links[1].part

    def test_a_part_is_each_look_that_has_a_cancel(self) -> None:
        operations = depot(
            ("              x-each: /parts", "              x-each: /parts\n              x-part: true"),
            ("{description: The run.}", f"{{description: The run., links: {{cancel: {STOP}}}}}"),
        )
        assert operations["cancel_run"].responses["200"].links[1].part
        assert not operations["cancel_run"].responses["200"].links[0].part

    def test_a_part_is_a_list_whose_active_items_have_a_cancel(self) -> None:
        operations = depot(
            (
                "operationId: get_run\n              parameters: {run_id: $item#}",
                "operationId: list_runs\n              parameters: {line: $request.argument.run_id}",
            ),
            ("              x-each: /parts", "              x-part: true"),
            (
                "        links:\n          item:\n            operationId: get_run",
                "        links:\n          cancel:\n            operationId: cancel_run\n"
                "            x-when: {phase: [active]}\n"
                + ITEM
                + "\n          item:\n            operationId: get_run",
            ),
        )
        link = operations["cancel_run"].responses["200"].links[1]
        assert link.part
        assert link.arguments == (("line", Expression(Source.ARGUMENT, "run_id")),)


PARAMETERS = "              parameters: {run_id: $request.path.run_id}"
ITEM = "            description: Stop it.\n            parameters: {run_id: $item#/id}"
STOP = "{operationId: cancel_run, description: Stop it., parameters: {run_id: $request.path.run_id}}"


class TestLists:
    def test_items_may_stand_in_an_object_by_their_key(self) -> None:
        listing = depot(("items: $response.body#/runs", "items: {at: $response.body#/runs, key: uuid}"))[
            "list_runs"
        ].listing
        assert listing
        assert (listing.items, listing.key) == ("/runs", "uuid")

    def test_a_list_says_what_runs_what_it_is_called_and_since_when(self) -> None:
        lines = "\n".join(
            f"        {each}"
            for each in (
                "name: /title",
                "since: {at: /begun, unit: ms}",
                "running: [{kind: day}, {kind: night, late: true}]",
                "places: {env: DEPOT_LINES, fills: [line]}",
            )
        )
        listing = depot((EXPOSE, f"{EXPOSE}\n{lines}"))["list_runs"].listing
        assert listing
        assert listing.name == "/title"
        assert listing.since == Since("/begun", "ms")
        assert listing.running == ({"kind": "day"}, {"kind": "night", "late": True})
        assert listing.places == Places("DEPOT_LINES", ("line",))

    def test_a_start_may_be_a_text(self) -> None:
        listing = depot((EXPOSE, f"{EXPOSE}\n        since: {{at: /begun}}"))["list_runs"].listing
        assert listing
        assert listing.since == Since("/begun")

    def test_an_items_work_may_stand_in_another_list(self) -> None:
        parts = "parts: {operationId: list_runs, parameters: {line: $item#/id}, description: Parts.}"
        first = "        links:\n          item:\n            operationId: get_run"
        listing = depot(
            (EXPOSE, f"{EXPOSE}\n        within: parts"),
            (first, first.replace("          item:", f"          {parts}\n          item:")),
        )["list_runs"].listing
        assert listing
        assert listing.within == "parts"
        assert listing.links[0] == Link("parts", "list_runs", (("line", Expression(Source.ITEM, "/id")),), "Parts.")

    def test_pages_may_go_by_a_cursor(self) -> None:
        listing = depot((PAGES, "pages: {style: cursor, at: line, next: /next, more: /more, size: per, total: /n}"))[
            "list_runs"
        ].listing
        assert listing
        assert listing.pages == Pages(PageStyle.CURSOR, "line", "per", "/n", "/next", "/more")

    def test_no_style_needs_a_total(self) -> None:
        for style in ("page", "offset"):
            listing = depot(
                (PAGES, f"pages: {{style: {style}, at: page, size: per}}"),
            )["list_runs"].listing
            assert listing
            assert listing.pages == Pages(PageStyle(style), "page", "per")


class TestProblems:
    def test_a_member_may_stand_in_several_places_and_all_errors_have_some(self) -> None:
        platform = depot(
            (
                "x-problem: {code: $response.body#/error}",
                "x-problem: {code: [$response.body#/error, $response.header.X-Error], all: [/error, /status]}",
            )
        )["get_run"].platform
        assert platform.problem == {"code": (Expression(Source.BODY, "/error"), Expression(Source.HEADER, "x-error"))}
        assert platform.problem_all == ("/error", "/status")
