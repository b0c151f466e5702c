"""A platform that doesn't exist, with each word that a manifest has for how a cancel ends, and what goes with it."""

from tests.texts import replaced

from pullcord.manifest import loading
from pullcord.model.operation import Catalogue

LOOM = """\
openapi: 3.1.0
info: {title: Loom, version: '1'}
x-platform: loom
servers: [{url: 'http://127.0.0.1:1', x-env: LOOM_URL}]
security: [{key: []}, {}]
x-problem: {code: $response.body#/error}
paths:
  /threads/{id}/cancel:
    post:
      operationId: cancel_thread
      summary: Loom - cancel a thread
      description: Stops one thread.
      parameters: &id [{name: id, in: path, required: true, description: The thread., schema: {type: string}}]
      x-cancel: {aim: task, confirm: self}
      responses:
        '200':
          description: Good.
          content: &json {application/json: {}}
          x-outcomes:
            - {when: {/state: [accepted]}, outcome: stopping, may_go_on: [current_step], note: It takes time.}
            - {when: {/state: [running]}, outcome: stopping, work_stopped: 'no'}
            - {when: {/state: [flagged]}, outcome: stopping, watch: false}
            - {when: {/state: [cancelled]}, outcome: stopped, work_stopped: unknown, note: By the record.}
            - {when: {/state: [proved]}, outcome: stopped, work_stopped: 'yes'}
          links: &after
            self: {operationId: get_thread, parameters: {id: $request.path.id}, description: Look.}
            up: {operationId: get_spool, parameters: {id: $request.path.id}, description: Look at its spool.}
            terminate:
              operationId: kill_thread
              parameters: {id: $request.path.id}
              description: Kill it.
              x-after: 5
            item: &part
              operationId: get_thread
              parameters: {id: $item#}
              description: Look at a thread that it started.
              x-part: true
              x-each: /children
            collection:
              operationId: list_threads
              parameters: {parent: $request.path.id}
              description: List the threads that it started.
              x-part: true
        '404': {description: None such., content: *json}
        '409':
          description: Refused.
          content: *json
          x-outcomes: [{when: {/error: [ended]}, outcome: look, else: refused}]
          links: *after
        default: &bad {description: Bad., content: *json, links: *after}
  /threads/{id}/kill:
    post:
      operationId: kill_thread
      summary: Loom - kill a thread
      description: Kills one thread.
      parameters: *id
      x-cancel: {aim: task}
      responses: {'200': {description: Good., content: *json}, default: {description: Bad., content: *json}}
  /threads/{id}:
    get:
      operationId: get_thread
      summary: Loom - look at a thread
      description: Reads one thread.
      parameters: *id
      x-expose: [/id]
      x-state:
        at: /state
        phases:
          - {when: {/state: [running]}, phase: active}
          - {when: {/state: [waiting]}, phase: paused, may_go_on: [restarts], note: It waits.}
          - {when: {/state: [cancelled]}, phase: cancelled, may_go_on: [processes], note: Its processes may live.}
          - {when: {/state: [done]}, phase: ended, work_stopped: 'yes'}
          - {when: {/state: [parked]}, phase: halted, note: It can be resumed.}
          - {when: {/state: [none]}, phase: absent}
      responses:
        '200':
          description: Good.
          content: *json
          links:
            self: {operationId: get_thread, parameters: {id: $request.path.id}, description: Look again.}
            cancel:
              operationId: cancel_thread
              parameters: {id: $request.path.id}
              description: Cancel it.
              x-when: {phase: [active, paused], body: {/held: [null]}}
            item: *part
            terminate: {operationId: kill_thread, parameters: {id: $request.path.id}, description: Kill it., x-after: 5}
        default: *bad
  /threads:
    get:
      operationId: list_threads
      summary: Loom - list threads
      description: Lists threads.
      parameters:
        - {name: parent, in: query, description: Of this thread., schema: {type: string}}
        - {name: page, in: query, description: The page., schema: {type: integer, minimum: 1, default: 1}}
        - name: per
          in: query
          description: Threads on a page.
          schema: {type: integer, minimum: 1, maximum: 50, default: 2}
      x-list:
        items: $response.body#/threads
        pages: {style: page, at: page, size: per, total: /total}
        expose: [/id, /state]
        state:
          at: /state
          phases:
            - {when: {/state: [running]}, phase: active}
            - {when: {/state: [cancelled]}, phase: cancelled}
            - {when: {/state: [done]}, phase: ended}
        links:
          cancel:
            operationId: cancel_thread
            parameters: {id: $item#/id}
            description: Cancel it.
            x-when: {phase: [active]}
      responses: {'200': {description: Good., content: *json}, default: {description: Bad., content: *json}}
  /spools/{id}:
    get:
      operationId: get_spool
      x-tool: false
      summary: Loom - look at a spool
      description: Reads one spool.
      parameters: *id
      x-state:
        at: /spool
        phases:
          - {when: {/spool: [turning]}, phase: active}
          - {when: {/spool: [jammed]}, phase: paused}
          - {when: {/spool: [still]}, phase: ended, work_stopped: 'yes', may_go_on: [requests], note: It stands still.}
      responses: {'200': {description: Good., content: *json}, default: {description: Bad., content: *json}}
components:
  securitySchemes:
    key: {type: http, scheme: bearer, description: A key., x-env: LOOM_KEY}
"""


def loom(cancel: str = "{aim: task, confirm: self}", *changes: tuple[str, str]) -> Catalogue:
    """Its operations by id.

    Args:
        cancel: the x-cancel of cancel_thread.
        changes: each replaces a text that stands in the manifest once.
    """
    text = replaced(LOOM.replace("{aim: task, confirm: self}", cancel), *changes)
    return {each.id: each for each in loading.read("loom.yaml", text)}
