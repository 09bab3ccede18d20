"""Waiting for the first of two events."""

from __future__ import annotations

import asyncio


async def either(one: asyncio.Event, other: asyncio.Event, limit_s: float | None = None) -> None:
    """Returns once one of them is set, or after `limit_s` seconds."""
    tasks = [asyncio.ensure_future(event.wait()) for event in (one, other)]
    try:
        await asyncio.wait(tasks, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
