"""A process that asks a stub of the model's provider, with the bare SDK and through `ctx.llm`.

Prints one JSON object: by contestant, of each round the CPU time of a call in milliseconds.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import anthropic
import structlog

from streamagents.llm.providers.anthropic import AnthropicModel
from streamagents.testing import FakeContext

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

CALLS = 500
"""At once."""
_MODEL, _SYSTEM, _PROMPT = "claude-haiku-5-5", "You are brief.", "Summarise the lead."
_WARM = 2
"""Rounds in front that do not count: connections are made, caches filled."""


def lead(number: int) -> dict[str, Any]:
    """What is asked about."""
    note = "We are 40 people, and look for somebody who takes care of our events. " * 5
    return {"email": f"ann{number}@example.com", "company": "Nordwind", "note": note}


def bare(url: str, **options: Any) -> Callable[[int], Awaitable[Any]]:
    """The SDK as it is."""
    client = anthropic.AsyncAnthropic(
        api_key="k", base_url=url, max_retries=0, timeout=60, **options
    )

    async def ask(number: int) -> str:
        prompt = f"{_PROMPT}\n{json.dumps(lead(number))}"
        message = await client.messages.create(
            model=_MODEL,
            max_tokens=1024,
            system=_SYSTEM,
            messages=[{"role": "user", "content": prompt}],
        )
        (block,) = message.content
        assert isinstance(block, anthropic.types.TextBlock)
        return block.text

    return ask


def ours(url: str) -> Callable[[int], Awaitable[Any]]:
    """`ctx.llm`, with steps in memory."""
    model = AnthropicModel(api_key="k", base_url=url)

    async def ask(number: int) -> str:
        ctx = FakeContext(model=model, event_id=str(number))
        return await ctx.llm.text(_PROMPT, data=lead(number), system=_SYSTEM)

    return ask


async def measure(url: str, rounds: int) -> dict[str, list[float]]:
    """All in each round, there and back."""
    asking = {
        "sdk": bare(url),
        "sdk, aiohttp": bare(url, http_client=anthropic.DefaultAioHttpClient()),
        "ours": ours(url),
    }
    spent: dict[str, list[float]] = {name: [] for name in asking}
    for number in range(_WARM + rounds):
        names = list(asking) if number % 2 == 0 else list(reversed(asking))
        for name in names:
            gc.collect()
            began = time.process_time()
            await asyncio.gather(*(asking[name](n) for n in range(CALLS)))
            spent[name].append(1000 * (time.process_time() - began) / CALLS)
    return {name: values[_WARM:] for name, values in spent.items()}


def main() -> None:
    """Measure against a stub in a process of its own, whose time is not counted."""
    # The log is the terminal's business here: what a line costs depends on who reads it.
    quiet = structlog.make_filtering_bound_logger(logging.ERROR)
    structlog.configure(wrapper_class=quiet)
    command = [sys.executable, "-m", "support.messages_api", "0"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as stub:
        assert stub.stdout is not None
        assert stub.stdin is not None
        url = stub.stdout.readline().strip()
        sys.stdout.write(json.dumps(asyncio.run(measure(url, int(sys.argv[1])))) + "\n")
        sys.stdout.flush()
        stub.stdin.close()
    os._exit(0)  # open connections are nobody's business here


if __name__ == "__main__":
    main()
