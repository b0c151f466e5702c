"""An environment to settings: every fault at once, and no secret anywhere."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.depot import depot
from tests.support import shipped

from pullcord.config import settings
from pullcord.config.settings import Settings
from pullcord.model.errors import SettingsError
from pullcord.model.operation import Operation
from pullcord.model.url import url_faults
from pullcord.model.variables import variables

DEPOT = depot()
HIDDEN = "hush-hush-0123456789"


def read(environ: Mapping[str, str]) -> Settings:
    return settings.read(DEPOT, environ)["depot"]


def faults(environ: Mapping[str, str], operations: Mapping[str, Operation] = DEPOT) -> list[str]:
    """What is wrong with settings, which keeps anything from being sent, and shows no secret."""
    found = settings.read(operations, environ)["depot"]
    assert found.obstacle is not None
    assert all(fault in found.obstacle and fault in found.remedy for fault in found.faults)
    assert HIDDEN not in f"{found!r}{found.obstacle}{found.remedy}"
    return list(found.faults)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "key"


def test_a_platform_is_reached_with_what_the_environment_gives() -> None:
    found = read({"DEPOT_KEY": HIDDEN, "DEPOT_TENANT": "acme", "DEPOT_YARD": "y7", "OTHER": "x"})
    assert found.base_url == "https://acme.depot.example/api"
    assert found.key is not None
    assert found.key.get_secret_value() == HIDDEN
    assert found.key_source == "DEPOT_KEY"
    assert found.values == {"DEPOT_YARD": "y7"}
    assert found.missing == ()


def test_no_secret_is_in_a_text_of_the_settings() -> None:
    found = read({"DEPOT_KEY": HIDDEN})
    assert HIDDEN not in f"{found} {found!r} {found.key} {found.key!r}"


def test_what_is_not_set_is_named() -> None:
    found = read({})
    assert found.key is None
    assert found.key_source == "DEPOT_KEY"
    assert found.missing == ("DEPOT_KEY", "DEPOT_TENANT")
    assert found.values == {}
    assert "{tenant}" in found.base_url


@pytest.mark.parametrize("empty", ["", " ", "\n\t"])
def test_empty_counts_as_not_set(empty: str, file: Path) -> None:
    names = ("DEPOT_KEY", "DEPOT_KEY_FILE", "DEPOT_URL", "DEPOT_URL_FILE", "DEPOT_TENANT", "DEPOT_YARD")
    assert read(dict.fromkeys(names, empty)) == read({})
    file.write_text(empty, encoding="utf-8")
    assert read({"DEPOT_KEY_FILE": str(file)}).missing == ("DEPOT_KEY", "DEPOT_TENANT")


def test_a_value_is_read_without_the_white_space_around_it() -> None:
    found = read({"DEPOT_KEY": f" {HIDDEN}\n", "DEPOT_URL": " https://depot.example/ "})
    assert found.key is not None
    assert found.key.get_secret_value() == HIDDEN
    assert found.base_url == "https://depot.example"


def test_a_url_of_ones_own_needs_no_variables() -> None:
    assert read({"DEPOT_KEY": HIDDEN, "DEPOT_URL": "http://127.0.0.1:8080/x/"}).missing == ()


def test_where_there_is_no_default_the_url_must_be_set() -> None:
    variables = "\n    variables:\n      tenant: {default: yours, x-env: DEPOT_TENANT}"
    operations = depot(("https://{tenant}.depot.example/api", "/"), (variables, ""))
    found = settings.read(operations, {"DEPOT_KEY": HIDDEN})["depot"]
    assert (found.missing, found.base_url) == (("DEPOT_URL",), "{DEPOT_URL}")
    assert settings.read(operations, {"DEPOT_KEY": HIDDEN, "DEPOT_URL": "https://x.example"})["depot"].missing == ()


def test_a_manifest_may_name_this_machine_over_plain_http() -> None:
    variables = "\n    variables:\n      tenant: {default: yours, x-env: DEPOT_TENANT}"
    operations = depot(("https://{tenant}.depot.example/api", "http://127.0.0.1:2024"), (variables, ""))
    assert settings.read(operations, {})["depot"].base_url == "http://127.0.0.1:2024"


# Files


@pytest.mark.parametrize("content", [HIDDEN, f"{HIDDEN}\n", f"\ufeff{HIDDEN}\r\n"])
def test_any_variable_may_name_a_file_instead(content: str, file: Path) -> None:
    file.write_text(content, encoding="utf-8")
    found = read({"DEPOT_KEY_FILE": f" {file}\n"})
    assert found.key is not None
    assert found.key.get_secret_value() == HIDDEN
    assert found.key_source == "DEPOT_KEY_FILE"
    for name, value in (("TENANT", "acme"), ("YARD", "y7")):
        (file.parent / name).write_text(value, encoding="utf-8")
    found = read({"DEPOT_TENANT_FILE": str(file.parent / "TENANT"), "DEPOT_YARD_FILE": str(file.parent / "YARD")})
    assert (found.base_url, found.values) == ("https://acme.depot.example/api", {"DEPOT_YARD": "y7"})


def test_a_variable_and_its_file_are_not_both_set(file: Path) -> None:
    file.write_text(HIDDEN, encoding="utf-8")
    told = ["DEPOT_KEY and DEPOT_KEY_FILE are both set; keep one"]
    assert faults({"DEPOT_KEY": HIDDEN, "DEPOT_KEY_FILE": str(file)}) == told


def test_a_file_that_is_not_there_counts_as_not_set(file: Path) -> None:
    for name in (str(file), f"{file}/deeper", HIDDEN):
        found = read({"DEPOT_KEY_FILE": name, "DEPOT_TENANT": "acme"})
        assert (found.faults, found.missing, found.key_source) == ((), ("DEPOT_KEY",), "DEPOT_KEY")
        assert found.obstacle == "DEPOT_KEY is not set; there is nothing in the file that DEPOT_KEY_FILE names"
    found = read({"DEPOT_KEY_FILE": str(file), "DEPOT_KEY": HIDDEN, "DEPOT_TENANT": "acme"})
    assert (found.obstacle, found.key_source) == (None, "DEPOT_KEY")


def test_a_file_that_can_not_be_read_is_told_without_its_name(file: Path) -> None:
    """Some write the key itself where its file's name belongs."""
    told = ["DEPOT_KEY_FILE: the file that it names can't be read: File name too long"]
    assert faults({"DEPOT_KEY_FILE": HIDDEN * 20}) == told
    told = ["DEPOT_KEY_FILE: the file that it names can't be read: Is a directory"]
    assert faults({"DEPOT_KEY_FILE": str(file.parent)}) == told
    file.write_bytes(b"\xff\xfe")
    told = ["DEPOT_KEY_FILE: the file that it names can't be read: it is not UTF-8 text"]
    assert faults({"DEPOT_KEY_FILE": str(file)}) == told


# What is not the value itself


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("${DEPOT_KEY}", "this is a placeholder that was not filled in; write the value, or leave it out"),
        ("${user_config.key}", "this is a placeholder that was not filled in; write the value, or leave it out"),
        ("sk-${input:key}", "this is a placeholder that was not filled in; write the value, or leave it out"),
        ("$DEPOT_KEY", "this is a placeholder that was not filled in; write the value, or leave it out"),
        ("{{ depot.key }}", "this is a placeholder that was not filled in; write the value, or leave it out"),
        ("%DEPOT_KEY%", "this is a placeholder that was not filled in; write the value, or leave it out"),
        ("<your-key>", "this is a placeholder that was not filled in; write the value, or leave it out"),
        ("...", "this is only the beginning of a value; write it whole"),
        ("sk_live_\N{HORIZONTAL ELLIPSIS}", "this is only the beginning of a value; write it whole"),
        ("sk_live_...", "this is only the beginning of a value; write it whole"),
        (f'"{HIDDEN}"', "the quotes around the value would be part of it; leave them out"),
        (f"'{HIDDEN}'", "the quotes around the value would be part of it; leave them out"),
        (f"`{HIDDEN}`", "the quotes around the value would be part of it; leave them out"),
        ('""', "the quotes around the value would be part of it; leave them out"),
    ],
)
@pytest.mark.parametrize("name", ["DEPOT_KEY", "DEPOT_URL", "DEPOT_TENANT", "DEPOT_YARD"])
def test_a_placeholder_is_no_value(name: str, text: str, what: str, file: Path) -> None:
    assert faults({name: text}) == [f"{name}: {what}"]
    file.write_text(text, encoding="utf-8")
    assert faults({f"{name}_FILE": str(file)}) == [f"{name}_FILE: {what}"]
    assert faults({"DEPOT_KEY": HIDDEN, "DEPOT_TENANT": "acme"} | {name: text}) == [f"{name}: {what}"]


@pytest.mark.parametrize("key", ["$ecret", "a...b", "'", '"half', "{x}", "$(x)"])
def test_an_odd_key_is_a_key(key: str) -> None:
    found = read({"DEPOT_KEY": key, "DEPOT_TENANT": "acme"})
    assert found.obstacle is None
    assert found.key is not None
    assert found.key.get_secret_value() == key


# What a key may be


@pytest.mark.parametrize("key", [f"{HIDDEN}\nX-Evil: 1", f"{HIDDEN} two", f"{HIDDEN}\t", f"{HIDDEN}é", f"\x00{HIDDEN}"])
def test_a_key_that_no_header_carries_is_refused(key: str, file: Path) -> None:
    if key.strip() != key:
        key += "x"
    what = "the key holds white space or characters that a header can't carry; check it"
    assert faults({"DEPOT_KEY": key}) == [f"DEPOT_KEY: {what}"]
    file.write_text(key, encoding="utf-8")
    assert faults({"DEPOT_KEY_FILE": str(file)}) == [f"DEPOT_KEY_FILE: {what}"]


# Which key

SCHEMES = """\
    key:
      type: http
      scheme: bearer
      description: A key.
      x-env: DEPOT_KEY
    login:
      type: http
      scheme: basic
      description: A login.
      x-env: DEPOT_LOGIN
"""


def asking(security: str) -> Mapping[str, Operation]:
    """The depot with other security requirements, and a login beside its key."""
    one = SCHEMES.partition("    login")[0]
    return depot(("security:\n  - key: []", f"security: {security}"), (one, SCHEMES))


def test_a_platform_that_wants_no_key_is_sent_none() -> None:
    found = settings.read(asking("[]"), {"DEPOT_TENANT": "acme", "DEPOT_KEY": HIDDEN})["depot"]
    assert (found.key, found.scheme, found.missing) == (None, None, ())
    assert found.remedy == "Its manifest says that no key is needed; describe one there."


def test_a_key_is_sent_if_there_is_one_where_none_will_do() -> None:
    operations = asking("[key: [], {}]")
    without = settings.read(operations, {"DEPOT_TENANT": "acme"})["depot"]
    assert (without.key, without.missing) == (None, ())
    assert without.remedy == "Set DEPOT_KEY where pullcord is started."
    found = settings.read(operations, {"DEPOT_TENANT": "acme", "DEPOT_KEY": HIDDEN})["depot"]
    assert found.key is not None
    assert found.scheme == operations["get_run"].platform.keys[0]


def test_of_several_keys_the_one_is_sent_whose_variable_is_set() -> None:
    operations = asking("[key: [], login: []]")
    for environ in ({"DEPOT_KEY": HIDDEN}, {"DEPOT_LOGIN": f"user:{HIDDEN}"}):
        found = settings.read(operations, environ)["depot"]
        assert found.key is not None
        assert found.scheme is not None
        assert {found.key_source: found.key.get_secret_value()} == environ
        assert {found.scheme.env} == environ.keys()
        assert found.missing == ("DEPOT_TENANT",)
    found = settings.read(operations, {})["depot"]
    assert found.missing == ("DEPOT_KEY or DEPOT_LOGIN", "DEPOT_TENANT")
    assert found.remedy == "Set DEPOT_KEY or DEPOT_LOGIN and DEPOT_TENANT where pullcord is started."


def test_two_keys_of_one_platform_are_not_both_set() -> None:
    both = {"DEPOT_KEY": HIDDEN, "DEPOT_LOGIN": f"user:{HIDDEN}"}
    told = "DEPOT_KEY and DEPOT_LOGIN are set, and one key is enough; keep one"
    assert faults(both, asking("[key: [], login: []]")) == [told]


@pytest.mark.parametrize("login", [HIDDEN, f"user:{HIDDEN}\x07x", f"us\ner:{HIDDEN}"])
def test_a_login_is_a_user_and_a_password(login: str) -> None:
    told = "DEPOT_LOGIN: this is no user and password; write user:password, without control characters"
    assert faults({"DEPOT_LOGIN": login}, asking("[login: []]")) == [told]


@pytest.mark.parametrize("login", [f"user:{HIDDEN}", f"{HIDDEN}:", f":{HIDDEN}", f"a b:c:d é {HIDDEN}"])
def test_a_login_may_hold_whatever_can_be_seen(login: str) -> None:
    found = settings.read(asking("[login: []]"), {"DEPOT_LOGIN": login})["depot"]
    assert found.key is not None
    assert found.key.get_secret_value() == login


def test_a_request_brings_one_of_several_keys() -> None:
    operations = asking("[key: [], login: []]")
    found = settings.read(operations, {"DEPOT_TENANT": "acme"}, brought=True)["depot"]
    assert (found.key_source, found.missing) == ("Depot-Key or Depot-Login", ())
    carrying = found.carrying({"Depot-Key": [], "Depot-Login": [f"user:{HIDDEN}"]}.__getitem__)
    assert (carrying.missing, carrying.key_source) == ((), "Depot-Login")
    assert carrying.scheme == operations["get_run"].platform.keys[1]
    for keys in ([], [HIDDEN]):
        without = found.carrying({"Depot-Key": keys, "Depot-Login": keys}.__getitem__)
        assert (without.key, without.missing) == (None, ("Depot-Key or Depot-Login",))


def test_a_request_brings_no_key_where_none_will_do() -> None:
    found = settings.read(asking("[key: [], {}]"), {"DEPOT_TENANT": "acme"}, brought=True)["depot"]
    assert found.carrying(lambda _: []).missing == ()
    assert found.carrying(lambda _: ["two words"]).missing == ("Depot-Key",)


# Where a key may go

GRAMMAR = "the URL may hold a scheme, a host, a port and a path only; write https://host/path"
PLAIN = (
    "the URL must be https, or http to this machine (127.0.0.1) or to a host that PULLCORD_PLAIN_HTTP names:"
    " a key is sent there"
)


@pytest.mark.parametrize(
    "url",
    [
        "https://depot.example",
        "https://depot.example/",
        "https://depot.example/a/b-c/v1.2/~x",
        "https://depot.example:8443/api",
        "https://10.0.0.7",
        "https://[2001:db8::1]:8443/x",
        "http://127.0.0.1",
        "http://127.0.0.2:8080/x",
        "http://localhost:1",
        "http://[::1]:8080",
    ],
)
def test_a_url_with_tls_or_to_this_machine_is_taken(url: str) -> None:
    assert url_faults(url) == []
    assert read({"DEPOT_URL": url}).base_url == url.rstrip("/")


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("http://depot.example", PLAIN),
        ("http://10.0.0.7", PLAIN),
        ("http://127.0.0.1.evil.example", PLAIN),
        ("http://localhost.evil.example", PLAIN),
        ("http://0.0.0.0", PLAIN),
        ("http://127.1", PLAIN),
        ("http://[::2]", PLAIN),
        ("https://user@depot.example", GRAMMAR),
        (f"https://user:{HIDDEN}@depot.example", GRAMMAR),
        (f"https://:{HIDDEN}@depot.example", GRAMMAR),
        ("https://@depot.example", GRAMMAR),
        ("https://depot.example?x=1", GRAMMAR),
        ("https://depot.example?", GRAMMAR),
        ("https://depot.example#x", GRAMMAR),
        ("https://depot.example#", GRAMMAR),
        ("https://depot.example/a/../b", GRAMMAR),
        ("https://depot.example/..", GRAMMAR),
        ("https://depot.example/%2e%2e", GRAMMAR),
        ("https://depot.example//x", GRAMMAR),
        ("https://depot.example\\x", GRAMMAR),
        ("https://depot.example/a b", GRAMMAR),
        ("https://depot.example/\nx", GRAMMAR),
        ("https://dépôt.example", GRAMMAR),
        ("https://{tenant}.example", GRAMMAR),
        ("https://depot.example:", GRAMMAR),
        ("https://depot.example:port", GRAMMAR),
        ("https://depot.example:99999", "this is no URL; write https://host/path"),
        ("https://[::::]", "this is no URL; write https://host/path"),
        ("https://", GRAMMAR),
        ("https:depot.example", GRAMMAR),
        ("https:///x", GRAMMAR),
        ("//depot.example", GRAMMAR),
        ("depot.example", GRAMMAR),
        ("ftp://depot.example", GRAMMAR),
        ("file:///etc/passwd", GRAMMAR),
        ("javascript:alert(1)", GRAMMAR),
    ],
)
def test_any_other_url_is_refused(url: str, fault: str) -> None:
    assert faults({"DEPOT_URL": url, "DEPOT_KEY": HIDDEN}) == [f"DEPOT_URL: {fault}"]


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("http://flower:5555", "flower"),
        ("http://FLOWER:5555/x", "a, Flower ,b"),
        ("http://10.0.0.7:2024", "10.0.0.7"),
        ("http://[fd00::1]:9070", "[fd00::1]"),
        ("http://web.agents.svc.cluster.local", "*.svc.cluster.local"),
    ],
)
def test_plain_http_goes_to_the_hosts_that_the_operator_names(url: str, named: str) -> None:
    assert read({"DEPOT_URL": url, "PULLCORD_PLAIN_HTTP": named}).base_url == url
    assert faults({"DEPOT_URL": url}) == [f"DEPOT_URL: {PLAIN}"]


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("http://svc.cluster.local", "*.svc.cluster.local"),
        ("http://evilsvc.cluster.local", "*.svc.cluster.local"),
        ("http://flower.evil.example", "flower"),
        ("http://flower", "flower.example"),
    ],
)
def test_plain_http_goes_nowhere_else(url: str, named: str) -> None:
    assert faults({"DEPOT_URL": url, "PULLCORD_PLAIN_HTTP": named}) == [f"DEPOT_URL: {PLAIN}"]


@pytest.mark.parametrize("named", ["*", "*.", "http://flower", "flower:5555", "10.0.0.0/8", "a b", "a.*"])
def test_what_is_no_host_names_none(named: str) -> None:
    what = "is no host; write names with commas, such as agents,*.svc.cluster.local"
    with pytest.raises(SettingsError) as caught:
        read({"PULLCORD_PLAIN_HTTP": f"one,{named}"})
    assert caught.value.faults == (f"PULLCORD_PLAIN_HTTP: {named!r} {what}",)


@pytest.mark.parametrize("text", ["${RUN_ID}", "$RUN_ID", "a,$RUN_ID", "a, <run-id>"])
def test_a_placeholder_protects_nothing_and_is_a_fault(text: str) -> None:
    assert settings.protected({"PULLCORD_PROTECT": " a, ,B "}) == ["a", "B"]
    with pytest.raises(SettingsError) as caught:
        settings.protected({"PULLCORD_PROTECT": text})
    what = "this is a placeholder that was not filled in; write the value, or leave it out"
    assert caught.value.faults == (f"PULLCORD_PROTECT: {what}",)


def test_a_file_of_pullcords_own_that_gives_nothing_is_a_fault(file: Path) -> None:
    """Without its value, work would go unprotected."""
    told = "PULLCORD_PROTECT_FILE: there is nothing in the file that it names; write it, or unset this"
    for content in (None, " \n"):
        if content:
            file.write_text(content, encoding="utf-8")
        with pytest.raises(SettingsError) as caught:
            settings.protected({"PULLCORD_PROTECT_FILE": str(file)})
        assert caught.value.faults == (told,)
    file.write_text("a", encoding="utf-8")
    assert settings.protected({"PULLCORD_PROTECT_FILE": str(file)}) == ["a"]


def test_a_placeholder_names_no_host() -> None:
    with pytest.raises(SettingsError) as caught:
        read({"PULLCORD_PLAIN_HTTP": "${HOSTS}"})
    what = "this is a placeholder that was not filled in; write the value, or leave it out"
    assert caught.value.faults == (f"PULLCORD_PLAIN_HTTP: {what}",)


@given(st.text("htps:/@.?#[]\\ a1%{}\n", max_size=20).map("http".__add__) | st.text())
def test_any_text_is_a_url_or_told_why_not(url: str) -> None:
    assert isinstance(url_faults(url), list)


@pytest.mark.parametrize("slug", ["acme", "a", "A-1", "a" * 63])
def test_a_host_label_fills_a_variable_of_the_url(slug: str) -> None:
    assert read({"DEPOT_TENANT": slug}).base_url == f"https://{slug}.depot.example/api"


@pytest.mark.parametrize(
    "slug", ["a.b", "evil.example/", "x@evil", "-a", "a-", "a_b", "a b", "é", "a" * 64, "evil.example#", "{tenant}"]
)
def test_anything_else_is_refused(slug: str) -> None:
    told = ["DEPOT_TENANT: this is no part of a host name; write letters, digits and hyphens"]
    assert faults({"DEPOT_TENANT": slug}) == told


def test_a_headers_value_must_fit_its_pattern() -> None:
    told = ["DEPOT_YARD: the value must match ^y[0-9]+$; correct it, or unset DEPOT_YARD"]
    assert faults({"DEPOT_YARD": "yard 7"}) == told
    assert faults({"DEPOT_YARD": "y7\nX-Evil: 1"}) == told


def test_every_fault_is_told_at_once(file: Path) -> None:
    file.write_text(HIDDEN, encoding="utf-8")
    environ = {
        "DEPOT_KEY": "two words",
        "DEPOT_KEY_FILE": str(file),
        "DEPOT_TENANT": "a.b",
        "DEPOT_YARD": "z",
    }
    assert faults(environ) == [
        "DEPOT_KEY and DEPOT_KEY_FILE are both set; keep one",
        "DEPOT_TENANT: this is no part of a host name; write letters, digits and hyphens",
        "DEPOT_YARD: the value must match ^y[0-9]+$; correct it, or unset DEPOT_YARD",
    ]


def test_the_faults_of_one_platform_keep_no_other_from_work() -> None:
    found = settings.read(shipped(), {"EVERRUNS_ORG_ID": "acme", "EVERRUNS_API_KEY": HIDDEN, "XPANDER_API_KEY": HIDDEN})
    (fault,) = found["everruns"].faults
    assert fault.startswith("EVERRUNS_ORG_ID: the value must match ")
    assert found["everruns"].obstacle == fault
    assert found["everruns"].remedy == f"Correct this where pullcord is started: {fault}."
    assert found["xpander"].obstacle is None


def test_what_is_wrong_and_what_is_missing_are_told_together() -> None:
    assert read({"DEPOT_YARD": "z"}).obstacle == (
        "DEPOT_YARD: the value must match ^y[0-9]+$; correct it, or unset DEPOT_YARD;"
        " DEPOT_KEY and DEPOT_TENANT are not set"
    )


def test_a_url_with_a_fault_leads_nowhere() -> None:
    assert read({"DEPOT_URL": "http://depot.example", "DEPOT_KEY": HIDDEN}).base_url == "{DEPOT_URL}"


def test_every_platform_has_settings_of_its_own() -> None:
    found = settings.read(shipped(), {"XPANDER_API_KEY": HIDDEN})
    assert {name: each.missing for name, each in found.items()} == {
        "everruns": ("EVERRUNS_API_KEY",),
        "evershell": ("EVERSHELL_API_KEY", "EVERSHELL_SLUG"),
        "xpander": (),
    }


# Keys that requests bring


def test_keys_may_come_with_each_request_instead() -> None:
    found = settings.read(DEPOT, {"DEPOT_TENANT": "acme"}, brought=True)["depot"]
    assert (found.key, found.key_source, found.missing) == (None, "Depot-Key", ())
    carrying = found.carrying({"Depot-Key": [HIDDEN]}.__getitem__)
    assert carrying.key is not None
    assert carrying.key.get_secret_value() == HIDDEN
    assert carrying.missing == ()
    assert carrying.remedy == "Check the key in the request's header Depot-Key."
    assert HIDDEN not in repr(carrying)


@pytest.mark.parametrize(
    "keys", [[], ["one", "two"], [""], ["two words"], ["é"], ["a\nb"], ["${DEPOT_KEY}"], ["sk_..."]]
)
def test_a_request_without_one_sound_key_has_none(keys: list[str]) -> None:
    found = settings.read(DEPOT, {"DEPOT_TENANT": "acme"}, brought=True)["depot"].carrying(lambda _: keys)
    assert (found.key, found.missing) == (None, ("Depot-Key",))
    assert found.obstacle == "the request brings no key in its header Depot-Key"
    assert found.remedy == "Send the key in the request's header Depot-Key."


def test_what_a_request_lacks_and_what_the_server_lacks_are_told_apart() -> None:
    found = settings.read(DEPOT, {}, brought=True)["depot"].carrying(lambda _: [])
    assert found.missing == ("Depot-Key", "DEPOT_TENANT")
    assert found.obstacle == "the request brings no key in its header Depot-Key; DEPOT_TENANT is not set"
    assert found.remedy == (
        "Send the key in the request's header Depot-Key. Set DEPOT_TENANT where pullcord is started."
    )


def test_keys_that_requests_bring_are_not_set_beforehand_too() -> None:
    told = "DEPOT_KEY is set, but with --caller-keys each request brings its own; unset it"
    found = settings.read(DEPOT, {"DEPOT_KEY": HIDDEN, "DEPOT_TENANT": "acme"}, brought=True)["depot"]
    assert found.faults == (told,)
    assert found.carrying({"Depot-Key": [HIDDEN]}.__getitem__).obstacle == told


def test_what_to_do_is_told_with_the_variables_to_set() -> None:
    assert read({}).remedy == "Set DEPOT_KEY and DEPOT_TENANT where pullcord is started."
    configured = read({"DEPOT_KEY": HIDDEN, "DEPOT_TENANT": "acme"})
    assert configured.remedy == "Check the key in DEPOT_KEY where pullcord is started."
    unreachable = settings.read(DEPOT, {}, brought=True)["depot"]
    assert unreachable.remedy == "Set DEPOT_TENANT where pullcord is started."


def test_only_variables_that_a_platform_is_said_to_read_are_read() -> None:
    class Watched(dict[str, str]):
        names: set[str] = set()  # noqa: RUF012 - of this one test

        def get(self, name: str, default: str = "") -> str:  # type: ignore[override]  # all that is called here
            self.names.add(name)
            return super().get(name, default)

    operations = {**shipped(), **DEPOT}
    settings.read(operations, Watched())
    named = {
        each.name
        for platform in settings.platforms(operations).values()
        for each in variables(platform, operations.values())
    }
    assert Watched.names == {f"{name}{end}" for name in {*named, "PULLCORD_PLAIN_HTTP"} for end in ("", "_FILE")}


def test_places_to_look_in_are_named_by_a_variable() -> None:
    operations = depot(
        (
            "items: $response.body#/runs\n",
            "items: $response.body#/runs\n        places: {env: DEPOT_LINES, fills: [line]}\n",
        )
    )
    assert settings.read(operations, {"DEPOT_LINES": "a,b"})["depot"].values == {"DEPOT_LINES": "a,b"}
    (places,) = [
        each for each in variables(operations["get_run"].platform, operations.values()) if "LINES" in each.name
    ]
    assert places == ("DEPOT_LINES", "{line} of list_runs", "Where Depot - list runs looks, with commas.")


def test_what_gave_each_value_is_known(file: Path) -> None:
    file.write_text(HIDDEN, encoding="utf-8")
    found = read({"DEPOT_KEY_FILE": str(file), "DEPOT_TENANT": "a.b", "DEPOT_YARD": ""})
    assert found.sources == {"DEPOT_KEY": "DEPOT_KEY_FILE", "DEPOT_TENANT": "DEPOT_TENANT"}
