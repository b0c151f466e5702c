"""The sandbox as a whole: its settings, its record of requests, its seeds."""

import re
from dataclasses import asdict
from datetime import UTC, datetime

import httpx2
import pytest
from tests.sandbox.clock import Clock

import pullcord.sandbox
from pullcord.sandbox import Arrival, Sandbox
from pullcord.sandbox.app import REQUESTS_KEPT

pytestmark = pytest.mark.anyio


def test_the_public_names_are_there() -> None:
    assert all(hasattr(pullcord.sandbox, name) for name in pullcord.sandbox.__all__)
    assert set(pullcord.sandbox.__all__) == {"CONFIDENTIAL", "Arrival", "Clock", "Sandbox", "running"}


def test_the_settings_name_each_platforms_key_and_address() -> None:
    assert Sandbox().environment("http://127.0.0.1:1/") == {
        "EVERRUNS_API_KEY": "evr_pat_sandbox_0123456789abcdef",
        "EVERRUNS_API_URL": "http://127.0.0.1:1/everruns/api",
        "EVERSHELL_API_KEY": "sk_sandbox_0123456789abcdef",
        "EVERSHELL_API_URL": "http://127.0.0.1:1/evershell",
        "XPANDER_API_KEY": "sandbox-xpander-0123456789abcdef",
        "XPANDER_API_URL": "http://127.0.0.1:1/xpander",
    }


async def test_every_request_is_written_down_with_the_keys_name_and_not_the_key(
    http: httpx2.AsyncClient, sandbox: Sandbox
) -> None:
    settings = sandbox.environment("")
    await http.post(
        "/everruns/api/v1/sessions/a%2Fb/cancel?x=%20",
        headers={
            "Authorization": f"Bearer {settings['EVERRUNS_API_KEY']}",
            "Everruns-Change-Reason": "no%20longer%20needed",
            "X-Request-ID": "request-1",
            "traceparent": "00-1-2-01",
        },
    )
    await http.get("/xpander/v1/tasks", headers={"x-api-key": settings["EVERSHELL_API_KEY"]})
    await http.get("/evershell/v1/workspaces", headers={"Authorization": "Bearer other"})
    await http.get("/v1/tasks")
    assert list(sandbox.requests) == [
        Arrival(
            platform="everruns",
            method="POST",
            path="/v1/sessions/a%2Fb/cancel",
            query="x=%20",
            status=404,
            key="everruns",
            request_id="request-1",
            reason="no%20longer%20needed",
            traceparent="00-1-2-01",
        ),
        Arrival("xpander", "GET", "/v1/tasks", "", 401, "evershell", "", "", ""),
        Arrival("evershell", "GET", "/v1/workspaces", "", 401, "unknown", "", "", ""),
        Arrival("", "GET", "/v1/tasks", "", 404, "none", "", "", ""),
    ]


def test_the_record_of_requests_is_bounded() -> None:
    assert Sandbox().requests.maxlen == REQUESTS_KEPT


def test_ids_are_well_formed_unique_and_the_same_in_every_sandbox(clock: Clock) -> None:
    one, other = Sandbox(clock), Sandbox()
    everruns, evershell, xpander = (asdict(ids) for ids in (one.everruns.ids, one.evershell.ids, one.xpander.ids))
    assert one.everruns.ids == other.everruns.ids
    assert one.everruns.add_task() == other.everruns.add_task()
    for ids, pattern in (
        (everruns, r"(org|agent|session|task)_[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}"),
        (evershell, r"org_sandbox|(role|ws|task)_[0-9A-HJKMNP-TV-Z]{26}"),
        (xpander, r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
    ):
        assert len(set(ids.values())) == len(ids)
        assert all(re.fullmatch(pattern, value) for value in ids.values())


def test_without_a_clock_the_sandbox_lives_in_the_present() -> None:
    sandbox = Sandbox()
    task = sandbox.everruns.tasks[sandbox.everruns.add_task()]
    assert abs((datetime.now(UTC) - task.created_at).total_seconds()) < 5
