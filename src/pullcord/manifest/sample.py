"""A sample to begin a manifest with: a made-up platform, with comments that tell what to put in its place. Pure."""

from pullcord.manifest.openapi import PLATFORM_NAME
from pullcord.model.errors import ManifestError
from pullcord.model.variables import prefix


def sample(name: str) -> str:
    """The text of a new manifest, which is read without a fault, and in which everything has an effect.

    Args:
        name: of the platform: a-z 0-9 _ -, 1 to 32 characters, a letter first.

    Raises:
        ManifestError: it is no platform's name.
    """
    if not PLATFORM_NAME.fullmatch(name):
        raise ManifestError([f"{name!r} is no platform's name; write a short one of a-z 0-9 _ -, such as acme"])
    return _TEXT.replace("NAME", name).replace("VARIABLE_", prefix(name, of_user=True))


_TEXT = """\
# NAME: what is below is made up. Keep its form, and put in what the platform's reference says; docs/manifest.md tells
# what else can be said. `pullcord check --manifest NAME.yaml` tells every fault, and what would have no effect.
#
# Sources: name the pages that you read, and the day.
openapi: 3.1.0
info:
  title: NAME                           # as people write it
  version: '1'
x-platform: NAME
servers:
  - url: https://api.NAME.example       # or /, where each user has a server of their own
    x-env: VARIABLE_API_URL
security:
  - key: []                             # or [], if it asks for no key
x-problem:                              # where an error says what went wrong; an answer without any is not believed
  code: $response.body#/error/code
  detail: $response.body#/error/message

paths:
  /runs/{run_id}/cancel:
    parameters:
      - $ref: '#/components/parameters/run_id'
    post:
      operationId: cancel_NAME_run      # the tool's name: it names the platform
      summary: NAME - cancel a run
      description: >-
        NAME: asks one run to stop. Not immediate: it first finishes its current step. Runs that it started go on. Safe
        to repeat; a run that had ended is left as it is.
      x-cancel:
        aim: task                       # current: where the request hits whatever runs when it arrives
        confirm: self                   # the link whose look tells how the run ended
      x-state: {at: /status}
      x-answers: {/id: $request.path.run_id}
      x-expose: [/id, /status, /started_at]
      responses:
        '200':
          description: The run, as it was left.
          content: {application/json: {schema: {$ref: '#/components/schemas/Run'}}}
          x-outcomes:                   # the first rule that fits; what none explains is unknown
            - {when: {/status: [cancelled]}, outcome: stopped, may_go_on: [children]}
            - {when: {/status: [succeeded, failed]}, outcome: already_finished}
            - when: {/status: [queued, running, waiting]}
              outcome: stopping
              may_go_on: [current_step, children]
              note: It first finishes its current step.
          links: &links
            self: {$ref: '#/components/links/run'}
            collection: {$ref: '#/components/links/runs'}
        '404':
          description: No such run.
          content: &error {application/json: {schema: {$ref: '#/components/schemas/Error'}}}
          links:
            collection: {$ref: '#/components/links/runs'}
        default:
          description: Anything else, and no answer at all.
          content: *error
          links: *links

  /runs/{run_id}:
    parameters:
      - $ref: '#/components/parameters/run_id'
    get:
      operationId: get_NAME_run
      summary: NAME - look at a run
      description: 'NAME: reads one run. Its status tells whether it still runs, and how it ended.'
      x-state: &state
        at: /status
        phases:                         # work_stopped: 'yes' only where a sign rests on the worker itself
          - {when: {/status: [queued, running]}, phase: active}
          - {when: {/status: [waiting]}, phase: paused}
          - {when: {/status: [cancelled]}, phase: cancelled, may_go_on: [children]}
          - {when: {/status: [succeeded, failed]}, phase: ended}
      x-answers: {/id: $request.path.run_id}
      x-expose: [/id, /status, /started_at]
      responses:
        '200':
          description: The run.
          content: {application/json: {schema: {$ref: '#/components/schemas/Run'}}}
          links:
            self: {$ref: '#/components/links/run'}
            cancel:
              operationId: cancel_NAME_run
              parameters: {run_id: $request.path.run_id}
              description: Stop this run.
              x-when: {phase: [active, paused]}
        default:
          description: Anything else.
          content: *error
          links:
            collection: {$ref: '#/components/links/runs'}

  /runs:
    get:
      operationId: list_NAME_runs       # callable without arguments: `check --live` asks for it
      summary: NAME - list runs
      description: 'NAME: lists runs with their status, newest first.'
      parameters:
        - name: status
          in: query
          description: Only runs in this status.
          schema: {type: string, enum: [queued, running, waiting, succeeded, failed, cancelled]}
        - {name: page, in: query, description: 'The page, from 1.', schema: {type: integer, minimum: 1, default: 1}}
        - name: per_page
          in: query
          description: Runs on a page.
          schema: {type: integer, minimum: 1, maximum: 50, default: 20}
      x-list:
        items: $response.body#/runs
        pages: {style: page, at: page, size: per_page}
        expose: [/id, /status, /started_at]
        name: /title
        since: {at: /started_at}
        running: [{status: queued}, {status: running}, {status: waiting}]
        state: *state
        links:
          item:
            operationId: get_NAME_run
            parameters: {run_id: $item#/id}
            description: Look at this run.
          cancel:
            operationId: cancel_NAME_run
            parameters: {run_id: $item#/id}
            description: Stop this run.
            x-when: {phase: [active, paused]}
      responses:
        '200':
          description: A page of runs.
          content:
            application/json:
              schema:
                type: object
                properties:
                  runs: {type: array, items: {$ref: '#/components/schemas/Run'}}
        default:
          description: Anything else.
          content: *error

components:
  securitySchemes:
    key:
      type: http
      scheme: bearer
      description: An API key that may cancel runs.
      x-env: VARIABLE_API_KEY
  parameters:
    run_id:
      name: run_id
      in: path
      required: true
      description: The run's id.
      schema: {type: string, pattern: '^[0-9A-Za-z_-]{1,64}$'}
  links:
    run:
      operationId: get_NAME_run
      parameters: {run_id: $request.path.run_id}
      description: Look whether the run has ended, and how.
    runs:
      operationId: list_NAME_runs
      description: List the runs that there are.
  schemas:                              # what stands here is compared with what is read above, and shown to nobody
    Run:
      type: object
      properties:
        id: {type: string}
        title: {type: string}
        status: {type: string, enum: [queued, running, waiting, succeeded, failed, cancelled]}
        started_at: {type: string, format: date-time}
    Error:
      type: object
      properties:
        error:
          type: object
          properties:
            code: {type: string}
            message: {type: string}
"""
