"""A platform that doesn't exist, with every way in which a manifest can say what runs."""

from tests.texts import replaced

from pullcord.manifest import loading
from pullcord.model.operation import Catalogue

MILL = """\
openapi: 3.1.0
info: {title: Mill, version: '1'}
x-platform: mill
servers: [{url: 'http://127.0.0.1:1', x-env: MILL_URL}]
security: [{key: []}, {}]
x-problem: {code: $response.body#/error}
paths:
  /jobs/{id}:
    get:
      operationId: get_job
      summary: Mill - look at a job
      description: Reads one job.
      parameters: &id [{name: id, in: path, required: true, description: The job., schema: &text {type: string}}]
      responses:
        '200': &ok {description: Good., content: &json {application/json: {}}}
        default: &bad {description: Bad., content: *json}
  /jobs/{id}/cancel:
    post:
      operationId: cancel_job
      summary: Mill - cancel a job
      description: Stops one job.
      parameters: *id
      x-cancel: {aim: task}
      responses: {'200': *ok, default: *bad}
  /jobs:
    get:
      operationId: list_jobs
      summary: Mill - list jobs
      description: Lists jobs.
      parameters:
        - {name: state, in: query, description: Only in this state., schema: *text}
        - {name: page, in: query, description: The page., schema: {type: integer, minimum: 1, default: 1}}
        - &per
          name: per
          in: query
          description: Jobs on a page.
          schema: {type: integer, minimum: 1, maximum: 50, default: 3}
      x-list:
        items: $response.body#/jobs
        pages: {style: page, at: page, size: per, total: /total}
        expose: [/id, /state]
        name: /name
        since: {at: /began, unit: s}
        running: [{state: running}, {state: queued}]
        state: &state
          at: /state
          phases:
            - {when: {/state: [running, queued]}, phase: active}
            - {when: {/state: [waiting]}, phase: paused}
            - {when: {/state: [done]}, phase: ended}
            - {when: {/state: [parked]}, phase: halted}
        links: &links
          item: {operationId: get_job, parameters: {id: $item#/id}, description: Look at this job.}
          cancel:
            operationId: cancel_job
            parameters: {id: $item#/id}
            description: Cancel this job.
            x-when: {phase: [active]}
      responses: {'200': *ok, default: *bad}
  /wheels:
    get:
      operationId: list_wheels
      summary: Mill - list wheels
      description: Lists wheels.
      parameters: []
      x-list:
        items: $response.body#/wheels
        pages: {style: whole}
        expose: [/id]
        name: /name
        running: [{}]
        within: jobs
        state: *state
        links:
          jobs: {operationId: list_wheel_jobs, parameters: {wheel: $item#/id, per: 3}, description: List its jobs.}
          cancel: {operationId: cancel_job, parameters: {id: $item#/id}, description: Cancel what it does.}
      responses: {'200': *ok, default: *bad}
  /wheels/{wheel}/jobs:
    get:
      operationId: list_wheel_jobs
      summary: Mill - list the jobs of a wheel
      description: Lists the jobs of a wheel.
      parameters:
        - {name: wheel, in: path, required: true, description: The wheel., schema: *text}
        - {name: state, in: query, description: Only in this state., schema: *text}
        - *per
      x-list:
        items: $response.body#/jobs
        pages: {style: limit, size: per}
        expose: [/id, /state]
        name: /name
        since: {at: /began, unit: s}
        running: [{state: running}, {state: waiting}]
        state: *state
        links: *links
      responses: {'200': *ok, default: *bad}
components:
  securitySchemes:
    key: {type: http, scheme: bearer, description: A key., x-env: MILL_KEY}
"""
RUNNING = "        running: [{state: running}, {state: queued}]\n"
PAGES = "pages: {style: page, at: page, size: per, total: /total}"
PAGE = "        - {name: page, in: query, description: The page., schema: {type: integer, minimum: 1, default: 1}}\n"


def mill(*changes: tuple[str, str], wheels: bool = False) -> Catalogue:
    """Its operations by id.

    Args:
        changes: each replaces a text that stands in the manifest once.
        wheels: whether the list of wheels is there, too.
    """
    found = {each.id: each for each in loading.read("mill.yaml", replaced(MILL, *changes))}
    return {name: each for name, each in found.items() if wheels or name != "list_wheels"}
