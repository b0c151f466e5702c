"""Where the limit and the consents are counted: in this process, or where PULLCORD_SHARED says."""

import sys
from pathlib import Path

import pytest
from tests.store import scripted

from pullcord.assembly.permits import SHARED, permits
from pullcord.flow.rate_limit import Limit, RateLimit
from pullcord.flow.shared import SharedRateLimit, SharedState
from pullcord.flow.used_consents import UsedConsents
from pullcord.model.errors import SettingsError

pytestmark = pytest.mark.anyio

ONE = Limit(1, "hour")


async def test_without_the_variable_this_process_counts_alone() -> None:
    async with permits({}, ONE, confirm=True) as own:
        assert isinstance(own.rate_limit, RateLimit)
        assert isinstance(own.consents, UsedConsents)
        assert [await own.rate_limit.take() for _ in range(2)] == [0, 3600]
        assert [await own.consents.use("one") for _ in range(2)] == [True, False]
    async with permits({}, None, confirm=False) as own:
        assert own.rate_limit is None


async def test_with_it_all_that_is_asked_for_is_counted_there(tmp_path: Path) -> None:
    async with scripted() as server:
        file = tmp_path / "url"
        file.write_text(f"{server.url}\n", encoding="utf-8")
        async with permits({f"{SHARED}_FILE": str(file)}, ONE, confirm=False) as shared:
            server.answers["EVAL"] = b":0\r\n"
            assert isinstance(shared.rate_limit, SharedRateLimit)
            assert await shared.rate_limit.take() == 0
        async with permits({SHARED: server.url}, None, confirm=True) as shared:
            assert shared.rate_limit is None
            assert isinstance(shared.consents, SharedState)
            assert await shared.consents.use("one")


async def test_where_no_cancel_needs_it_redis_is_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pullcord.flow.shared", None)
    async with permits({SHARED: "redis://127.0.0.1/1"}, None, confirm=False) as own:
        assert own.rate_limit is None
    with pytest.raises(SettingsError, match=f"{SHARED}: this needs the package redis; install pullcord\\[redis\\]"):
        async with permits({SHARED: "redis://127.0.0.1/1"}, ONE, confirm=False):
            pass


@pytest.mark.parametrize(
    "url", ["redis", "http://swordfish@127.0.0.1/1", "redis://127.0.0.1:swordfish/1", "redis://..."]
)
async def test_what_is_no_url_of_redis_is_told_and_not_quoted(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        async with permits({SHARED: url}, ONE, confirm=False):
            pass
    (fault,) = caught.value.faults
    assert fault.startswith(f"{SHARED}: ")
    assert "swordfish" not in fault


async def test_a_file_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=f"{SHARED}_FILE: there is nothing in the file"):
        async with permits({f"{SHARED}_FILE": str(tmp_path / "none")}, ONE, confirm=False):
            pass
