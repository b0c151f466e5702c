"""Reads an OpenAPI document (3.1, https://spec.openapis.org/oas/v3.1.1.html) as operations.

A stated subset is read, the table below; anything outside it is a fault that names it. Response and component schemas
are documentation: they are not read here. All faults of a file are found at once.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from pullcord.manifest import cancels, lists, problems, rules
from pullcord.manifest.body import MEDIA, body
from pullcord.manifest.document import parse
from pullcord.manifest.expressions import Scope, in_body
from pullcord.manifest.faults import Fault
from pullcord.manifest.links import check_leads, links
from pullcord.manifest.naming import check_tools, tool
from pullcord.manifest.node import Node
from pullcord.manifest.parameters import distinct, parameters
from pullcord.manifest.paths import check_distinct_paths, check_parameters, sent_path
from pullcord.manifest.security import keys
from pullcord.manifest.servers import server
from pullcord.model.cancel import REASON
from pullcord.model.operation import Operation, Parameter, Platform, Response
from pullcord.model.pointer import Pointer

_VALUES = "pattern enum minimum maximum minLength maxLength minItems maxItems"
SUBSET: Mapping[str, str] = {
    "document": "openapi! info! x-platform! servers! security! paths! externalDocs components tags x-actions x-problem"
    " x-listed",
    "info": "title! version! summary description license contact",
    "server": "url! x-env! description variables",
    "server variable": "default! x-env! description enum",
    "components": "parameters responses links securitySchemes schemas headers examples",
    "security scheme": "type! description! x-env! scheme name in bearerFormat",
    "path": "get put post patch delete parameters summary description",
    "operation": "operationId! summary! description! responses! externalDocs tags parameters"
    " requestBody x-tool x-safe x-answers x-cancel x-state x-expose x-list",
    "parameter": "name! in! schema! description required style explode example examples"
    " x-env x-argument x-argument-name",
    "parameter schema": f"type const items {_VALUES} default examples",
    "items": f"type! {_VALUES} description",
    "request body": "content! description required",
    "media type": "schema! example examples",
    "object": "type! properties required additionalProperties description",
    "property": f"type const items {_VALUES} default examples description x-argument x-argument-name",
    "property with x-template": "type! x-template! description",
    "x-template": "text! arguments!",
    "argument of x-template": f"type! description! {_VALUES} examples",
    "response": "description! content headers links x-outcomes",
    "link": "operationId! description! parameters x-rel x-when x-each x-note x-after x-part",
    "x-cancel": "aim! confirm target poll gone before again",
    "x-cancel.before": "look! required",
    "target": "operationId! parameters! when! name! at!",
    "poll": "first! most!",
    "x-state": "at! phases poll",
    "x-list": "items! expose! pages! state links name since running within places",
    "x-list.items": "at! key!",
    "x-list.since": "at! unit",
    "x-list.places": "env! fills!",
    "pages": "style! at size total next more",
    "x-when": "outcome phase body",
    "comparison": "not match",
    "outcome rule": "outcome! when note work_stopped may_go_on watch else",
    "phase rule": "phase! when note work_stopped may_go_on before",
    "x-problem": "all type title status detail code instance retry_after_seconds request_id",
}
"""The keys that may stand in an object of each kind; ! marks those that must. docs/manifest.md shows this table."""

DESCRIPTION_LIMIT = 1000
"""Characters of a tool's description at most: some hosts refuse a tool with more than 1,024."""
METHODS = ("get", "put", "post", "patch", "delete")
PLATFORM_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_STATUS = re.compile(r"[1-5][0-9][0-9]|[1-5]XX|default")
_MEDIA = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(?:; ?[A-Za-z0-9_-]+=[A-Za-z0-9_.-]+)*")


class _Cache(NamedTuple):
    """Parts of a document that were read, by their place: many operations name the same ones."""

    parameters: dict[Pointer, Parameter]
    responses: dict[Pointer, Response]


def read_document(name: str, text: str, faults: list[Fault]) -> list[tuple[Operation, Node]]:
    """Read one manifest's text.

    Args:
        name: of the file, for its faults.
        text: its YAML, or JSON.
        faults: this function adds every fault that it finds.

    Returns:
        Its operations, each with its place in the file.

    Raises:
        ManifestError: the text can't be read as YAML at all.
    """
    document = parse(name, text)
    root = Node(document, SUBSET, faults, document.value)
    members = root.members("document")
    members["openapi"].text(re.compile(r"3\.1\.\d+"), "3.1.0")
    if "components" in members:
        members["components"].members("components")
    return _operations(members["paths"], _platform(root, members))


def _platform(root: Node, members: Mapping[str, Node]) -> Platform:
    name = members["x-platform"].text(PLATFORM_NAME, "a short name of a-z 0-9 _ -, a letter first, such as acme")
    url, url_env, variables = server(members["servers"])
    ways, key_optional = keys(root, members["security"])
    problem, problem_all = problems.problem(members["x-problem"]) if "x-problem" in members else ({}, ())
    return Platform(
        name=name if PLATFORM_NAME.fullmatch(name) else "",
        title=members["info"].members("info")["title"].text(),
        url=url,
        url_env=url_env,
        variables=variables,
        keys=ways,
        problem=problem,
        problem_all=problem_all,
        actions=in_body(members["x-actions"], "allowed_actions") if "x-actions" in members else None,
        key_optional=key_optional,
        listed_always="x-listed" in members and members["x-listed"].choice(["always"]) == "always",
    )


def _operations(paths: Node, platform: Platform) -> list[tuple[Operation, Node]]:
    entries: list[tuple[Operation, Scope, Node]] = []
    operations: dict[str, Operation] = {}
    cache = _Cache({}, {})
    places: list[tuple[Operation, Node]] = []
    for path, node in paths.named().items():
        template = sent_path(node, path)
        item = node.members("path")
        shared = item["parameters"].items() if "parameters" in item else []
        for method in METHODS:
            if method not in item:
                continue
            operation, scope = _operation(item[method], method, template, shared, platform, cache)
            name = operation.operation_id
            first = operations.setdefault(name, operation) if name else operation
            if first is not operation:
                item[method].at(f"{item[method].pointer}/operationId", None).fault(
                    f"{name} is also {first.method} {first.path} in this file; rename one of the two"
                )
            entries.append((operation, scope, item[method]))
            places.append((operation, node))
    check_distinct_paths(places)
    entries = [(_completed(operation, operations, node), scope, node) for operation, scope, node in entries]
    operations = {operation.operation_id: operation for operation, *_ in reversed(entries) if operation.operation_id}
    for operation, scope, node in entries:
        check_leads(scope, operations)
        cancels.check_cancel(operation, operations, node)
        lists.check_list(operation, operations, node)
    if paths.value == {}:
        paths.fault("no operation is described; write one")
    check_tools([(operation, node) for operation, _, node in entries])
    return [(operation, node) for operation, _, node in entries]


def _operation(
    node: Node, method: str, path: str, shared: Sequence[Node], platform: Platform, cache: _Cache
) -> tuple[Operation, Scope]:
    members = node.members("operation")
    pairs = parameters(shared, members["parameters"].items() if "parameters" in members else [], cache.parameters)
    pairs += body(members["requestBody"]) if "requestBody" in members else []
    inputs = distinct(pairs)
    check_parameters(node, path, inputs)
    operation_id = members["operationId"].text()
    reads = _only_reads(node, members, method)
    scope = Scope(operation_id or f"{method} {path}", [], inputs, reads)
    cancel = cancels.cancel(members["x-cancel"], scope) if "x-cancel" in members else None
    scope = scope._replace(cancel=cancel)
    listing = lists.listing(members["x-list"], scope) if "x-list" in members else None
    description = members["description"].text()
    if len(description) > DESCRIPTION_LIMIT:
        members["description"].fault(f"{len(description)} characters are too many; write at most {DESCRIPTION_LIMIT}")
    if "requestBody" in members and method == "get":
        members["requestBody"].fault("a get has no content; leave this out")
    return Operation(
        id=operation_id,
        operation_id=operation_id,
        tool=tool(members),
        platform=platform,
        title=members["summary"].text(),
        description=description,
        method=method.upper(),
        path=path,
        parameters=tuple(inputs),
        responses=_responses(members["responses"], scope, cache.responses),
        expose=rules.exposed(members["x-expose"]) if "x-expose" in members else (),
        answers=rules.answers(members["x-answers"], scope) if "x-answers" in members else (),
        state=rules.state(members["x-state"], scope) if "x-state" in members else None,
        cancel=cancel,
        listing=listing,
        media=MEDIA if "requestBody" in members else None,
    ), scope


def _completed(operation: Operation, operations: Mapping[str, Operation], node: Node) -> Operation:
    """An operation with the arguments that pullcord adds.

    Args:
        operation: as its manifest describes it.
        operations: of the same file, by operationId.
        node: of the operation.
    """
    names = [parameter.name for parameter in operation.arguments]
    extras = [
        each for each in cancels.local_parameters(operation, operations) if each.name != REASON or REASON not in names
    ]
    for name in {each.name for each in extras} & set(names):
        node.fault(f"a parameter is called {name}, which pullcord adds itself; call it something else")
    return replace(operation, parameters=(*operation.parameters, *extras))


def _only_reads(node: Node, members: Mapping[str, Node], method: str) -> bool:
    """Whether an operation changes nothing; a fault is noted where method and keywords contradict each other."""
    safe = "x-safe" in members and members["x-safe"].flag()
    if safe and ("x-cancel" in members or method != "post"):
        members["x-safe"].fault("only a post that cancels nothing needs it; leave this out")
    elif method == "get" and "x-cancel" in members:
        node.fault("a get cancels nothing; leave x-cancel out, or write another method")
    elif method != "get" and "x-cancel" not in members and not safe:
        node.fault("a get is expected where nothing is cancelled; write x-cancel, or x-safe: true if a post only reads")
    return "x-cancel" not in members and (safe or method == "get")


def _responses(node: Node, scope: Scope, cache: dict[Pointer, Response]) -> dict[str, Response]:
    responses: dict[str, Response] = {}
    for status, each in node.named().items():
        if not _STATUS.fullmatch(status):
            each.fault(f"{status or repr(status)} is no status; write 200, 2XX or default")
        place = each.resolved()
        response = cache.get(place.pointer) or _response(place, scope)
        if not response.outcomes and not response.links:  # it means the same for every operation
            cache[place.pointer] = response
        responses[status] = response
    return responses


def _response(node: Node, scope: Scope) -> Response:
    members = node.members("response")
    return Response(
        outcomes=rules.outcomes(members["x-outcomes"], scope) if "x-outcomes" in members else (),
        links=links(members["links"], scope) if "links" in members else (),
        media=_media(members["content"]) if "content" in members else (),
    )


def _media(node: Node) -> tuple[str, ...]:
    """The media types of a content map (OpenAPI 3.1.1, 4.8.17), of which nothing else is read."""
    nodes = node.named()
    for media, each in nodes.items():
        if not _MEDIA.fullmatch(media):
            each.fault(f"{media or repr(media)} is no media type; write one that is sent, such as application/json")
    return tuple(nodes)
