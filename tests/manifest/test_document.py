"""YAML read by JSON's rules, each value with its line."""

import json
import sys

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullcord.manifest.document import parse
from pullcord.model.errors import ManifestError
from pullcord.model.value import Json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text("aé: -#\"'"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("aé: -#/~", max_size=4), inner, max_size=3),
    max_leaves=12,
)
TOO_DEEP = "values stand more than 64 levels deep; write them flatter"

TOO_MANY = "m.yaml: there are more than 50,000 values, those behind aliases counted each time; write fewer"


def faults(text: str) -> tuple[str, ...]:
    with pytest.raises(ManifestError) as caught:
        parse("m.yaml", text)
    return caught.value.faults


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("NO", "NO"),
        ("off", "off"),
        ("on", "on"),
        ("yes", "yes"),
        ("y", "y"),
        ("True", "True"),
        ("NULL", "NULL"),
        ("2026-07-09", "2026-07-09"),
        ("2026-10-01T12:00:00Z", "2026-10-01T12:00:00Z"),
        ("010", "010"),
        ("0o10", "0o10"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        (".inf", ".inf"),
        (".5", ".5"),
        ("+1", "+1"),
        ("=", "="),
        ("<<", "<<"),
        ("'true'", "true"),
        ('"1"', "1"),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("0", 0),
        ("-12", -12),
        ("1.50", 1.5),
        ("1e3", 1000.0),
        ("!!str 1", "1"),
        ("!!int 7", 7),
    ],
)
def test_a_scalar_is_what_it_looks_like(text: str, value: Json) -> None:
    read = parse("m.yaml", f"key: {text}").value
    assert read == {"key": value}
    assert isinstance(read, dict)
    assert type(read["key"]) is type(value)


def test_every_key_is_a_string() -> None:
    text = "200: a\nno: b\n1.5: c\ntrue: d\nnull: e\n2026-01-01: f\n~: g"
    assert parse("m.yaml", text).value == {
        "200": "a",
        "no": "b",
        "1.5": "c",
        "true": "d",
        "null": "e",
        "2026-01-01": "f",
        "~": "g",
    }


@given(JSON)
def test_json_is_read_as_json(value: Json) -> None:
    assert parse("m.yaml", json.dumps(value)).value == value


def test_an_anchor_stands_for_its_value_everywhere() -> None:
    assert parse("m.yaml", "a: &x [1, 2]\nb: *x").value == {"a": [1, 2], "b": [1, 2]}


def test_a_fault_behind_an_anchor_is_told_once() -> None:
    assert faults("a: &x {b: 1, b: 2}\nc: *x\nd: *x") == ("m.yaml:1 /a/b: this key stands twice; keep one",)


def test_aliases_that_multiply_are_refused_at_once() -> None:
    """Written out, this would be 10 ** 40 values."""
    rows = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 41)]
    assert faults("\n".join(["a: 1", "a: 2", "a0: &a0 [1]", *rows])) == (
        "m.yaml:2 /a: this key stands twice; keep one",
        TOO_MANY,
    )


def test_a_file_may_have_50_000_values() -> None:
    assert parse("m.yaml", f"[{'1,' * 49_999}]").value == [1] * 49_999
    assert faults(f"[{'1,' * 50_000}]") == (TOO_MANY,)
    assert faults(f"[&a [{'1,' * 24_999}], *a]") == (TOO_MANY,)


def test_a_pointer_leads_to_the_line_of_its_key_or_of_the_nearest_thing_around_it() -> None:
    document = parse(
        "m.yaml", "# a comment\na:\n  b/c:\n    - 1\n    - d: 2\n~: {e: 3}\n[x]: 1\n".replace("[x]: 1\n", "")
    )
    lines = {
        "": 2,
        "/a": 2,
        "/a/b~1c": 3,
        "/a/b~1c/0": 4,
        "/a/b~1c/1/d": 5,
        "/a/b~1c/9": 3,
        "/a/b~1c/x": 3,
        "/a/none/deeper": 2,
        "/a/b~1c/0/deeper": 4,
        "/~0/e": 6,
    }
    assert {pointer: document.line(pointer) for pointer in lines} == lines


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "m.yaml: the file is empty; write an OpenAPI 3.1 document"),
        ("# nothing but a comment\n", "m.yaml: the file is empty; write an OpenAPI 3.1 document"),
        ("a: 1\nb: 2\na: 3", "m.yaml:3 /a: this key stands twice; keep one"),
        ("a: {b: 1,\n b: 2}", "m.yaml:2 /a/b: this key stands twice; keep one"),
        ("200: 1\n'200': 2", "m.yaml:2 /200: this key stands twice; keep one"),
        ("a:\n  ? [x]\n  : 1", "m.yaml:2 /a: a key is a list or an object; write a name"),
        ("a: &a\n  b: *a", "m.yaml:1 /a/b: this value contains itself; write it out"),
        ("&a [*a]", "m.yaml:1 /0: this value contains itself; write it out"),
        ("a: !secret x", "m.yaml:1 /a: the tag !secret is not supported; write a plain value"),
        (
            "a: !!binary x",
            "m.yaml:1 /a: the tag tag:yaml.org,2002:binary is not supported; write a plain value",
        ),
        ("a: !!set {x}", "m.yaml:1 /a: the tag tag:yaml.org,2002:set is not supported; write a plain value"),
        (
            "!!python/tuple [x]",
            "m.yaml:1 /: the tag tag:yaml.org,2002:python/tuple is not supported; write a plain value",
        ),
        ("a: !!int x", "m.yaml:1 /a: 'x' is no int; write one, or leave the tag out"),
        ("a: !!int 010", "m.yaml:1 /a: '010' is no int; write one, or leave the tag out"),
        ("a: !!bool yes", "m.yaml:1 /a: 'yes' is no bool; write one, or leave the tag out"),
        ("a: !!null no", "m.yaml:1 /a: 'no' is no null; write one, or leave the tag out"),
        ("a: !!float .nan", "m.yaml:1 /a: '.nan' is no float; write one, or leave the tag out"),
        ("a: 1e999", "m.yaml:1 /a: this number is too large; write a smaller one, or quote it"),
        ("a: " + "9" * 5000, "m.yaml:1 /a: this number is too large; write a smaller one, or quote it"),
        ("[" * 65 + "]" * 65, f"m.yaml:1 {'/0' * 64}: {TOO_DEEP}"),
        ("[" * 900 + "]" * 900, f"m.yaml:1 {'/0' * 64}: {TOO_DEEP}"),
        # From here on libyaml stops by itself.
        ("[" * 1500 + "]" * 1500, f"m.yaml:1: {TOO_DEEP}"),
        ("- " * 100_000 + "x", f"m.yaml:1: {TOO_DEEP}"),
        ("? x\n: " + "- " * 100_000 + "x", f"m.yaml:2: {TOO_DEEP}"),
        (f"a: '{']' * 99_999}'\nb: {'[' * 99_999}", f"m.yaml:2: {TOO_DEEP}"),
        ("[ #]\n" * 99_999, f"m.yaml:1001: {TOO_DEEP}"),
        ("[" * 100_000, f"m.yaml:1: {TOO_DEEP}"),
    ],
)
def test_what_a_manifest_may_not_hold_is_refused_with_its_place(text: str, fault: str) -> None:
    assert faults(text) == (fault,)


def test_values_may_stand_64_levels_deep() -> None:
    assert parse("m.yaml", "[" * 64 + "]" * 64).value


@pytest.mark.anyio
async def test_without_libyaml_a_deep_text_is_refused_too() -> None:
    program = """
import yaml
del yaml.CSafeLoader
from pullcord.manifest.document import parse
from pullcord.model.errors import ManifestError
try:
    parse("m.yaml", "- " * 100_000 + "x")
except ManifestError as error:
    print(*error.faults)
"""
    done = await anyio.run_process([sys.executable, "-c", program])
    assert done.stdout.decode() == f"m.yaml: {TOO_DEEP}\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: [1, 2\nc: 3", 3),
        ("a: 1\n\tb: 2", 2),
        ("a: *nobody", 1),
        ("a: 1\n---\nb: 2", 2),
        ("a: 1\nb: \x07", 2),
        ("%YAML 9.9\n---\na", 1),
    ],
)
def test_what_is_no_yaml_is_refused_with_its_line(text: str, line: int) -> None:
    (fault,) = faults(text)
    assert fault.startswith(f"m.yaml:{line}: this is not YAML: ")
    assert ("\x07" in text) != fault.endswith("or a line is not indented by spaces as those beside it")


def test_all_faults_of_a_file_are_told_at_once_each_on_one_line() -> None:
    told = faults('a: 1\na: 2\n"b\\nc": !x y\nd: !!int z\n')
    assert told == (
        "m.yaml:2 /a: this key stands twice; keep one",
        "m.yaml:3 /b c: the tag !x is not supported; write a plain value",
        "m.yaml:4 /d: 'z' is no int; write one, or leave the tag out",
    )


def test_64_levels_are_not_too_deep() -> None:
    assert parse("m.yaml", "[" * 64 + "]" * 64).line("/0/0") == 1


# JSON, which is read by a reader of its own


@given(st.dictionaries(st.text("aé: -#/~", max_size=4), JSON, max_size=4))
def test_json_is_read_alike_by_both_readers(value: dict[str, Json]) -> None:
    """A line before it makes it YAML's reader's."""
    text = json.dumps(value)
    assert parse("m.json", text).value == parse("m.json", f"# YAML\n{text}").value


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"a": 1, "a": 2}', "m.yaml:1 /a: this key stands twice; keep one"),
        ('{"a": 1e999}', "m.yaml:1 /a: this number is too large; write a smaller one, or quote it"),
        ('{"a": ' + "9" * 5000 + "}", "m.yaml:1 /a: this number is too large; write a smaller one, or quote it"),
    ],
)
def test_faults_of_json_are_told_as_those_of_yaml(text: str, fault: str) -> None:
    assert faults(text) == (fault,)


@pytest.mark.parametrize("text", ['{"a": "\\ud83d"}', '{"a": "\\uD83D\\uDE00"}', '{"a": 1', "{a: 1}}"])
def test_what_is_no_json_is_yamls_readers(text: str) -> None:
    (fault,) = faults(text)
    assert ": this is not YAML: " in fault


def test_a_constant_that_json_does_not_know_is_a_text() -> None:
    assert parse("m.yaml", '{"a": NaN, "b": -Infinity}').value == {"a": "NaN", "b": "-Infinity"}


@pytest.mark.parametrize(("depth", "read"), [(63, True), (64, False), (900, False), (20_000, False)])
def test_json_is_no_deeper_than_yaml(depth: int, *, read: bool) -> None:
    text = '{"a": ' + "[" * depth + "]" * depth + "}"
    if read:
        assert parse("m.yaml", text).line("/a/0") == 1
    else:
        assert "too deep" in faults(text)[0] or "levels deep" in faults(text)[0] or "nesting" in faults(text)[0]
