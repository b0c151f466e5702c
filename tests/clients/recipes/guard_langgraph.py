"""A LangGraph graph with a guard: a run of a LangGraph server is stopped once it has spent more than its budget."""

# begin
import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

import pullcord


class State(TypedDict):
    """What is known of the run."""

    run_id: str
    spent: float
    answer: dict[str, Any]
    """What came of its cancel; it tells what may go on."""


def guarded(
    cord: pullcord.Cord, spending: Callable[[str], Awaitable[float]], budget: float
) -> CompiledStateGraph[State, None, State, State]:
    """A graph that watches a run, and stops it, with what it started, when the budget is over."""

    async def watch(state: State) -> dict[str, Any]:
        await asyncio.sleep(1)
        return {"spent": await spending(state["run_id"])}

    def judge(state: State) -> Literal["watch", "stop"]:
        return "stop" if state["spent"] > budget else "watch"

    async def stop(state: State) -> dict[str, Any]:
        answer = await cord.stop(state["run_id"], reason=f"it spent {state['spent']} of {budget}")
        return {"answer": answer.to_json()}

    graph = StateGraph(State)
    graph.add_node("watch", watch)
    graph.add_node("stop", stop)
    graph.add_edge(START, "watch")
    graph.add_conditional_edges("watch", judge)
    graph.add_edge("stop", END)
    return graph.compile()


# end
if __name__ == "__main__":
    from guard import tell, told

    async def main() -> None:
        """Guard the run that the caller names."""
        async with told() as (cord, run_id, spending, budget):
            state = await guarded(cord, spending, budget).ainvoke({"run_id": run_id})
            tell(state["answer"]["outcome"], state["spent"])

    asyncio.run(main())
