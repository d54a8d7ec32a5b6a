"""What a planned fault does to a REST request and its answer."""

import asyncio
from collections.abc import Callable
from typing import assert_never

from aiohttp import web

from .answers import Answer, packed
from .faults import AnswerCode, CutBody, Drop, Hang, HttpStatus, RequestFault, SlowBody, Stage
from .replies import Reply

__all__ = ["HANG_MS_MAX", "suffer"]

HANG_MS_MAX = 3_600_000
"""A request that hangs is dropped after this; clients give up long before."""


async def suffer(
    request: web.Request,
    fault: RequestFault,
    answer: Callable[[], Answer],
    now_ms: Callable[[], int],
) -> web.StreamResponse:
    """Let the fault happen; ``answer`` performs the request, which a fault before it prevents.

    A late or cut answer needs one: there the request is performed in either stage.
    """
    done = answer() if fault.stage is Stage.AFTER else None
    match fault.action:
        case AnswerCode(code=code, message=message, headers=headers):
            return packed(Reply(code=code, message=message, headers=headers), now_ms()).response()
        case HttpStatus(status=status, body=body, content_type=content_type):
            return Answer(body=body.encode(), status=status, content_type=content_type).response()
        case Hang():
            await _wait(HANG_MS_MAX)
            return _dropped(request)
        case Drop():
            return _dropped(request)
        case SlowBody(ms=ms):
            await _wait(ms)
            return (done or answer()).response()
        case CutBody():
            return await _cut(request, done or answer())
        case other:
            assert_never(other)


async def _wait(ms: int) -> None:
    """Wait, or until the server stops and cancels the request."""
    await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=ms / 1_000)


def _dropped(request: web.Request) -> web.StreamResponse:
    """Reset the connection; the response goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _cut(request: web.Request, answer: Answer) -> web.StreamResponse:
    """Send the head and half of the body, then reset the connection."""
    response = web.StreamResponse(headers={"Content-Type": answer.content_type})
    response.content_length = len(answer.body)
    await response.prepare(request)
    await response.write(answer.body[: len(answer.body) // 2])
    return _cut_off(request, response)


def _cut_off(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.close()
    return response
