"""A pydantic-ai agent whose tool guards what it starts: a run is stopped once it has spent more than its budget."""

# begin
import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from pydantic_ai import Agent, RunContext

import pullcord


@dataclass
class Platform:
    """Where the agent has work done: a LangGraph server."""

    cord: pullcord.Cord
    start: Callable[[str], Awaitable[str]]
    """Starts a run for a task; its id."""
    spending: Callable[[str], Awaitable[float]]
    budget: float


agent = Agent(deps_type=Platform)


@agent.tool
async def delegate(ctx: RunContext[Platform], task: str) -> dict[str, Any]:
    """Have a task done. If it costs more than its budget it is stopped, and the answer tells what may go on."""
    on = ctx.deps
    run_id = await on.start(task)
    while any(work.id == run_id for work in (await on.cord.running("langgraph")).works):
        if await on.spending(run_id) > on.budget:
            return (await on.cord.stop(run_id, reason=f"it spent more than {on.budget}")).to_json()
        await asyncio.sleep(1)
    return {"message": f"The run {run_id} has ended by itself."}


# end
if __name__ == "__main__":
    from guard import tell, told
    from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
    from pydantic_ai.models.function import AgentInfo, FunctionModel

    def model(messages: list[ModelMessage], _: AgentInfo) -> ModelResponse:
        """A model that delegates, and repeats what came of it."""
        returns = [part for part in messages[-1].parts if isinstance(part, ToolReturnPart)]
        if returns:
            return ModelResponse(parts=[TextPart(str(returns[0].content["outcome"]))])
        return ModelResponse(parts=[ToolCallPart("delegate", {"task": "Crawl the site"})])

    async def main() -> None:
        """Have the run that the caller names guarded."""
        async with told() as (cord, run_id, spending, budget):

            async def start(_: str) -> str:
                return run_id

            platform = Platform(cord, start, spending, budget)
            result = await agent.run("Crawl the site.", model=FunctionModel(model), deps=platform)
            tell(result.output, await spending(run_id))

    asyncio.run(main())
