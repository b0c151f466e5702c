"""A program of one's own, such as a cron job: everything that has run for too long is stopped."""

# begin
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pullcord


async def stop_old_work(environ: Mapping[str, str], age: timedelta) -> list[pullcord.Answer]:
    """Stop what began longer ago than an age; the answers that leave something open."""
    async with pullcord.Cord(environ=environ, limit="60/minute") as cord:
        running = await cord.running()
        old = [work for work in running.works if work.since and datetime.now(UTC) - work.since > age and work.cancel]
        answers = [await cord.stop(work, reason="it ran for too long") for work in old]
        return [answer for answer in answers if answer.outcome not in pullcord.FINAL]


# end
