"""A success that tells of an error is not believed, whichever platform seems to send it."""

from typing import Any

import pytest

from pullcord.flow.verdict import judge
from pullcord.manifest import loading
from pullcord.manifest.index import index, manifest
from pullcord.model.outcome import Outcome
from pullcord.model.reply import Reply
from pullcord.upstream.shape import is_in_shape, mistaken

CANCELS = {name: each for name, each in loading.load(manifest(name) for name in index()).items() if each.cancel}


@pytest.mark.parametrize(
    "body",
    [
        {"error": "boom"},
        {"error": {"code": "boom", "message": "It broke."}},
        {"errors": [{"message": "It broke."}]},
        {"success": False},
        {"detail": "Not Found"},
        {"code": 5, "message": "not found"},
        0,
        False,
    ],
    ids=repr,
)
@pytest.mark.parametrize("name", CANCELS)
def test_an_error_inside_a_success_is_no_end_and_no_acceptance(name: str, body: Any) -> None:  # noqa: ANN401 - any JSON
    operation = CANCELS[name]
    arguments = {each.name: "x" for each in operation.arguments}
    statuses = [int(status.replace("X", "0")) for status in operation.responses if status.startswith("2")]
    assert statuses
    for status in statuses:
        media = next(iter(operation.response(status).media), "application/json")
        reply = Reply(status, {"content-type": media}, body)
        if mistaken(operation, arguments, reply) is None and is_in_shape(operation, reply):
            assert judge(operation, reply).outcome is Outcome.UNKNOWN
