"""The measure itself: what the protocol's own client hears, and that a client which shows less is found out."""

import json
from collections.abc import Callable

import anyio
import pytest
from tests.clients.__main__ import table
from tests.clients.client import CLIENTS
from tests.clients.story import STEPS, Answer, Story, faults, read
from tests.clients.witness import heard

pytestmark = pytest.mark.anyio


@pytest.fixture(name="told", scope="module")
async def _told() -> Story:
    with anyio.fail_after(300):
        _, story = await heard()
    return story


async def test_the_server_itself_tells_the_whole_story_in_both_halves_of_every_result(told: Story) -> None:
    assert list(faults(told, told)) == []
    assert {step: len(forms) for step, forms in told.items()} == dict.fromkeys(STEPS, 2)
    answers = {step: read(forms[0]) for step, forms in told.items()}
    assert {
        step: (answer["outcome"], tuple(action["rel"] for action in answer["allowed_actions"]))
        for step, answer in answers.items()
    } == {step: (expected.outcome, expected.rels) for step, expected in STEPS.items()}


def _without_its_actions(answer: Answer) -> str:
    return json.dumps({**answer, "allowed_actions": []})


def _with_an_incomplete_action(answer: Answer) -> str:
    actions = [{name: action[name] for name in action if name != "tool"} for action in answer["allowed_actions"]]
    return json.dumps({**answer, "allowed_actions": actions})


def _in_other_words(answer: Answer) -> str:
    return json.dumps({**answer, "message": "It is done."})


def _as_another_outcome(answer: Answer) -> str:
    return json.dumps({**answer, "outcome": "stopped"})


def _as_its_message_alone(answer: Answer) -> str:
    return str(answer["message"])


def _as_other_json(_: Answer) -> str:
    return '{"error": 1}'


@pytest.mark.parametrize(
    "spoil",
    [
        _without_its_actions,
        _with_an_incomplete_action,
        _in_other_words,
        _as_another_outcome,
        _as_its_message_alone,
        _as_other_json,
    ],
)
@pytest.mark.parametrize("step", [step for step in STEPS if step != "list"])
async def test_a_client_that_shows_one_step_otherwise_is_found_out(
    told: Story, step: str, spoil: Callable[[Answer], str]
) -> None:
    spoilt = {**told, step: [told[step][0], spoil(read(told[step][0]))]}
    assert {name for name, _ in faults(spoilt, told)} == {step}


async def test_a_client_that_hides_the_actions_of_a_lists_items_is_found_out(told: Story) -> None:
    answer = read(told["list"][0])
    answer["resource"]["items"][0]["allowed_actions"] = []
    assert list(faults({**told, "list": [json.dumps(answer)]}, told)) == [
        ("list", "items' allowed_actions is not what the server said")
    ]


async def test_a_client_that_never_comes_to_a_step_is_found_out(told: Story) -> None:
    assert list(faults({name: forms for name, forms in told.items() if name != "follow"}, told)) == [
        ("follow", "no answer is shown, but 'nothing'")
    ]


@pytest.mark.parametrize("wrapped", ["Error: the tool failed. {}", "{}"])
def test_an_answer_is_read_behind_a_clients_own_words_and_in_its_own_json(wrapped: str) -> None:
    answer = json.dumps({"outcome": "denied"})
    assert read(wrapped.replace("{}", answer)) == read(json.dumps({"error": answer})) == {"outcome": "denied"}


def test_the_table_tells_every_client_and_each_step_that_it_breaks() -> None:
    rows = table({"typescript-1": {}, "fastmcp": {"follow": "no answer is shown"}}).splitlines()
    assert rows[2] == (
        "| TypeScript SDK 1.x client | 1.32.2 | text or structured, as the host chooses"
        " | yes | yes | yes | yes | yes | yes |"
    )
    assert rows[3].endswith("| yes | yes | **no** | yes | yes | yes |")
    assert {client.version for client in CLIENTS.values()} >= {"2.68.0", "0.3.2", "4.1.2"}
