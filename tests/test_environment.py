import sys
from pathlib import Path

import pytest
from tests.environment import python


def program(folder: Path, status: int) -> Path:
    folder.mkdir(parents=True)
    made = folder / "python9.9"
    made.write_text(f"#!/bin/sh\nexit {status}\n", encoding="utf-8")
    made.chmod(0o755)
    return made


def test_a_python_that_does_not_start_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shim = program(tmp_path / "shims", 127)
    monkeypatch.setenv("PATH", str(shim.parent))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    with pytest.raises(RuntimeError, match=r"this needs Python 9\.8 or 9\.9, and none that starts is in PATH"):
        python("9.8", "9.9")
    there = program(tmp_path / "versions" / "9.9.1" / "bin", 0)
    assert python("9.8", "9.9") == str(there)


def test_the_python_that_runs_is_taken_where_it_will_do() -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert Path(python(version)).parent == Path(sys.executable).parent
