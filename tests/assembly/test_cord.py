"""A Cord: the same answers as over MCP, in the process of whoever calls."""

import json
import logging
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.assembly.platforms import holding, reached, until_sent
from tests.depot import own

import pullcord

pytestmark = pytest.mark.anyio

NOBODY = "91fbe9bc-35b3-41e8-b59d-922fb5a0f0ff"
LATE = 30
"""Seconds in which whatever is waited for comes, also on a loaded machine."""


async def test_work_is_found_stopped_and_watched_to_its_end() -> None:
    async with reached() as on, pullcord.Cord(environ=on.environ) as cord:
        seen = await cord.running("everruns")
        work = next(each for each in seen.works if each.id == on.sandbox.everruns.ids.background_task)
        answer = await cord.stop(work, reason="the budget is over")
        assert answer.outcome is pullcord.Outcome.STOPPED
        assert answer.target["task_id"] == work.id
        assert work.since is not None
        assert seen.gaps == ()
        assert work not in (await cord.running("everruns")).works
    assert {request.reason for request in on.sandbox.requests} == {"", "the budget is over"}


async def test_a_call_gives_an_answer_whose_actions_can_be_followed() -> None:
    async with reached() as on, pullcord.Cord(environ=on.environ) as cord:
        ids = on.sandbox.everruns.ids
        call = {"session_id": ids.active_session, "task_id": ids.background_task}
        answer = await cord.call("cancel_task", {**call, "wait_seconds": 0})
        assert answer.outcome == "stopping"
        look = next(each for each in answer.allowed_actions if each.rel == "self")
        assert (await cord.follow(look)).state == "canceled"


@pytest.mark.parametrize(
    ("tool", "arguments", "outcome"),
    [
        ("cancel_turn", {"session_id": "the idle one"}, "invalid_arguments"),
        ("cancel_turn", {"session_id": "session_0199aa00000070008000000000000fff"}, "not_found"),
        ("cancel_turn", {"session_id": "session_0199aa00000070008000000000000001"}, "nothing_running"),
        ("find_running", None, "observed"),
    ],
)
async def test_whatever_comes_of_a_call_is_an_answer(tool: str, arguments: dict[str, Any] | None, outcome: str) -> None:
    async with reached() as on, pullcord.Cord(environ=on.environ) as cord:
        answer = await cord.call(tool, arguments)
    assert answer.outcome == outcome
    assert json.dumps(answer.to_json())


async def test_an_answer_cant_be_changed() -> None:
    async with pullcord.Cord() as cord:
        answer = await cord.call("cancel_turn", {"session_id": "session_0199aa00000070008000000000000001"})
    with pytest.raises(AttributeError):
        answer.outcome = pullcord.Outcome.STOPPED  # type: ignore[misc]


class TestEnvironment:
    async def test_nothing_is_read_from_the_processs_environment(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        async with reached() as on:
            for name, value in on.environ.items():
                monkeypatch.setenv(name, value)
            monkeypatch.setenv("PULLCORD_PLATFORMS", "nowhere")
            monkeypatch.setenv("PULLCORD_JOURNAL", str(tmp_path / "journal"))
            async with pullcord.Cord() as cord:
                answer = await cord.call("stop_task", {"task_id": on.sandbox.xpander.ids.parent_task})
                seen = await cord.running()
            assert answer.outcome == "denied"
            assert "XPANDER_API_KEY" in answer.message
            assert seen.works == ()
            assert all("not set" in gap for gap in seen.gaps)
            assert not on.sandbox.requests
        assert not (tmp_path / "journal").exists()

    async def test_the_sandbox_reads_nothing_either(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Uvicorn takes the number of workers from this variable, and breaks on what is no number."""
        monkeypatch.setenv("WEB_CONCURRENCY", "all of them")
        async with pullcord.Cord(sandbox=True) as cord:
            assert (await cord.running()).works

    async def test_what_is_given_is_read_the_journal_too(self, tmp_path: Path) -> None:
        journal = tmp_path / "journal"
        async with reached() as on:
            task = on.sandbox.xpander.ids.parent_task
            async with pullcord.Cord(environ={**on.environ, "PULLCORD_JOURNAL": str(journal)}) as cord:
                await cord.call("stop_task", {"task_id": task, "wait_seconds": 0})
        first, second = map(json.loads, journal.read_text().splitlines())
        assert (first["event"], first["client"], first["target"]) == ("intent", "pullcord.Cord", {"task_id": task})
        assert second["outcome"] == "stopped"

    async def test_settings_of_a_platform_that_cant_be_used_are_logged_and_the_others_work(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with reached() as on, pullcord.Cord(environ={**on.environ, "XPANDER_API_KEY": "two words"}) as cord:
            assert (await cord.running("evershell")).works
        assert [record.levelno for record in caplog.records if record.name.startswith("pullcord")] == [logging.WARNING]
        assert caplog.messages[0].startswith("XPANDER_API_KEY: ")


class TestFaults:
    async def test_every_fault_is_told_on_entering(self, tmp_path: Path) -> None:
        cord = pullcord.Cord(
            platforms=["nowhere"], only=["stop_it"], limit="many", environ={"PULLCORD_PROTECT": "${RUN}"}
        )
        with pytest.raises(pullcord.SettingsError) as caught:
            await cord.__aenter__()
        limit, platform, *rest = caught.value.faults
        assert limit.startswith("--limit 'many' is no limit; write a number and a unit")
        assert platform.startswith("--platform nowhere: there is no such platform")
        assert any(each.startswith("--only stop_it: ") for each in rest)
        with pytest.raises(pullcord.SettingsError, match=r"the journal .* can't be written"):
            await pullcord.Cord(journal=tmp_path / "none" / "journal").__aenter__()

    async def test_an_option_that_is_none_is_refused_since_a_brake_left_out_silently_brakes_nothing(self) -> None:
        with pytest.raises(TypeError, match=r"Cord\(\): there is no option limt; did you mean limit\?$"):
            pullcord.Cord(limt="1/hour")  # type: ignore[call-arg]
        with pytest.raises(TypeError, match="no option confirm; there are environ, journal, limit, manifests, only,"):
            pullcord.Cord(confirm=True)  # type: ignore[call-arg]
        with pytest.raises(TypeError, match=r"^asgi\(\): there is no option confrim; did you mean confirm\?$"):
            pullcord.asgi(confrim=True)  # type: ignore[call-arg]
        with pytest.raises(TypeError, match=r"^server\(\): there is no option tokens; there are confirm, "):
            await pullcord.server(tokens="tokens").__aenter__()  # type: ignore[call-arg]

    async def test_a_text_alone_is_no_list_of_names(self) -> None:
        fault = r"^Cord\(\): platforms takes several, such as \['ray'\], and no text alone; only takes several, "
        with pytest.raises(TypeError, match=fault):
            pullcord.Cord(platforms="ray", only="stop_task")

    async def test_what_is_protected_is_protected_on_the_sandbox_too(self) -> None:
        async with pullcord.Cord(sandbox=True) as cord:
            task = (await cord.running("xpander")).works[-1].id
        environ = {"PULLCORD_PROTECT": task, "XPANDER_API_KEY": "a real key"}
        async with pullcord.Cord(sandbox=True, environ=environ) as cord:
            answer = await cord.call("stop_task", {"task_id": task})
            assert answer.outcome == "refused"
            assert (await cord.running("xpander")).works, "with the sandbox's key"

    async def test_an_unknown_tool_is_an_error_that_names_the_near_one(self) -> None:
        async with pullcord.Cord(sandbox=True) as cord:
            with pytest.raises(pullcord.UnknownToolError, match=r"did you mean cancel_task\?"):
                await cord.call("cancel_tasks", {})
            with pytest.raises(LookupError, match="its platform may have to be named"):
                await cord.call("zzz")

    async def test_a_tool_that_needs_a_key_names_it(self) -> None:
        async with pullcord.Cord() as cord:
            with pytest.raises(pullcord.UnknownToolError, match="get_task is no tool yet, since EVERRUNS_API_KEY"):
                await cord.call("get_task", {})

    async def test_an_action_without_a_tool_cant_be_followed(self) -> None:
        async with pullcord.Cord() as cord:
            answer = await cord.call("stop_task", {"task_id": NOBODY})
            (authorize,) = (each for each in answer.allowed_actions if each.rel == "authorize")
            with pytest.raises(ValueError, match=r"authorize is no call that can be made here: .*XPANDER_API_KEY"):
                await cord.follow(authorize)

    async def test_an_unknown_platform_is_no_silence(self) -> None:
        async with pullcord.Cord() as cord:
            with pytest.raises(ValueError, match=r"there is no platform xpanders here; did you mean xpander\?"):
                await cord.running("xpanders")

    async def test_a_cord_calls_within_its_block_only(self) -> None:
        cord = pullcord.Cord()
        with pytest.raises(RuntimeError, match="this Cord is not open; call it in the block of"):
            await cord.call("stop_task", {"task_id": NOBODY})
        async with cord:
            with pytest.raises(RuntimeError, match="this Cord is open"):
                await cord.__aenter__()
        with pytest.raises(RuntimeError, match="this Cord is not open; call it in the block of"):
            await cord.running()
        async with cord:  # and may be opened again
            assert (await cord.call("stop_task", {"task_id": NOBODY})).outcome == "denied"


class TestStop:
    async def test_an_id_and_the_url_of_a_page_name_work(self) -> None:
        async with reached() as on, pullcord.Cord(environ=on.environ) as cord:
            workspaces, tasks = on.sandbox.evershell.ids, on.sandbox.xpander.ids
            assert (await cord.stop(workspaces.busy_task.upper())).outcome == "stopped"
            answer = await cord.stop(f"https://console.example/tasks/{tasks.parent_task}?tab=log", wait_seconds=0)
            assert answer.target == {"task_id": tasks.parent_task}

    async def test_what_the_work_started_is_stopped_with_it_unless_it_shall_not(self) -> None:
        async with reached() as on, pullcord.Cord(environ=on.environ) as cord:
            ids = on.sandbox.everruns.ids
            alone = await cord.stop(ids.subagent_task, cascade=False, wait_seconds=0)
            assert alone.parts is None
        async with reached() as on, pullcord.Cord(environ=on.environ) as cord:
            answer = await cord.stop(ids.subagent_task)
            assert answer.parts
            assert any(ids.child_session in each.arguments.values() for each in answer.parts)

    async def test_nothing_is_sent_where_no_work_or_several_pieces_fit(self) -> None:
        async with reached() as on, pullcord.Cord(environ={**on.environ, "XPANDER_API_KEY": "two words"}) as cord:
            with pytest.raises(pullcord.TargetError, match=r"has the id nobody\. .* Not all was seen: xpander\.ai: "):
                await cord.stop("nobody")
            session = on.sandbox.everruns.ids.active_session
            with pytest.raises(
                pullcord.TargetError, match=r"fits several .*: evershell task_\w+, everruns session_\w+\. .*running\(\)"
            ):
                await cord.stop(f"https://console.example/{session}/{on.sandbox.evershell.ids.busy_task}")
            assert on.sent == []

    async def test_protected_work_is_not_stopped(self) -> None:
        async with reached() as on:
            task = on.sandbox.evershell.ids.busy_task
            async with pullcord.Cord(environ={**on.environ, "PULLCORD_PROTECT": task}) as cord:
                (work,) = (each for each in (await cord.running("evershell")).works if each.id == task)
                assert work.protected
                with pytest.raises(pullcord.TargetError, match=f"evershell {task} can't be stopped from here: it is p"):
                    await cord.stop(work)
            assert on.sent == []

    async def test_work_whose_cancel_is_no_tool_is_not_stopped(self) -> None:
        async with reached() as on, pullcord.Cord(environ=on.environ, only=["get_execution"]) as cord:
            with pytest.raises(pullcord.TargetError, match="nothing stops it as it is now"):
                await cord.stop(on.sandbox.xpander.ids.parent_task)


class TestClosing:
    async def test_calls_that_wait_answer_at_once_with_what_is_known(self) -> None:
        answers: list[pullcord.Answer] = []
        async with reached(wind_down=600) as on, anyio.create_task_group() as tasks:
            with anyio.fail_after(LATE):
                async with pullcord.Cord(environ=on.environ) as cord:

                    async def stop() -> None:
                        answers.append(await cord.stop(on.sandbox.evershell.ids.busy_task, wait_seconds=300))

                    tasks.start_soon(stop)
                    await until_sent(on)
                assert [each.outcome for each in answers] == ["stopping"], "when the block has ended, all have answered"

    async def test_a_cancel_on_the_wire_is_finished_and_recorded_though_the_block_is_cancelled(
        self, tmp_path: Path
    ) -> None:
        journal = tmp_path / "journal"
        async with holding() as on:
            with anyio.fail_after(LATE):
                async with anyio.create_task_group() as tasks:
                    scope = anyio.CancelScope()

                    async def call() -> None:
                        with scope:
                            async with pullcord.Cord(environ=on.environ, journal=journal) as cord:
                                await cord.call(on.tool, on.arguments)

                    tasks.start_soon(call)
                    await on.platform.asked.wait()
                    scope.cancel()
                    await anyio.wait_all_tasks_blocked()
                    on.platform.answer.set()
        assert scope.cancelled_caught
        assert [json.loads(line)["event"] for line in journal.read_text().splitlines()] == ["intent", "outcome"]
        assert json.loads(journal.read_text().splitlines()[1])["status"] == 200

    async def test_a_block_that_ends_waits_for_a_cancel_on_the_wire_of_another_task(self) -> None:
        answers: list[pullcord.Answer] = []
        async with holding() as on, anyio.create_task_group() as tasks:
            with anyio.fail_after(LATE):
                async with pullcord.Cord(environ=on.environ) as cord:

                    async def call() -> None:
                        answers.append(await cord.call(on.tool, on.arguments))

                    async def let_answer() -> None:
                        await anyio.wait_all_tasks_blocked()
                        on.platform.answer.set()

                    tasks.start_soon(call)
                    await on.platform.asked.wait()
                    tasks.start_soon(let_answer)
                assert answers


async def test_two_in_one_process_do_not_meet(tmp_path: Path) -> None:
    manifest = tmp_path / "depot.yaml"
    manifest.write_text(own(), encoding="utf-8")
    async with reached() as one, reached() as other:
        task = one.sandbox.xpander.ids.parent_task
        async with (
            pullcord.Cord(environ=one.environ, limit="1/hour") as first,
            pullcord.Cord(environ=other.environ, limit="1/hour", manifests=[manifest]) as second,
        ):
            for cord in (first, second):
                assert (await cord.call("stop_task", {"task_id": task, "wait_seconds": 0})).outcome == "stopped"
            assert (await first.call("stop_task", {"task_id": task})).outcome == "rate_limited"
            with pytest.raises(ValueError, match="no platform depot"):
                await first.running("depot")
            assert (await second.running("depot")).gaps
        assert len(one.sent) == len(other.sent) == 1
