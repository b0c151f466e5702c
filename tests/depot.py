"""A platform that doesn't exist, described as briefly as the loader allows: its ids have no pattern."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st
from tests.texts import replaced

from pullcord.manifest import loading
from pullcord.model.operation import Operation

DEPOT = """\
openapi: 3.1.0
info: {title: Depot, version: '1'}
x-platform: depot
x-actions: $response.body#/next
x-problem: {code: $response.body#/error}
servers:
  - url: https://{tenant}.depot.example/api
    x-env: DEPOT_URL
    variables:
      tenant: {default: yours, x-env: DEPOT_TENANT}
security:
  - key: []
paths:
  /runs/{run_id}/cancel:
    parameters:
      - $ref: '#/components/parameters/run_id'
      - {name: X-Reason, in: header, description: Why., schema: {type: string}, x-argument: reason}
      - {name: X-Yard, in: header, description: Where., schema: {type: string, pattern: '^y[0-9]+$'}, x-env: DEPOT_YARD}
    post:
      operationId: cancel_run
      summary: Depot - cancel a run
      description: Stops one run.
      x-cancel: {aim: task, confirm: self, poll: {first: 1, most: 4}}
      x-state: {at: /state}
      x-expose: [/id]
      responses:
        '200':
          description: Accepted.
          x-outcomes:
            - {when: {/state: [cancelled]}, outcome: stopped}
            - {when: {/state: [running, queued]}, outcome: stopping}
            - {outcome: already_finished}
          links:
            self: {$ref: '#/components/links/run'}
            item:
              operationId: get_run
              parameters: {run_id: $item#}
              description: Look at a part.
              x-each: /parts
  /runs/{run_id}:
    get:
      operationId: get_run
      summary: Depot - look at a run
      description: Reads one run.
      parameters:
        - $ref: '#/components/parameters/run_id'
      x-state:
        at: /state
        phases:
          - {when: {/state: [running]}, phase: active}
      responses:
        '200': {description: The run.}
  /lines/{line}/halt:
    post:
      operationId: halt_line
      summary: Depot - halt a line
      description: Stops what runs on a line.
      parameters:
        - {name: line, in: path, required: true, description: The line., schema: {type: string}}
      x-cancel:
        aim: current
        confirm: self
        target:
          operationId: list_runs
          parameters: {line: $request.path.line}
          when: {/state: [running]}
          name: run_id
          at: /id
      responses:
        2XX:
          description: Accepted.
          x-outcomes: [{outcome: stopping}]
          links:
            self:
              operationId: get_run
              parameters: {run_id: $target.run_id}
              description: Look at the run that was met.
  /runs:
    get:
      operationId: list_runs
      summary: Depot - list runs
      description: Lists runs.
      parameters:
        - {name: line, in: query, description: Only of this line., schema: {type: string, minLength: 1}}
        - {name: kind, in: query, description: Only of this kind., schema: {type: string, enum: [day, night]}}
        - {name: late, in: query, description: Only late ones., schema: {type: boolean}}
        - {name: page, in: query, description: From 1., schema: {type: integer, minimum: 1, default: 1}}
        - name: per
          in: query
          description: Runs on a page.
          schema: {type: integer, minimum: 1, maximum: 50, default: 10}
      x-list:
        items: $response.body#/runs
        expose: [/id, /state]
        pages: {style: page, at: page, size: per, total: /total}
        links:
          item:
            operationId: get_run
            parameters: {run_id: $item#/id}
            description: Look at this run.
      responses:
        '200': {description: A page of runs.}
components:
  securitySchemes:
    key:
      type: http
      scheme: bearer
      description: A key.
      x-env: DEPOT_KEY
  parameters:
    run_id: {name: run_id, in: path, required: true, description: The run., schema: {type: string}}
  links:
    run:
      operationId: get_run
      parameters: {run_id: $request.path.run_id}
      description: Look at the run.
"""


def depot(*changes: tuple[str, str]) -> dict[str, Operation]:
    """Its operations by id; each change replaces a text that stands in the manifest once."""
    return {operation.id: operation for operation in loading.read("depot.yaml", changed(*changes))}


def changed(*changes: tuple[str, str]) -> str:
    """The manifest with other texts in it."""
    return replaced(DEPOT, *changes)


def own(*changes: tuple[str, str]) -> str:
    """The manifest as a user's own: its variables are called so that it can read nothing else."""
    return changed(*changes).replace("DEPOT_", "PULLCORD_PLATFORM_DEPOT_")


def fitting(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Values of a parameter of any platform."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "pattern" in schema:
        return st.from_regex(schema["pattern"], fullmatch=True)
    if schema["type"] == "array":
        return st.lists(fitting(schema["items"]), min_size=1, max_size=schema.get("maxItems", 5))
    if schema["type"] == "string":
        return st.text(min_size=schema.get("minLength", 1), max_size=schema.get("maxLength", 20))
    if schema["type"] == "integer":
        return st.integers(schema.get("minimum"), schema.get("maximum"))
    return st.booleans()
