"""Manifests to a catalogue: the only room that speaks OpenAPI (3.1, https://spec.openapis.org/oas/v3.1.1.html).

A stated subset is read, the tables below; anything outside it is refused by name. Response and component schemas are
documentation: they are not read here. A file is answered with all its faults at once.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pullcord import keywords
from pullcord.document import parse
from pullcord.errors import ManifestError
from pullcord.operation import (
    REASON,
    Catalogue,
    Json,
    Key,
    Operation,
    Outcome,
    Parameter,
    Place,
    Platform,
    Pointer,
    Response,
    Source,
)
from pullcord.pointer import escape, look_up
from pullcord.spot import Spot

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
_METHODS = ("get", "put", "post", "patch", "delete")
_PLATFORM_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
_STATUS = re.compile(r"[1-5][0-9][0-9]|[1-5]XX|default")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_TEMPLATE = re.compile(r"\{([^{}]*)\}")
_PLACES = (Place.PATH, Place.QUERY, Place.HEADER)
_SCHEMA_TYPES = ("string", "integer", "boolean")


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
        twice = sorted(names & homes.keys())
        faults.extend(f"{path.name}: {name} is also in {homes[name]}; rename one of the two" for name in twice)
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
    root = Spot(document, SUBSET, faults, document.value)
    members = root.members("document")
    if not faults or members.keys() >= {"paths", "servers", "security", "x-platform", "info"}:
        operations = _operations(members["paths"], _platform(root, members))
        if not faults:
            return operations
    raise ManifestError(faults)


def _platform(root: Spot, members: Mapping[str, Spot]) -> Platform:
    if "openapi" in members:
        members["openapi"].text(re.compile(r"3\.1\.\d+"), "3.1.0")
    name = members["x-platform"].text(_PLATFORM_NAME, "a short lower-case name")
    info = members["info"].members("info")
    title = info["title"].text() if "title" in info else name
    url, url_env, variables = _server(members["servers"])
    actions = members["x-actions"].value if "x-actions" in members else None
    pointer: Pointer | None = None
    if actions is not None:
        expression = keywords.expression(members["x-actions"], ())
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
        problem={member: keywords.expression(spot, ()) for member, spot in problem.items()},
        actions=pointer,
    )


def _server(spot: Spot) -> tuple[str, str, dict[str, str]]:
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


def _env(spot: Spot) -> str:
    return spot.text(_VARIABLE, "an environment variable's name in capitals")


def _key(root: Spot, security: Spot) -> Key:
    none = Key("", "", "", "")
    names = [name for requirement in security.items() for name in requirement.named()]
    scheme = look_up(root.document.value, f"/components/securitySchemes/{escape(names[0])}") if names else None
    if len(names) != 1 or scheme is None:
        security.fault("one security scheme is expected, and it must stand in components; write - key: []")
        return none
    pointer = f"/components/securitySchemes/{escape(names[0])}"
    spot = root.at(pointer, scheme)
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


def _operations(paths: Spot, platform: Platform) -> list[Operation]:
    operations: dict[str, Operation] = {}
    spots: dict[str, Spot] = {}
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
                    f"operationId {operation.id} is also {first.method} {first.path} in this file; rename one of them"
                )
            operations[operation.id] = operation
            spots[operation.id] = item[method]
    for operation in operations.values():
        keywords.check_links(operation, operations, spots[operation.id])
    return list(operations.values())


def _operation(spot: Spot, method: str, path: str, shared: Sequence[Spot], platform: Platform) -> Operation | None:
    members = spot.members("operation")
    if not members.keys() >= {"operationId", "summary", "description", "responses"}:
        return None
    own = members["parameters"].items() if "parameters" in members else []
    parameters = _parameters([*shared, *own])
    _check_path(spot, path, parameters)
    cancel = keywords.cancel(members["x-cancel"], parameters) if "x-cancel" in members else None
    listing = keywords.listing(members["x-list"], parameters) if "x-list" in members else None
    if (cancel is None) != (method == "get"):
        spot.fault("an operation with x-cancel is no get, and one without it must be a get")
    description = members["description"].text()
    if len(description) > DESCRIPTION_LIMIT:
        members["description"].fault(f"{len(description)} characters are too many; write at most {DESCRIPTION_LIMIT}")
    names = [parameter.name for parameter in parameters if parameter.env is None]
    added = [each for each in keywords.added(cancel, listing) if each.name != REASON or REASON not in names]
    for name in {each.name for each in added} & set(names):
        spot.fault(f"a parameter is called {name}, which pullcord adds itself; call it something else")
    return Operation(
        id=members["operationId"].text(keywords.TOOL_NAME, "a tool name: 1 to 64 of A-Z a-z 0-9 _ -"),
        platform=platform,
        title=members["summary"].text(),
        description=description,
        method=method.upper(),
        path=path,
        parameters=(*parameters, *added),
        responses=_responses(members["responses"], parameters),
        expose=tuple(item.pointer_text() for item in members["x-expose"].items()) if "x-expose" in members else (),
        state=keywords.state(members["x-state"]) if "x-state" in members else None,
        cancel=cancel,
        listing=listing,
    )


def _check_path(spot: Spot, path: str, parameters: Sequence[Parameter]) -> None:
    named = _TEMPLATE.findall(path)
    declared = [parameter.wire for parameter in parameters if parameter.place is Place.PATH]
    for name in named:
        if name not in declared:
            spot.fault(f"the path names {{{name}}}, which no parameter describes; add one with in: path")
    for name in declared:
        if name not in named:
            spot.fault(f"the parameter {name} is not in the path; write {{{name}}} there, or leave it out")


def _parameters(spots: Sequence[Spot]) -> tuple[Parameter, ...]:
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


def _schema(spot: Spot) -> dict[str, Json]:
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


def _responses(spot: Spot, parameters: Sequence[Parameter]) -> dict[str, Response]:
    responses: dict[str, Response] = {}
    for status, response in spot.named().items():
        if not _STATUS.fullmatch(status):
            response.fault(f"{status} is no status; write 200, 2XX or default")
        members = response.members("response")
        responses[status] = Response(
            outcomes=keywords.rules(members["x-outcomes"], "outcome", Outcome) if "x-outcomes" in members else (),
            links=keywords.links(members["links"], parameters) if "links" in members else (),
        )
    return responses
