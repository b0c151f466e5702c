"""A platform that doesn't exist, whose requests hold all that a manifest can say of one."""

from tests.texts import replaced

from pullcord.manifest import loading
from pullcord.model.operation import Operation

YARD = """\
openapi: 3.1.0
info: {title: Yard, version: '1'}
x-platform: yard
servers: [{url: /, x-env: YARD_URL}]
security: []
paths:
  /tasks/{id}:cancel:
    parameters:
      - {name: Yard-Version, in: header, schema: {const: '1.0'}}
      - {name: id, in: path, required: true, description: The task., schema: {type: string, pattern: '^[a-z0-9-]+$'}}
    post:
      operationId: tasks/cancel.v1
      x-tool: cancel_yard_task
      summary: Yard - cancel a task
      description: Stops one task.
      x-cancel: {aim: task}
      requestBody:
        content:
          application/json:
            schema:
              type: object
              required: [state]
              properties:
                state:
                  type: object
                  required: [kind]
                  properties:
                    type: {const: CANCELLING}
                    kind: {type: string, enum: [soft, hard], description: How hard., x-argument-name: hardness}
                force: {const: false}
                note: {const: null}
                tags: {const: [a, {b: 1}]}
                grace:
                  type: object
                  required: [seconds]
                  properties:
                    seconds: {type: integer, minimum: 0, description: Seconds of grace.}
                reason: {type: string, description: Why., x-argument: reason}
      responses:
        '202': {description: Accepted., content: {application/yard+json: {}, text/plain: {}}}
        '400': {description: Refused., content: {application/problem+json: {}}}
  /tasks/{id}:
    get:
      operationId: tasks/get
      x-tool: get_yard_task
      summary: Yard - look at a task
      description: Reads one task.
      parameters:
        - {name: id, in: path, required: true, description: The task., schema: {type: string, pattern: '^[a-z0-9-]+$'}}
      responses:
        '200': {description: The task., content: {application/json: {}}}
  /runs/{number}/at/{late}/:
    get:
      operationId: runs/get
      x-tool: false
      summary: Yard - look at a run
      description: Reads one run.
      parameters:
        - {name: number, in: path, required: true, description: The run., schema: {type: integer, minimum: 1}}
        - {name: late, in: path, required: true, description: Late?, schema: {type: boolean}}
        - {name: X-Depth, in: header, description: How deep., schema: {type: integer, default: 2}}
        - {name: X-Asker, in: header, description: Who asks., schema: {type: string}, x-argument-name: asker}
      responses:
        '200': {description: The run., content: {application/json: {}}}
  /runs:
    get:
      operationId: runs/list
      x-tool: list_yard_runs
      summary: Yard - list runs
      description: Lists runs.
      parameters:
        - {name: 'page[after]', in: query, description: Behind it., schema: {type: string}, x-argument-name: after}
        - name: 'statuses[]'
          in: query
          description: In these states.
          x-argument-name: statuses
          schema: {type: array, items: {type: string, enum: [up, down]}, maxItems: 2}
        - name: numbers
          in: query
          description: Of these numbers.
          explode: false
          schema: {type: array, items: {type: integer, minimum: 1}}
        - {name: kinds, in: query, schema: {const: [a, b c]}}
        - {name: fields, in: query, explode: false, schema: {const: [id, state]}}
        - {name: terminate, in: query, schema: {const: true}}
      responses:
        '200': {description: Runs., content: {application/json: {}}}
  /query#look:
    post:
      operationId: query
      x-tool: get_yard_job
      x-safe: true
      summary: Yard - look at a job
      description: Reads one job.
      requestBody:
        content:
          application/json:
            schema:
              type: object
              properties:
                query:
                  type: string
                  x-template:
                    text: select {fields} from jobs where id = '{id}' and { not } n > {n}
                    arguments:
                      id: {type: string, pattern: '^job_[0-9A-Za-z]{1,60}$', description: The job.}
                      n: {type: integer, description: A number.}
                      fields: {type: string, enum: [id, '*'], description: What.}
      responses:
        '200': {description: The job., content: {application/json: {}}}
  /query#list:
    post:
      operationId: query/all
      x-tool: list_yard_jobs
      x-safe: true
      summary: Yard - list jobs
      description: Lists jobs.
      requestBody: {content: {application/json: {schema: {type: object}}}}
      responses:
        '200': {description: Jobs.}
"""


def yard(*changes: tuple[str, str]) -> dict[str, Operation]:
    """Its operations by operationId; each change replaces a text that stands in the manifest once."""
    return {operation.id: operation for operation in loading.read("yard.yaml", replaced(YARD, *changes))}
