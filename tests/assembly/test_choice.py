"""What was chosen at a start becomes a surface."""

import json
import re
from importlib import resources
from pathlib import Path

import pytest
from tests.depot import DEPOT, changed, own

from pullcord.assembly.choice import Choice, surface, unnamed
from pullcord.manifest.index import index
from pullcord.manifest.loading import folder
from pullcord.model.errors import SettingsError

ALWAYS = {"everruns", "evershell", "xpander"}
CANCELS = ["cancel_task", "cancel_turn", "cancel_workspace_task", "stop_task"]


@pytest.fixture(name="mine")
def _mine(tmp_path: Path) -> Path:
    """A manifest of a user's own."""
    path = tmp_path / "depot.yaml"
    path.write_text(own(), encoding="utf-8")
    return path


@pytest.fixture(name="installed")
def _installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation with one more platform, the depot, which must be named; its manifests' folder."""
    package = tmp_path / "pullcord"
    (package / "manifests").mkdir(parents=True)
    for path in Path(str(folder())).iterdir():
        (package / "manifests" / path.name).write_bytes(path.read_bytes())
    known = json.loads((package / "manifests" / "index.json").read_text(encoding="utf-8"))
    known["depot"] = {"title": "Depot", "listed_always": False, "variables": ["DEPOT_KEY"]}
    (package / "manifests" / "index.json").write_text(json.dumps(known), encoding="utf-8")
    (package / "manifests" / "depot.yaml").write_text(DEPOT, encoding="utf-8")
    monkeypatch.setattr(resources, "files", lambda _: package)
    return package / "manifests"


def platforms(choice: Choice, **environ: str) -> set[str]:
    return {operation.platform.name for operation in surface(choice, environ).catalogue.values()}


def faults(choice: Choice, **environ: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        surface(choice, environ)
    return caught.value.faults


@pytest.mark.usefixtures("installed")
def test_a_platform_is_there_only_if_it_is_named_whatever_keys_lie_about() -> None:
    assert platforms(Choice(), DEPOT_KEY="k") == ALWAYS
    assert platforms(Choice(platforms=["depot"])) == {*ALWAYS, "depot"}
    assert platforms(Choice(), PULLCORD_PLATFORMS=" depot ,") == {*ALWAYS, "depot"}


@pytest.mark.usefixtures("installed")
def test_naming_adds_and_takes_nothing_away() -> None:
    assert platforms(Choice(platforms=["xpander"])) == ALWAYS
    assert platforms(Choice(platforms=["xpander"]), PULLCORD_PLATFORMS="depot,xpander:team") == {
        *ALWAYS,
        "depot",
        "team",
    }


@pytest.mark.usefixtures("installed")
def test_the_cancels_of_a_named_platform_are_tools_without_its_key_too() -> None:
    offered = surface(Choice(platforms=["depot"]), {})
    assert [name for name, each in offered.tools.items() if each.platform.name == "depot"] == [
        "cancel_run",
        "halt_line",
    ]
    assert {*CANCELS} < offered.tools.keys()


@pytest.mark.usefixtures("installed")
def test_what_nobody_named_is_known_with_what_naming_it_would_do() -> None:
    rest = unnamed(Choice(), {"DEPOT_KEY": "k", "DEPOT_TENANT": "acme"})
    tools = [name for name, each in rest.tools.items() if each.platform.name == "depot"]
    assert tools == ["cancel_run", "get_run", "halt_line", "list_runs"]
    assert rest.settings["depot"].obstacle is None
    assert not {*tools} & unnamed(Choice(platforms=["depot"]), {}).tools.keys()
    assert not {*tools} & unnamed(Choice(), {"PULLCORD_PLATFORMS": "depot"}).tools.keys()


def test_a_platform_of_a_users_own_manifest_counts_as_named(mine: Path) -> None:
    assert platforms(Choice(manifests=[mine])) == {*ALWAYS, "depot"}
    assert platforms(Choice(manifests=[mine], platforms=["depot"])) == {*ALWAYS, "depot"}


def test_only_leaves_out(mine: Path) -> None:
    chosen = Choice(manifests=[mine], only=["cancel_run", "stop_task"])
    assert list(surface(chosen, {}).tools) == ["stop_task", "cancel_run"]


@pytest.mark.usefixtures("installed")
def test_a_tool_of_a_platform_that_is_not_named_is_told_as_such() -> None:
    assert faults(Choice(only=["halt_line", "halt_lines", "stop_tsk"])) == (
        "--only halt_line: this is a tool of depot; add --platform depot",
        "--only halt_lines: there is no such tool; pullcord tools lists them",
        "--only stop_tsk: there is no such tool; did you mean stop_task?",
    )


def test_a_platform_that_is_not_there_is_told_with_the_words_that_named_it(mine: Path) -> None:
    what = "there is no such platform; did you mean xpander?"
    assert faults(Choice(platforms=["expander"])) == (f"--platform expander: {what}",)
    assert faults(Choice(), PULLCORD_PLATFORMS="xpandr") == (f"PULLCORD_PLATFORMS xpandr: {what}",)
    there_are = f"write one of {', '.join(sorted({*index(), 'depot'}))}, or add one with --manifest"
    assert faults(Choice(platforms=["zzz"], manifests=[mine])) == (
        f"--platform zzz: there is no such platform; {there_are}",
    )


def test_what_a_manifest_with_faults_calls_its_platform_is_not_guessed_at(mine: Path) -> None:
    mine.write_text("broken: [", encoding="utf-8")
    (fault,) = faults(Choice(platforms=["depot"], manifests=[mine]))
    assert "depot.yaml:2: this is not YAML" in fault


def test_a_list_of_platforms_that_was_not_filled_in_is_a_fault() -> None:
    assert faults(Choice(), PULLCORD_PLATFORMS="${PLATFORMS}") == (
        "PULLCORD_PLATFORMS: this is a placeholder that was not filled in; write the value, or leave it out",
    )


def test_only_the_manifests_that_are_offered_are_read(installed: Path) -> None:
    """Another of this installation is broken, and nobody sees it."""
    (installed / "depot.yaml").write_text("broken: [", encoding="utf-8")
    assert platforms(Choice(platforms=["xpander"])) == ALWAYS
    (fault,) = faults(Choice(platforms=["depot"]))
    assert "this is not YAML" in fault


@pytest.mark.usefixtures("installed")
def test_an_instance_is_offered_without_its_kind() -> None:
    offered = surface(Choice(platforms=["depot:team"]), {"DEPOT_TEAM_KEY": "k", "DEPOT_TEAM_TENANT": "acme"})
    assert [name for name in offered.tools if name not in CANCELS] == [
        "find_running",
        "team_cancel_run",
        "team_get_run",
        "team_halt_line",
        "team_list_runs",
    ]
    assert {*offered.settings} == {*ALWAYS, "team"}
    assert offered.checks["team_cancel_run"]({}) == ["run_id is missing (The run)"]


def test_an_instance_stands_beside_its_kind_and_others() -> None:
    named = ["xpander:team", "xpander", "xpander:other"]
    assert platforms(Choice(platforms=named)) == {*ALWAYS, "team", "other"}


def test_a_users_own_platform_has_instances_beside_itself(mine: Path) -> None:
    assert {"depot", "east"} <= platforms(Choice(platforms=["depot:east"], manifests=[mine]))


def test_a_kind_that_is_not_there_has_no_instances() -> None:
    assert faults(Choice(platforms=["xpandr:team"])) == (
        "--platform xpandr:team: there is no such platform; did you mean xpander?",
    )


def test_no_two_platforms_have_one_name(mine: Path) -> None:
    what = "there is another platform team; write another name"
    assert faults(Choice(platforms=["xpander:team"]), PULLCORD_PLATFORMS="evershell:team") == (
        f"--platform xpander:team: {what}",
    )
    (fault,) = faults(Choice(platforms=["xpander:depot"], manifests=[mine]))
    assert fault == "--platform xpander:depot: there is another platform depot; write another name"


def test_no_variable_of_an_instance_is_read_by_another_platform(mine: Path, tmp_path: Path) -> None:
    """A stranger's manifest, whose platform is called so, would get the instance's key."""
    text = changed(("x-platform: depot", "x-platform: depot-east")).replace("DEPOT_", "PULLCORD_PLATFORM_DEPOT_EAST_")
    stranger = tmp_path / "stranger.yaml"
    stranger.write_text(re.sub(r"(get|list|cancel|halt)_(run|line)", r"\1_their_\2", text), encoding="utf-8")
    found = faults(Choice(platforms=["depot:east"], manifests=[mine, stranger]))
    key = "the platform depot-east reads PULLCORD_PLATFORM_DEPOT_EAST_KEY, too; write another name"
    assert f"--platform depot:east: {key}" in found
    assert {"depot-east", "west"} <= platforms(Choice(platforms=["depot:west"], manifests=[mine, stranger]))
    found = faults(Choice(platforms=["xpander:team-1", "xpander:team_1"]))
    assert (
        "--platform xpander:team_1: the platform team-1 reads XPANDER_TEAM_1_API_KEY, too; write another name" in found
    )


def test_an_instance_has_a_name_that_its_tools_can_begin_with() -> None:
    (fault,) = faults(Choice(platforms=["xpander:My Team"]))
    assert fault.startswith("--platform xpander:My Team: 'My Team' is no name; write a short one")


def test_operations_are_chosen_by_their_tools() -> None:
    offered = surface(Choice(platforms=["xpander:team"], only=["team_stop_task"]), {"XPANDER_TEAM_API_KEY": "k"})
    assert list(offered.tools) == ["team_stop_task"]
