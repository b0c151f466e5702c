"""python -m tests.mutants [MODULE...]: change the code that decides, a little each time, and see whether it is noticed.

mutmut makes the changes (https://mutmut.readthedocs.io). Each must make a test fail, or be an error for the type
checker; one that is noticed by neither is a survivor. The exit status is 1 if there is a survivor that isn't known, or
if a known one is noticed after all.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.environment import CACHE, ROOT, venv

MUTMUT = ("mutmut==3.8.1",)
MODULES: Mapping[str, Sequence[str]] = {
    "flow/target.py": ("flow/test_target.py",),
    "flow/verdict.py": ("flow/test_verdict.py", "flow/test_settlement.py"),
    "flow/wait.py": ("flow/test_wait.py", "flow/test_settlement.py", "flow/test_target.py", "flow/test_progress.py"),
    "flow/settlement.py": ("flow/test_settlement.py", "flow/test_wait.py", "flow/test_target.py"),
    "flow/actions.py": (
        *("flow/test_actions.py", "flow/test_settlement.py", "flow/test_target.py"),
        *("flow/test_elsewhere.py", "flow/test_rate_limit.py"),
    ),
    "upstream/gateway.py": ("upstream/test_gateway.py",),
    "model/arguments.py": ("model/test_arguments.py",),
}
"""The modules that are changed, below src/pullcord, and the tests that must notice, below tests: fast, in memory."""
KNOWN: Mapping[str, Mapping[str, str]] = {
    "flow/verdict.py": {
        "outcome = Outcome.UNKNOWN if reply.succeeded else by_status.get(reply.status or 1, Outcome.UNKNOWN)": (
            "A reply that came has a status, so what stands for none is never used; the types ask for a number."
        )
    },
    "upstream/gateway.py": {
        "return (answer.status or 1) // 100 == _SERVER_ERROR or (answer.succeeded and answer.unreadable is not None)": (
            "A reply that came has a status, so what stands for none is never used; the types ask for a number."
        )
    },
}
"""Survivors that change nothing that anybody could notice, ten at most: by module the changed lines, and why."""
NOTICED = frozenset({"killed", "caught by type check", "timeout"})
TELL_SECONDS = 5.0
"""Between two lines of progress."""

_COPIED = ("src", "tests", "manifests", "docs", "README.md", "pyproject.toml")
_SETTINGS = """
[tool.mutmut]
source_paths = ["src"]
only_mutate = ["src/pullcord/{module}"]
also_copy = ["manifests", "docs", "README.md", "mypy.ini"]
pytest_add_cli_args_test_selection = [{tests}]
pytest_add_cli_args = ["-p", "no:cacheprovider", "-x"]
use_git_change_detection = false
timeout_multiplier = 3.0
timeout_constant = 5.0
type_check_command = ["{python}", "-m", "mypy", "--output=json", "src/pullcord"]
"""
# What mutmut puts around a changed function has no types, so mypy is less strict with that than the project is.
_TYPES = """
[mypy]
strict = True
mypy_path = src
explicit_package_bases = True
enable_error_code = redundant-expr, truthy-bool, unused-awaitable
disallow_untyped_decorators = False
ignore_missing_imports = True
warn_unused_ignores = False
"""


def survivors(module: str) -> Iterator[str]:
    """Change a module of src/pullcord in a copy of the project; the changed lines that nothing noticed.

    Raises:
        RuntimeError: the tests fail without any change, or not every change was tried; says what mutmut said last.
    """
    folder = CACHE / "mutants" / module.removesuffix(".py")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in _COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    tests = ", ".join(f'"tests/{each}"' for each in MODULES[module])
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as settings:
        settings.write(_SETTINGS.format(module=module, tests=tests, python=sys.executable))
    (folder / "mypy.ini").write_text(_TYPES, encoding="utf-8")
    _run(module, folder)
    for line in _mutmut(folder, "results").splitlines():
        name, _, status = line.strip().partition(": ")
        if status == "not checked":
            raise RuntimeError(f"{name} was not tried")
        if status and status not in NOTICED:
            changed = [each[1:].strip() for each in _mutmut(folder, "show", name).splitlines() if each[:2] == "+ "]
            yield " ".join(changed)


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "mutmut", *arguments]


def _environ() -> dict[str, str]:
    """This environment, in which Python finds mutmut, too."""
    packages = sysconfig.get_path("purelib", "venv", {"base": str(venv("mutmut", *MUTMUT))})
    return {**os.environ, "PYTHONPATH": packages}


def _mutmut(folder: Path, *arguments: str) -> str:
    return subprocess.run(  # noqa: S603 - from this module
        _command(*arguments), cwd=folder, env=_environ(), capture_output=True, text=True, check=True, timeout=60
    ).stdout


def _run(module: str, folder: Path) -> None:
    """Try every change, and tell from time to time how many were tried."""
    said = [""]
    told = time.monotonic()
    with subprocess.Popen(  # noqa: S603 - from this module
        _command("run"), cwd=folder, env=_environ(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():  # it writes over its own line, which is a line of its own here
            said.append(line.strip())
            if time.monotonic() - told > TELL_SECONDS:
                told = time.monotonic()
                _tell(f"{module}: {said[-1]}")
    if process.returncode:
        raise RuntimeError("\n".join([f"mutmut failed on {module}:", *said[-20:]]))
    _tell(f"{module}: {next((line for line in reversed(said) if '🎉' in line), 'nothing to change')}")


def main(modules: Sequence[str]) -> int:
    """Change the modules, all of them if none is named; 1 if what survives is not what is known."""
    is_red = False
    for module in modules or MODULES:
        found, known = set(survivors(module)), KNOWN.get(module, {}).keys()
        is_red |= found != known
        for each in sorted(found | known):
            word = "known" if each in found & known else "NOT NOTICED" if each in found else "NOTICED, though KNOWN"
            sys.stdout.write(f"{module}: {word}: {each}\n")
        sys.stdout.flush()
    return int(is_red)


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
