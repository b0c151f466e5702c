"""An OpenAPI document to operations (3.1, https://spec.openapis.org/oas/v3.1.1.html).

A stated subset is read, the tables below; anything outside it is refused by name. Response and component schemas are
documentation: they are not read here. A file is answered with all its faults at once.
"""

import re
from collections.abc import Mapping, Sequence

from pullcord.manifest import extensions as keywords
from pullcord.manifest.document import parse
from pullcord.manifest.extensions import Here
from pullcord.manifest.node import Node
from pullcord.model.arguments import fault_of, pattern_fault
from pullcord.model.operation import (
    REASON,
    Json,
    Key,
    Operation,
    Outcome,
    Parameter,
    Place,
    Platform,
    Response,
)
from pullcord.model.pointer import escape, look_up
from pullcord.model.url import url_faults

SUBSET: Mapping[str, str] = {
    "document": "openapi! info! x-platform! servers! security! paths! externalDocs components tags x-actions x-problem",
    "info": "title! version! summary description license contact",
    "server": "url! x-env! description variables",
    "server variable": "default! x-env! description enum",
    "components": "parameters responses links securitySchemes schemas headers examples",
    "security scheme": "type! description! x-env! scheme name in bearerFormat",
    "path": "get put post patch delete parameters summary description",
    "operation": "operationId! summary! description! responses! externalDocs tags parameters"
    " x-answers x-cancel x-state x-expose x-list",
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
_MEDIA = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(?:; ?[A-Za-z0-9_-]+=[A-Za-z0-9_.-]+)*")
_ARGUMENT = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_TEMPLATE = re.compile(r"\{([^{}]*)\}")
_PATH = re.compile(r"(?:/(?:\{[A-Za-z_][A-Za-z0-9_]{0,63}\}|(?!\.{1,2}(?:/|$))[A-Za-z0-9._~!$&'()*+,=:@-]+))+")
_PLACES = (Place.QUERY, Place.PATH, Place.HEADER)
_OWN_HEADERS = frozenset({
    "accept", "accept-encoding", "authorization", "connection", "content-length", "content-type", "host",
    "traceparent", "transfer-encoding", "user-agent", "x-request-id",
})  # fmt: skip
"""OpenAPI ignores some of these as parameters (3.1.1, 4.8.12.1); all are pullcord's own to send, or not to."""
_SCHEMAS: Mapping[str, frozenset[str]] = {
    "string": frozenset({"pattern", "enum", "minLength", "maxLength"}),
    "integer": frozenset({"minimum", "maximum"}),
    "boolean": frozenset(),
}
"""What may be said of values, by their type."""
_CANCEL_WORDS = [word for word in Outcome if word not in {Outcome.OBSERVED, Outcome.TARGET_CHANGED}]
_OBSERVE_WORDS = [
    Outcome.OBSERVED,
    Outcome.REFUSED,
    Outcome.NOT_FOUND,
    Outcome.DENIED,
    Outcome.INVALID_ARGUMENTS,
    Outcome.RATE_LIMITED,
    Outcome.UNAVAILABLE,
    Outcome.UNKNOWN,
]


def read_document(name: str, text: str, faults: list[str]) -> list[tuple[Operation, Node]]:
    """Read one manifest's text.

    Args:
        name: what to call the file in faults.
        text: its YAML.
        faults: filled with what is wrong with it.

    Returns:
        Its operations, each with its place in the file.

    Raises:
        ManifestError: it is no YAML that can be read at all.
    """
    document = parse(name, text)
    root = Node(document, SUBSET, faults, document.value)
    members = root.members("document")
    members["openapi"].text(re.compile(r"3\.1\.\d+"), "3.1.0")
    if "components" in members:
        members["components"].members("components")
    return _operations(members["paths"], _platform(root, members))


def _platform(root: Node, members: Mapping[str, Node]) -> Platform:
    url, url_env, variables = _server(members["servers"])
    problem = members["x-problem"].members("x-problem") if "x-problem" in members else {}
    return Platform(
        name=members["x-platform"].text(_PLATFORM_NAME, "a short lower-case name"),
        title=members["info"].members("info")["title"].text(),
        url=url,
        url_env=url_env,
        variables=variables,
        key=_key(root, members["security"]),
        problem={member: keywords.expression(node, Here("x-problem", [])) for member, node in problem.items()},
        actions=keywords.in_body(members["x-actions"], "allowed_actions") if "x-actions" in members else None,
    )


def _server(node: Node) -> tuple[str, str, dict[str, str]]:
    servers = node.items()
    if len(servers) != 1:
        node.fault("one server is expected; x-env lets users name another")
        return "", "", {}
    members = servers[0].members("server")
    url = members["url"].text()
    names = _TEMPLATE.findall(url)
    faults = url_faults(_TEMPLATE.sub("name", url))
    if url and (faults or not url.startswith("https:") or url.endswith("/")):
        members["url"].fault("this is no base URL; write https://host/path, without a slash at its end")
    variables: dict[str, str] = {}
    for name, variable in members["variables"].named().items() if "variables" in members else ():
        variables[name] = _env(variable.members("server variable")["x-env"])
        if name not in names:
            variable.fault(f"the url has no {{{name}}}; write it there, or leave the variable out")
    for name in names:
        if name not in variables:
            members["url"].fault(f"{{{name}}} is no variable; describe it under variables")
    return url, _env(members["x-env"]), variables


def _env(node: Node) -> str:
    return node.text(_VARIABLE, "an environment variable's name in capitals")


def _key(root: Node, security: Node) -> Key:
    names = [name for requirement in security.items() for name in requirement.named()]
    pointer = f"/components/securitySchemes/{escape(names[0])}" if names else ""
    if len(names) != 1 or look_up(root.document.value, pointer) is None:
        security.fault("one security scheme is expected, and it must stand in components; write - key: []")
        return Key("", "", "", "")
    node = root.at(pointer, look_up(root.document.value, pointer)).resolved()
    members = node.named()
    if "type" in members and members["type"].value not in ("http", "apiKey"):
        members["type"].fault(f"{members['type'].value} is not supported; write http (with scheme bearer) or apiKey")
        return Key("", "", "", "")
    members = node.members("security scheme")
    kind = members["type"].value
    header, prefix = "Authorization", "Bearer "
    if [kind, members.get("in", node).value] == ["apiKey", "header"] and "name" in members:
        header, prefix = members["name"].text(_HEADER, "a header's name"), ""
    elif [kind, members.get("scheme", node).value] != ["http", "bearer"]:
        node.fault(
            "this scheme is not supported; write type http with scheme bearer, or type apiKey with in header and a name"
        )
    return Key(_env(members["x-env"]), header, prefix, members["description"].text())


def _operations(paths: Node, platform: Platform) -> list[tuple[Operation, Node]]:
    found: list[tuple[Operation, Here, Node]] = []
    known: dict[str, Operation] = {}
    for path, node in paths.named().items():
        if not _PATH.fullmatch(path):
            node.fault(
                "this path can't be followed; write /word/{name}/word, where each {name} fills its part of the path"
                " and is a word of letters, digits and _"
            )
        item = node.members("path")
        shared = item["parameters"].items() if "parameters" in item else []
        for method in _METHODS:
            if method not in item:
                continue
            operation, here = _operation(item[method], method, path, shared, platform)
            first = known.setdefault(operation.id, operation) if operation.id else operation
            if first is not operation:
                item[method].at(f"{item[method].pointer}/operationId", None).fault(
                    f"{operation.id} is also {first.method} {first.path} in this file; rename one of the two"
                )
            for other, *_ in found:
                if other.path != path and _meet(operation, other):
                    node.fault(
                        f"with some arguments this path is {other.path}, the path of {other.id};"
                        " narrow the pattern of the parameter that makes it so"
                    )
            found.append((operation, here, item[method]))
    for operation, here, node in found:
        keywords.check_links(operation, here, known, node)
    if paths.value == {}:
        paths.fault("no operation is described; write one")
    return [(operation, node) for operation, _, node in found]


def _meet(one: Operation, other: Operation) -> bool:
    """Whether arguments could make both paths the same."""
    parts = list(zip(one.path.split("/"), other.path.split("/"), strict=False))
    return one.path.count("/") == other.path.count("/") and all(
        _can_be(one, left, right) or _can_be(other, right, left) for left, right in parts
    )


def _can_be(operation: Operation, part: str, word: str) -> bool:
    """Whether a part of a path can be a word of another."""
    schema = next((p.schema for p in operation.parameters if p.place is Place.PATH and part == f"{{{p.wire}}}"), None)
    return part == word if schema is None else word.startswith("{") or not fault_of(schema, word)


def _operation(
    node: Node, method: str, path: str, shared: Sequence[Node], platform: Platform
) -> tuple[Operation, Here]:
    members = node.members("operation")
    parameters = _parameters(shared, members["parameters"].items() if "parameters" in members else [])
    _check_path(node, path, parameters)
    operation_id = members["operationId"].text(keywords.TOOL_NAME, "a tool name: 1 to 64 of A-Z a-z 0-9 _ -")
    here = Here(operation_id or f"{method} {path}", [], parameters)
    cancel = keywords.cancel(members["x-cancel"], here) if "x-cancel" in members else None
    if cancel and cancel.target:
        here = here._replace(target=cancel.target.name)
    listing = keywords.listing(members["x-list"], here) if "x-list" in members else None
    if (cancel is None) != (method == "get"):
        node.fault("an operation with x-cancel is no get, and one without it must be a get")
    description = members["description"].text()
    if len(description) > DESCRIPTION_LIMIT:
        members["description"].fault(f"{len(description)} characters are too many; write at most {DESCRIPTION_LIMIT}")
    names = [parameter.name for parameter in parameters if parameter.env is None]
    added = [each for each in keywords.added(cancel, listing) if each.name != REASON or REASON not in names]
    for name in {each.name for each in added} & set(names):
        node.fault(f"a parameter is called {name}, which pullcord adds itself; call it something else")
    operation = Operation(
        id=operation_id,
        platform=platform,
        title=members["summary"].text(),
        description=description,
        method=method.upper(),
        path=path,
        parameters=(*parameters, *added),
        responses=_responses(members["responses"], here, _OBSERVE_WORDS if method == "get" else _CANCEL_WORDS),
        expose=keywords.exposed(members["x-expose"]) if "x-expose" in members else (),
        answers=keywords.answers(members["x-answers"], here) if "x-answers" in members else (),
        state=keywords.state(members["x-state"]) if "x-state" in members else None,
        cancel=cancel,
        listing=listing,
    )
    return operation, here


def _check_path(node: Node, path: str, parameters: Sequence[Parameter]) -> None:
    named = _TEMPLATE.findall(path)
    declared = [parameter.wire for parameter in parameters if parameter.place is Place.PATH]
    for name in dict.fromkeys(named):
        if name not in declared:
            node.fault(f"the path names {{{name}}}, which no parameter describes; add one with in: path")
        if named.count(name) > 1:
            node.fault(f"the path names {{{name}}} twice; give each its own name")
    for name in declared:
        if name not in named:
            node.fault(f"the parameter {name} is not in the path; write {{{name}}} there, or leave it out")


def _parameters(shared: Sequence[Node], own: Sequence[Node]) -> tuple[Parameter, ...]:
    """The parameters of an operation: its path's, each replaced by its own of the same name and place."""
    found: dict[tuple[str, Place], Parameter] = {}
    for nodes in (shared, own):
        level: dict[tuple[str, Place], Parameter] = {}
        for node in nodes:
            parameter = _parameter(node)
            if (parameter.wire, parameter.place) in level:
                node.fault(f"the {parameter.place} parameter {parameter.wire} stands here twice; keep one")
            level[parameter.wire, parameter.place] = parameter
            names = [each.name for key, each in (found | level).items() if not each.env]
            if not parameter.env and names.count(parameter.name) > 1:
                node.fault(f"two parameters are given by the argument {parameter.name}; an agent can't tell them apart")
        found |= level
    return tuple(found.values())


def _parameter(node: Node) -> Parameter:
    members = node.members("parameter")
    place = Place(members["in"].choice(_PLACES))
    header = place is Place.HEADER
    wire = members["name"].text(_HEADER if header else _ARGUMENT, "a header's name" if header else "A-Z a-z 0-9 _ . -")
    required = "required" in members and members["required"].flag()
    sources = members.keys() & {"x-env", "x-argument"}
    if place is Place.PATH and ("required" not in members or members["required"].value is False):
        node.fault(f"{wire} stands in the path; write required: true")
    if header and len(sources) != 1:
        node.fault(f"the header {wire} needs one source; write x-env (a setting) or x-argument (reason)")
    if header and wire.lower() in _OWN_HEADERS:
        node.fault(f"{wire} is no parameter; leave it out, since pullcord sends it itself")
    if not header and sources:
        node.fault(f"{' and '.join(sorted(sources))} only fills headers; leave it out")
    if required and "x-env" in members:
        members["required"].fault("a setting is never required; leave this out")
    schema = _schema(members["schema"])
    if schema["type"] != "string" and place is not Place.QUERY:
        members["schema"].fault("only a query takes other types than string; write type: string, with a pattern")
    return Parameter(
        name=members["x-argument"].choice([REASON]) if "x-argument" in members else wire,
        place=place,
        required=required,
        description=members["description"].text(),
        schema=schema,
        wire=wire,
        env=_env(members["x-env"]) if "x-env" in members else None,
    )


def _schema(node: Node) -> dict[str, Json]:
    """A parameter's schema, as far as it is sound."""
    members = node.members("parameter schema")
    kind = members["type"].choice(list(_SCHEMAS))
    schema: dict[str, Json] = {"type": kind}
    for key, member in members.items():
        if key in {"type", "default", "examples"}:
            continue
        if key not in _SCHEMAS[kind]:
            member.fault(f"{key} says nothing of the type {kind}; leave it out")
        elif "enum" in members and key != "enum":
            member.fault("the enum says all; leave this out")
        elif fault := _keyword_fault(key, member.value):
            member.fault(fault)
        else:
            schema[key] = member.value
    for least, most in (("minimum", "maximum"), ("minLength", "maxLength")):
        match schema.get(least), schema.get(most):
            case int() as low, int() as high if low > high:
                members[least].fault(f"no value is {low} or more and {high} or less; write {high} or less")
    shown = [members["default"]] if "default" in members else []
    shown += members["examples"].items() if "examples" in members else []
    for each in shown:
        if fault := fault_of(schema, each.value):
            each.fault(f"this {fault}; write a value that fits the schema, or leave it out")
    return schema | {key: members[key].value for key in ("default", "examples") if key in members}


def _keyword_fault(key: str, value: Json) -> str | None:
    """What is wrong with a keyword of a schema, and what to write instead."""
    match key, value:
        case "pattern", str() if value:
            return pattern_fault(value)
        case "pattern", _:
            return "write a regular expression, in quotes"
        case "enum", [str(), *_] if all(isinstance(word, str) for word in value) and len({*value}) == len(value):
            return None
        case "enum", _:
            return "write a list of texts, each once"
        case _, int() if not isinstance(value, bool) and (value >= 0 or "Length" not in key):
            return None
    return "write a whole number" + (" from 0" if "Length" in key else "")


def _responses(node: Node, here: Here, words: Sequence[Outcome]) -> dict[str, Response]:
    responses: dict[str, Response] = {}
    for status, response in node.named().items():
        if not _STATUS.fullmatch(status):
            response.fault(f"{status or repr(status)} is no status; write 200, 2XX or default")
        members = response.members("response")
        responses[status] = Response(
            outcomes=keywords.rules(members["x-outcomes"], "outcome", Outcome, words)
            if "x-outcomes" in members
            else (),
            links=keywords.links(members["links"], here) if "links" in members else (),
            media=_media(members["content"]) if "content" in members else (),
        )
    return responses


def _media(node: Node) -> tuple[str, ...]:
    """The media types of a content map (OpenAPI 3.1.1, 4.8.17), of which nothing else is read."""
    found = node.named()
    for media, each in found.items():
        if not _MEDIA.fullmatch(media):
            each.fault(f"{media or repr(media)} is no media type; write one that is sent, such as application/json")
    return tuple(found)
