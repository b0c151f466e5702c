"""Manifests to a catalogue: the only room that speaks OpenAPI (3.1, https://spec.openapis.org/oas/v3.1.1.html).

A stated subset is read, the tables below; anything outside it is refused by name. Response and component schemas are
documentation: they are not read here. A file is answered with all its faults at once.
"""

import difflib
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from pullcord.document import Document, parse
from pullcord.errors import ManifestError
from pullcord.operation import (
    Cancel,
    Catalogue,
    Condition,
    Expression,
    Json,
    Key,
    Link,
    Listing,
    Operation,
    Outcome,
    Pages,
    PageStyle,
    Parameter,
    Phase,
    Place,
    Platform,
    Pointer,
    Poll,
    Response,
    Rule,
    Source,
    State,
    Target,
    Word,
    WorkStopped,
)
from pullcord.pointer import escape, look_up

SUBSET: Mapping[str, str] = {
    "document": "openapi! info! x-platform! servers! security! paths! externalDocs components tags x-actions x-problem",
    "info": "title! version! summary description license contact",
    "server": "url! x-env! description variables",
    "server variable": "default! x-env! description enum",
    "components": "parameters responses links securitySchemes schemas headers examples",
    "security scheme": "type! description! x-env! scheme name in bearerFormat",
    "path": "get put post patch delete parameters summary description",
    "operation": "operationId! summary! description! responses! externalDocs tags parameters"
    " x-cancel x-state x-expose x-list",
    "parameter": "name! in! schema! description! required example examples x-env x-argument",
    "parameter schema": "type! pattern enum minimum maximum minLength maxLength default examples",
    "response": "description! content headers links x-outcomes",
    "link": "operationId! description! parameters x-rel x-when x-each x-note",
    "x-cancel": "aim! confirm target poll",
    "target": "operationId! parameters! when! name! at!",
    "poll": "first! most!",
    "x-state": "at! phases",
    "x-list": "items! expose! pages! state links",
    "pages": "style! at size total",
    "x-when": "outcome phase body",
    "outcome rule": "outcome! when note work_stopped",
    "phase rule": "phase! when",
    "x-problem": "type title status detail code instance retry_after_seconds request_id",
}
"""What may stand where; ! marks what must. The README shows this table."""

DESCRIPTION_LIMIT = 1000
"""Characters of a tool's description: beyond 1,024 some hosts refuse the tool."""
WAIT_SECONDS = "wait_seconds"
REASON = "reason"
EXPECT = "expect_"
"""Before the name of a target: the argument that makes a cancel conditional."""

_METHODS = ("get", "put", "post", "patch", "delete")
_TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PLATFORM_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_REL = re.compile(r"[a-z][a-z0-9-]{0,31}")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
_STATUS = re.compile(r"[1-5][0-9][0-9]|[1-5]XX|default")
_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)*")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_TEMPLATE = re.compile(r"\{([^{}]*)\}")
_EXPRESSION = re.compile(
    r"\$(?:request\.(?P<place>path|query|header)\.(?P<argument>[^#]+)"
    r"|response\.header\.(?P<header>[^#]+)|response\.body#(?P<body>.*)|item#(?P<item>.*)|target\.(?P<target>.+))"
)
_WORK_STOPPED: Mapping[str, WorkStopped] = {"yes": "yes", "no": "no", "unknown": "unknown"}
_PLACES = (Place.PATH, Place.QUERY, Place.HEADER)
_SCHEMA_TYPES = ("string", "integer", "boolean")

Choice = TypeVar("Choice", bound=StrEnum)


class _Spot:
    """A value in a manifest, and where it stands: every fault is noted with the place that it was found at."""

    __slots__ = ("document", "faults", "pointer", "value")

    def __init__(self, document: Document, value: Json, pointer: Pointer, faults: list[str]) -> None:
        self.document = document
        self.value = value
        self.pointer = pointer
        self.faults = faults

    def fault(self, what: str) -> None:
        at = self.pointer or "/"
        fault = f"{self.document.name}:{self.document.line(self.pointer)} {at}: {what}"
        if fault not in self.faults:  # a $ref is read once for each place that names it
            self.faults.append(fault)

    def _child(self, name: str, value: Json) -> "_Spot":
        return _Spot(self.document, value, f"{self.pointer}/{escape(name)}", self.faults)

    def resolved(self) -> "_Spot":
        """What a $ref names, or the spot itself."""
        spot = self
        for _ in range(8):
            if not isinstance(spot.value, dict) or "$ref" not in spot.value:
                return spot
            ref = spot.value["$ref"]
            if len(spot.value) > 1:
                spot.fault("other keys beside $ref are not supported; write them where the $ref points")
            target = look_up(self.document.value, ref[1:]) if isinstance(ref, str) and ref[:2] == "#/" else None
            if target is None:
                spot.fault("this $ref names nothing in this file; write #/components/...")
                break
            spot = _Spot(self.document, target, str(ref)[1:], self.faults)
        else:
            self.fault("this $ref goes in a circle, or too deep; write the thing itself")
        return _Spot(self.document, {}, spot.pointer, [])

    def members(self, kind: str) -> dict[str, "_Spot"]:
        """The members of an object of a kind in SUBSET."""
        spot = self.resolved()
        required = {key[:-1] for key in SUBSET[kind].split() if key.endswith("!")}
        allowed = [key.rstrip("!") for key in SUBSET[kind].split()]
        members = spot.named()
        for key, member in members.items():
            if key not in allowed:
                member.fault(f"{key} is not supported in a {kind}; {_nearest(key, allowed)}")
        for key in sorted(required - members.keys()):
            spot.fault(f"{key} is missing; a {kind} needs it")
        return {key: member for key, member in members.items() if key in allowed}

    def named(self) -> dict[str, "_Spot"]:
        """The members of an object, whatever their names."""
        if not isinstance(self.value, dict):
            self.fault("an object is expected here; write keys and values")
            return {}
        return {name: self._child(name, value) for name, value in self.value.items()}

    def items(self) -> list["_Spot"]:
        if not isinstance(self.value, list):
            self.fault("a list is expected here; write [...]")
            return []
        return [self._child(str(index), value) for index, value in enumerate(self.value)]

    def text(self, pattern: re.Pattern[str] | None = None, instead: str = "") -> str:
        if not isinstance(self.value, str) or not self.value:
            self.fault("a text is expected here; write one, in quotes if it looks like something else")
            return ""
        if pattern and not pattern.fullmatch(self.value):
            self.fault(f"{self.value!r} does not fit; write {instead}")
        return self.value

    def flag(self) -> bool:
        if not isinstance(self.value, bool):
            self.fault("write true or false")
        return self.value is True

    def seconds(self) -> float:
        if isinstance(self.value, bool) or not isinstance(self.value, int | float) or self.value <= 0:
            self.fault("write seconds, more than 0")
            return 1.0
        return float(self.value)

    def choice(self, words: Sequence[str]) -> str:
        if self.value not in words:
            self.fault(f"{self.value!r} is none of the words; {_nearest(str(self.value), words)}")
            return words[0]
        return str(self.value)

    def pointer_text(self) -> Pointer:
        if not isinstance(self.value, str) or not _POINTER.fullmatch(self.value):
            self.fault(f"{self.value!r} is no JSON Pointer; write /name, /outer/inner, or an empty text for the whole")
            return ""
        return self.value


def _nearest(word: str, words: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.5)
    return f"write {near[0]}" if near else f"write one of {', '.join(words)}"


def shipped() -> list[Path]:
    """The manifests that come with pullcord: in the installed package, else in the checkout that it runs from."""
    here = Path(__file__).parent
    installed = here / "manifests"
    folder = installed if installed.is_dir() else here.parents[1] / "manifests" / "platforms"
    return sorted(folder.glob("*.yaml"))


def load(paths: Iterable[Path]) -> Catalogue:
    """Read manifests into one catalogue.

    Args:
        paths: YAML files, each one platform's OpenAPI 3.1 document.

    Raises:
        ManifestError: with every fault of every file, each with its file and line.
    """
    faults: list[str] = []
    homes: dict[str, str] = {}
    catalogue: dict[str, Operation] = {}
    for path in paths:
        try:
            operations = read(path.name, path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            faults.append(f"{path}: this manifest can't be read: {reason}")
            continue
        except ManifestError as error:
            faults.extend(error.faults)
            continue
        names = {f"platform {operation.platform.name}" for operation in operations}
        names |= {f"operationId {operation.id}" for operation in operations}
        for name in sorted(names & homes.keys()):
            faults.append(f"{path.name}: {name} is also in {homes[name]}; rename one of the two")
        homes |= dict.fromkeys(names, path.name)
        catalogue |= {operation.id: operation for operation in operations}
    if faults:
        raise ManifestError(faults)
    return catalogue


def read(name: str, text: str) -> list[Operation]:
    """Read one manifest.

    Args:
        name: what to call the file in faults.
        text: its YAML.

    Raises:
        ManifestError: with every fault of the file.
    """
    document = parse(name, text)
    faults: list[str] = []
    root = _Spot(document, document.value, "", faults)
    members = root.members("document")
    if not faults or members.keys() >= {"paths", "servers", "security", "x-platform", "info"}:
        operations = _operations(members["paths"], _platform(root, members))
        if not faults:
            return operations
    raise ManifestError(faults)


def _platform(root: _Spot, members: Mapping[str, _Spot]) -> Platform:
    if "openapi" in members:
        members["openapi"].text(re.compile(r"3\.1\.\d+"), "3.1.0")
    name = members["x-platform"].text(_PLATFORM_NAME, "a short lower-case name")
    info = members["info"].members("info")
    title = info["title"].text() if "title" in info else name
    url, url_env, variables = _server(members["servers"])
    actions = members["x-actions"].value if "x-actions" in members else None
    pointer: Pointer | None = None
    if actions is not None:
        expression = _expression(members["x-actions"], ())
        pointer = str(expression.value)
        if expression.source is not Source.BODY:
            members["x-actions"].fault(
                "write where the actions stand in a body, such as $response.body#/allowed_actions"
            )
    problem = members["x-problem"].members("x-problem") if "x-problem" in members else {}
    return Platform(
        name=name,
        title=title,
        url=url,
        url_env=url_env,
        variables=variables,
        key=_key(root, members["security"]),
        problem={member: _expression(spot, ()) for member, spot in problem.items()},
        actions=pointer,
    )


def _server(spot: _Spot) -> tuple[str, str, dict[str, str]]:
    servers = spot.items()
    if len(servers) != 1:
        spot.fault("one server is expected; x-env lets users name another")
        return "", "", {}
    members = servers[0].members("server")
    if not members.keys() >= {"url", "x-env"}:
        return "", "", {}
    url = members["url"].text(re.compile(r"https://[^\s?#]*[^\s?#/]"), "an https address without a slash at its end")
    variables: dict[str, str] = {}
    for name, variable in members["variables"].named().items() if "variables" in members else ():
        inner = variable.members("server variable")
        variables[name] = _env(inner["x-env"]) if "x-env" in inner else ""
        if f"{{{name}}}" not in url:
            variable.fault(f"the url has no {{{name}}}; write it there, or leave the variable out")
    for name in _TEMPLATE.findall(url):
        if name not in variables:
            members["url"].fault(f"{{{name}}} is no variable; describe it under variables")
    return url, _env(members["x-env"]), variables


def _env(spot: _Spot) -> str:
    return spot.text(_VARIABLE, "an environment variable's name in capitals")


def _key(root: _Spot, security: _Spot) -> Key:
    none = Key("", "", "", "")
    names = [name for requirement in security.items() for name in requirement.named()]
    scheme = look_up(root.document.value, f"/components/securitySchemes/{escape(names[0])}") if names else None
    if len(names) != 1 or scheme is None:
        security.fault("one security scheme is expected, and it must stand in components; write - key: []")
        return none
    pointer = f"/components/securitySchemes/{escape(names[0])}"
    spot = _Spot(root.document, scheme, pointer, root.faults)
    members = spot.members("security scheme")
    if not members.keys() >= {"type", "description", "x-env"}:
        return none
    kind = [members[key].value for key in ("type", "scheme", "in") if key in members]
    header, prefix = "Authorization", "Bearer "
    if kind == ["apiKey", "header"] and "name" in members:
        header, prefix = members["name"].text(_HEADER, "a header's name"), ""
    elif kind != ["http", "bearer"]:
        spot.fault(
            "this scheme is not supported; write type http with scheme bearer, or type apiKey in header with name"
        )
    return Key(_env(members["x-env"]), header, prefix, members["description"].text())


def _operations(paths: _Spot, platform: Platform) -> list[Operation]:
    operations: dict[str, Operation] = {}
    spots: dict[str, _Spot] = {}
    for path, spot in paths.named().items():
        if not path.startswith("/"):
            spot.fault("a path starts with a slash")
        item = spot.members("path")
        shared = item["parameters"].items() if "parameters" in item else []
        for method in _METHODS:
            if method not in item:
                continue
            operation = _operation(item[method], method, path, shared, platform)
            if operation is None:
                continue
            if operation.id in operations:
                first = operations[operation.id]
                item[method].fault(
                    f"operationId {operation.id} is also {first.method} {first.path} in this file; rename one of the two"
                )
            operations[operation.id] = operation
            spots[operation.id] = item[method]
    for operation in operations.values():
        _check_links(operation, operations, spots[operation.id])
    return list(operations.values())


def _operation(spot: _Spot, method: str, path: str, shared: Sequence[_Spot], platform: Platform) -> Operation | None:
    members = spot.members("operation")
    if not members.keys() >= {"operationId", "summary", "description", "responses"}:
        return None
    own = members["parameters"].items() if "parameters" in members else []
    parameters = _parameters([*shared, *own])
    _check_path(spot, path, parameters)
    cancel = _cancel(members["x-cancel"], parameters) if "x-cancel" in members else None
    listing = _listing(members["x-list"], parameters) if "x-list" in members else None
    if (cancel is None) != (method == "get"):
        spot.fault("an operation with x-cancel is no get, and one without it must be a get")
    description = members["description"].text()
    if len(description) > DESCRIPTION_LIMIT:
        members["description"].fault(f"{len(description)} characters are too many; write at most {DESCRIPTION_LIMIT}")
    names = [parameter.name for parameter in parameters if parameter.env is None]
    added = [each for each in _added(cancel, listing) if each.name != REASON or REASON not in names]
    for name in {each.name for each in added} & set(names):
        spot.fault(f"a parameter is called {name}, which pullcord adds itself; call it something else")
    return Operation(
        id=members["operationId"].text(_TOOL_NAME, "a tool name: 1 to 64 of A-Z a-z 0-9 _ -"),
        platform=platform,
        title=members["summary"].text(),
        description=description,
        method=method.upper(),
        path=path,
        parameters=(*parameters, *added),
        responses=_responses(members["responses"], parameters),
        expose=tuple(item.pointer_text() for item in members["x-expose"].items()) if "x-expose" in members else (),
        state=_state(members["x-state"]) if "x-state" in members else None,
        cancel=cancel,
        listing=listing,
    )


def _added(cancel: Cancel | None, listing: Listing | None) -> Iterator[Parameter]:
    """The arguments that pullcord itself heeds."""
    if cancel and cancel.confirm:
        what = "Seconds to watch until the work has really ended; 0 returns at once."
        yield _local(WAIT_SECONDS, {"type": "integer", "minimum": 0, "maximum": 300, "default": 0}, what)
    if cancel and cancel.target:
        what = f"Cancel only if this is the {cancel.target.name} that runs now."
        yield _local(EXPECT + cancel.target.name, {"type": "string", "minLength": 1, "maxLength": 256}, what)
    if cancel:
        yield _local(REASON, {"type": "string", "maxLength": 300}, "Why, for the record; no secrets.")
    if listing and listing.pages.style is PageStyle.WHOLE:
        yield _local("offset", {"type": "integer", "minimum": 0, "default": 0}, "Items to skip.")


def _local(name: str, schema: dict[str, Json], description: str) -> Parameter:
    return Parameter(name, Place.LOCAL, required=False, description=description, schema=schema, wire=name)


def _cancel(spot: _Spot, parameters: Sequence[Parameter]) -> Cancel:
    members = spot.members("x-cancel")
    aim = members["aim"].choice(["task", "current"]) if "aim" in members else "current"
    poll = members["poll"].members("poll") if "poll" in members else {}
    return Cancel(
        "task" if aim == "task" else "current",
        members["confirm"].text(_REL, "a link's name") if "confirm" in members else None,
        _target(members["target"], parameters) if "target" in members else None,
        Poll(poll["first"].seconds(), poll["most"].seconds()) if len(poll) == len(Poll.__slots__) else Poll(),
    )


def _target(spot: _Spot, parameters: Sequence[Parameter]) -> Target | None:
    members = spot.members("target")
    if not members.keys() >= {"operationId", "parameters", "when", "name", "at"}:
        return None
    return Target(
        operation_id=members["operationId"].text(),
        arguments=_arguments(members["parameters"], parameters),
        when=_when(members["when"]),
        name=members["name"].text(_TOOL_NAME, "a name for the found id, such as task_id"),
        at=members["at"].pointer_text(),
    )


def _check_path(spot: _Spot, path: str, parameters: Sequence[Parameter]) -> None:
    named = _TEMPLATE.findall(path)
    declared = [parameter.wire for parameter in parameters if parameter.place is Place.PATH]
    for name in named:
        if name not in declared:
            spot.fault(f"the path names {{{name}}}, which no parameter describes; add one with in: path")
    for name in declared:
        if name not in named:
            spot.fault(f"the parameter {name} is not in the path; write {{{name}}} there, or leave it out")


def _parameters(spots: Sequence[_Spot]) -> tuple[Parameter, ...]:
    found: dict[tuple[str, Place], Parameter] = {}
    for spot in spots:
        members = spot.members("parameter")
        if not members.keys() >= {"name", "in", "schema", "description"}:
            continue
        wire = members["name"].text()
        place = Place(members["in"].choice(_PLACES))
        required = "required" in members and members["required"].flag()
        if place is Place.PATH and not required:
            spot.fault(f"{wire} stands in the path; write required: true")
        if place is Place.HEADER and "x-env" not in members and "x-argument" not in members:
            spot.fault(f"the header {wire} has no source; write x-env (a setting) or x-argument (reason)")
        name = members["x-argument"].choice(["reason"]) if "x-argument" in members else wire
        found[wire, place] = Parameter(
            name=name,
            place=place,
            required=required,
            description=members["description"].text(),
            schema=_schema(members["schema"]),
            wire=wire,
            env=_env(members["x-env"]) if "x-env" in members else None,
        )
    return tuple(found.values())


def _schema(spot: _Spot) -> dict[str, Json]:
    members = spot.members("parameter schema")
    if "type" in members:
        members["type"].choice(_SCHEMA_TYPES)
    if "pattern" in members:
        try:
            re.compile(members["pattern"].text())
        except re.error as error:
            members["pattern"].fault(f"this is no regular expression: {error}; write one that Python reads too")
    for key in ("minimum", "maximum", "minLength", "maxLength"):
        if key in members and (isinstance(members[key].value, bool) or not isinstance(members[key].value, int)):
            members[key].fault("write a whole number")
    if "enum" in members:
        members["enum"].items()
    return {key: member.value for key, member in members.items()}


def _responses(spot: _Spot, parameters: Sequence[Parameter]) -> dict[str, Response]:
    responses: dict[str, Response] = {}
    for status, response in spot.named().items():
        if not _STATUS.fullmatch(status):
            response.fault(f"{status} is no status; write 200, 2XX or default")
        members = response.members("response")
        responses[status] = Response(
            outcomes=_rules(members["x-outcomes"], "outcome", Outcome) if "x-outcomes" in members else (),
            links=_links(members["links"], parameters) if "links" in members else (),
        )
    return responses


def _state(spot: _Spot) -> State:
    members = spot.members("x-state")
    at = members["at"].pointer_text() if "at" in members else ""
    return State(at, _rules(members["phases"], "phase", Phase) if "phases" in members else ())


def _listing(spot: _Spot, parameters: Sequence[Parameter]) -> Listing | None:
    members = spot.members("x-list")
    if not members.keys() >= {"items", "expose", "pages"}:
        return None
    items = _expression(members["items"], ())
    if items.source is not Source.BODY:
        members["items"].fault("write where the items stand in a body, such as $response.body#/items")
    return Listing(
        items=str(items.value),
        expose=tuple(item.pointer_text() for item in members["expose"].items()),
        pages=_pages(members["pages"], parameters),
        state=_state(members["state"]) if "state" in members else None,
        links=_links(members["links"], parameters, of_items=True) if "links" in members else (),
    )


def _pages(spot: _Spot, parameters: Sequence[Parameter]) -> Pages:
    members = spot.members("pages")
    style = PageStyle(members["style"].choice(list(PageStyle))) if "style" in members else PageStyle.WHOLE
    needed = {"at", "size", "total"} if style in {PageStyle.PAGE, PageStyle.OFFSET} else set()
    for name in sorted(needed - members.keys()):
        spot.fault(f"{name} is missing; pages of the style {style} need it")
    if style is PageStyle.LIMIT and "size" not in members:
        spot.fault("size is missing; pages of the style limit need it")
    known = [parameter.name for parameter in parameters if parameter.place is Place.QUERY]
    return Pages(
        style=style,
        at=members["at"].choice(known) if "at" in members else "offset",
        size=members["size"].choice(known) if "size" in members else None,
        total=members["total"].pointer_text() if "total" in members else None,
    )


def _rules(spot: _Spot, key: str, words: type[Word]) -> tuple[Rule[Word], ...]:
    rules: list[Rule[Word]] = []
    for item in spot.items():
        members = item.members(f"{key} rule")
        if key not in members:
            continue
        rule = Rule(
            word=words(members[key].choice(list(words))),
            when=_when(members["when"]) if "when" in members else (),
            note=members["note"].text() if "note" in members else None,
            work_stopped=_WORK_STOPPED[members["work_stopped"].choice(list(_WORK_STOPPED))]
            if "work_stopped" in members
            else None,
        )
        if _covered(rule, rules):
            item.fault("this rule can never be reached: the rules before it fit first; move it up, or leave it out")
        rules.append(rule)
    return tuple(rules)


def _when(spot: _Spot) -> Condition:
    conditions: list[tuple[Pointer, tuple[Json, ...]]] = []
    for pointer, values in spot.named().items():
        if not _POINTER.fullmatch(pointer):
            values.fault(f"{pointer!r} is no JSON Pointer; write /{pointer.strip('/')}")
        if not values.items():
            values.fault("no value could ever fit; write the values that do")
        conditions.append((pointer, tuple(item.value for item in values.items())))
    return tuple(conditions)


def _covered(rule: Rule[Word], earlier: Sequence[Rule[Word]]) -> bool:
    """Whether every body that fits the rule fits an earlier one first."""
    pointers = [pointer for pointer, _ in rule.when]
    rivals = [dict(other.when) for other in earlier if {pointer for pointer, _ in other.when} <= set(pointers)]
    return all(
        any(
            all(value in rival[at] for at, value in zip(pointers, body, strict=True) if at in rival) for rival in rivals
        )
        for body in itertools.product(*(values for _, values in rule.when))
    )


def _links(spot: _Spot, parameters: Sequence[Parameter], *, of_items: bool = False) -> tuple[Link, ...]:
    links: list[Link] = []
    for name, item in spot.named().items():
        members = item.members("link")
        if not members.keys() >= {"operationId", "description"}:
            continue
        when = members["x-when"].members("x-when") if "x-when" in members else {}
        links.append(
            Link(
                rel=members["x-rel"].text(_REL, "a link relation") if "x-rel" in members else name,
                operation_id=members["operationId"].text(),
                arguments=_arguments(members["parameters"], parameters, of_items="x-each" in members or of_items)
                if "parameters" in members
                else (),
                hint=members["description"].text(),
                outcomes=_words(when["outcome"], Outcome) if "outcome" in when else None,
                phases=_words(when["phase"], Phase) if "phase" in when else None,
                body=_when(when["body"]) if "body" in when else (),
                each=members["x-each"].pointer_text() if "x-each" in members else None,
                note=members["x-note"].text() if "x-note" in members else None,
            )
        )
        if not _REL.fullmatch(links[-1].rel):
            item.fault(f"{name} is no link relation; write a lower-case word, or give one with x-rel")
    return tuple(links)


def _arguments(
    spot: _Spot, parameters: Sequence[Parameter], *, of_items: bool = False
) -> tuple[tuple[str, Expression], ...]:
    return tuple((name, _expression(value, parameters, of_items=of_items)) for name, value in spot.named().items())


def _words(spot: _Spot, words: type[Choice]) -> frozenset[Choice]:
    return frozenset(words(item.choice(list(words))) for item in spot.items())


def _expression(spot: _Spot, parameters: Sequence[Parameter], *, of_items: bool = False) -> Expression:
    if not isinstance(spot.value, str) or not spot.value.startswith("$"):
        return Expression(Source.CONSTANT, spot.value)
    match = _EXPRESSION.fullmatch(spot.value)
    if match is None or (match["item"] is not None and not of_items):
        spot.fault(
            f"{spot.value!r} is no expression that pullcord reads; write $request.path.NAME, $request.query.NAME,"
            " $response.body#/POINTER or $response.header.NAME" + (", or $item#/POINTER" if of_items else "")
        )
        return Expression(Source.CONSTANT, None)
    if match["argument"] is not None:
        known = [parameter.wire for parameter in parameters if parameter.place == match["place"]]
        if match["argument"] not in known:
            spot.fault(
                f"this operation has no {match['place']} parameter {match['argument']}; "
                + (_nearest(match["argument"], known) if known else "read it from the body")
            )
        return Expression(Source.ARGUMENT, match["argument"])
    if match["header"] is not None:
        return Expression(Source.HEADER, match["header"].lower())
    if match["target"] is not None:
        return Expression(Source.TARGET, match["target"])
    source, pointer = (Source.BODY, match["body"]) if match["body"] is not None else (Source.ITEM, match["item"])
    if not _POINTER.fullmatch(pointer):
        spot.fault(f"{pointer!r} is no JSON Pointer; write #/name")
    return Expression(source, pointer)


def _check_links(operation: Operation, operations: Mapping[str, Operation], spot: _Spot) -> None:
    for what, operation_id, arguments in _calls(operation):
        called = operations.get(operation_id)
        if called is None:
            near = _nearest(operation_id, list(operations))
            spot.fault(f"{what} leads to {operation_id}, which is no operation of this file; {near}")
            continue
        names = [parameter.name for parameter in called.arguments]
        given = {name for name, _ in arguments}
        for name in sorted(given - set(names)):
            spot.fault(f"{what} gives {name}, which {called.id} doesn't take; {_nearest(name, names)}")
        for parameter in called.arguments:
            if parameter.required and parameter.name not in given:
                spot.fault(f"{what} doesn't give {parameter.name}, which {called.id} needs; add it")
    if operation.cancel:
        _check_cancel(operation, operation.cancel, operations, spot)


def _check_cancel(operation: Operation, cancel: Cancel, operations: Mapping[str, Operation], spot: _Spot) -> None:
    confirm = [operations.get(link.operation_id) for link in _links_of(operation) if link.rel == cancel.confirm]
    if cancel.confirm and not any(target and target.state and target.state.phases for target in confirm):
        spot.fault(
            f"confirm names {cancel.confirm}, which is no link to an operation with phases; write such a link's name"
        )
    if cancel.target and not (
        cancel.target.operation_id in operations and operations[cancel.target.operation_id].listing
    ):
        spot.fault("the target is looked up by an operation that is no list; write one with x-list")
    names = [cancel.target.name] if cancel.target else []
    for link in _links_of(operation):
        for name, expression in link.arguments:
            if expression.source is Source.TARGET and expression.value not in names:
                spot.fault(
                    f"the link {link.rel} reads {name} from a target that is not looked up; describe it in x-cancel"
                )


def _calls(operation: Operation) -> Iterator[tuple[str, str, tuple[tuple[str, Expression], ...]]]:
    """What an operation leads to: in words, by id, and with which arguments."""
    for link in _links_of(operation):
        yield f"the link {link.rel}", link.operation_id, link.arguments
    if operation.cancel and operation.cancel.target:
        yield "the target", operation.cancel.target.operation_id, operation.cancel.target.arguments


def _links_of(operation: Operation) -> Iterator[Link]:
    for response in operation.responses.values():
        yield from response.links
    if operation.listing:
        yield from operation.listing.links
