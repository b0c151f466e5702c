"""What was chosen at a start becomes a surface."""

from importlib import resources
from pathlib import Path

import pytest
from tests.depot import DEPOT

from pullcord.assembly.choice import Choice, surface
from pullcord.manifest.loading import folder
from pullcord.model.errors import SettingsError


@pytest.fixture(name="own")
def _own(tmp_path: Path) -> Path:
    path = tmp_path / "depot.yaml"
    path.write_text(DEPOT, encoding="utf-8")
    return path


def platforms(choice: Choice) -> set[str]:
    return {operation.platform.name for operation in surface(choice, {}).catalogue.values()}


def faults(choice: Choice) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        surface(choice, {})
    return caught.value.faults


def test_only_the_manifests_that_are_named_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others of this installation are broken, and nobody sees it."""
    package = tmp_path / "pullcord"
    (package / "manifests").mkdir(parents=True)
    for path in Path(str(folder())).iterdir():
        text = path.read_text(encoding="utf-8") if path.stem in {"xpander", "index"} else "broken: ["
        (package / "manifests" / path.name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(resources, "files", lambda _: package)
    assert platforms(Choice(platforms=["xpander"])) == {"xpander"}
    with pytest.raises(SettingsError):
        surface(Choice(platforms=["everruns"]), {})


def test_an_instance_is_offered_without_its_kind() -> None:
    offered = surface(Choice(platforms=["xpander:team"]), {"XPANDER_TEAM_API_KEY": "k"})
    assert list(offered.tools) == ["team_stop_task", "team_get_execution", "team_list_executions"]
    assert list(offered.settings) == ["team"]
    assert offered.checks["team_stop_task"]({}) == ["task_id is missing (Task id, a UUID)"]


def test_an_instance_stands_beside_its_kind_and_others() -> None:
    named = ["xpander:team", "xpander", "xpander:other"]
    assert platforms(Choice(platforms=named)) == {"xpander", "team", "other"}


def test_a_users_own_platform_has_instances_beside_itself(own: Path) -> None:
    assert {"depot", "east"} <= platforms(Choice(platforms=["depot:east"], manifests=[own]))


def test_a_kind_that_is_not_there_has_no_instances() -> None:
    (fault,) = faults(Choice(platforms=["xpandr:team"]))
    assert fault.startswith("--platform xpandr:team: there is no such platform; write one of everruns, ")


def test_no_two_platforms_have_one_name(own: Path) -> None:
    what = "there is another platform team; write another name"
    assert faults(Choice(platforms=["xpander:team", "evershell:team"])) == (f"--platform evershell:team: {what}",)
    (fault,) = faults(Choice(platforms=["xpander:depot"], manifests=[own]))
    assert fault == "--platform xpander:depot: there is another platform depot; write another name"


def test_an_instance_has_a_name_that_its_tools_can_begin_with() -> None:
    (fault,) = faults(Choice(platforms=["xpander:My Team"]))
    assert fault.startswith("--platform xpander:My Team: 'My Team' is no name; write a short one")


def test_operations_are_chosen_by_their_tools() -> None:
    offered = surface(Choice(platforms=["xpander:team"], only=["team_stop_task"]), {"XPANDER_TEAM_API_KEY": "k"})
    assert list(offered.tools) == ["team_stop_task"]
    (fault,) = faults(Choice(platforms=["xpander:team"], only=["stop_task"]))
    assert fault.startswith("--only stop_task: there is no such operation; write one of team_stop_task, ")
