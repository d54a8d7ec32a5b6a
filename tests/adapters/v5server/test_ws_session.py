"""One connection by itself: order, bounds, and how it ends."""

import asyncio
from collections.abc import Callable, Mapping

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from tidegate.adapters.v5server.ws import idle_ms_of
from tidegate.adapters.v5server.ws_session import OUTBOX_MAX, Session, StreamKind

Act = Callable[[Session, Mapping[str, object]], None]


async def talk(act: Act, said: list[str], *, idle_ms: int = 5_000) -> list[aiohttp.WSMessage]:
    """Serve one connection with ``act``, say something, and return what came until the end."""

    async def serve(request: web.Request) -> web.StreamResponse:
        session = Session(StreamKind.PUBLIC, request, idle_ms)
        return await session.run(lambda message: act(session, message))

    app = web.Application()
    app.router.add_get("/", serve)
    async with TestServer(app) as server, aiohttp.ClientSession() as http:
        socket = await http.ws_connect(server.make_url("/"))
        for text in said:
            await socket.send_str(text)
        came = []
        while (message := await socket.receive(timeout=10)).type is aiohttp.WSMsgType.TEXT:
            came.append(message)
        came.append(message)
        await socket.close()
        return came


def texts(act: Act, said: list[str]) -> list[str]:
    return [message.data for message in asyncio.run(talk(act, said))[:-1]]


def test_messages_leave_in_order_also_behind_a_delayed_one() -> None:
    def act(session: Session, _: Mapping[str, object]) -> None:
        session.send({"n": 1}, delay_ms=30)
        session.send({"n": 2})
        session.send({"n": 3}, delay_ms=10)
        session.act(session.close)

    assert texts(act, ["{}"]) == ['{"n":1}', '{"n":2}', '{"n":3}']


def test_nothing_is_sent_after_a_close() -> None:
    def act(session: Session, _: Mapping[str, object]) -> None:
        session.send({"n": 1})
        session.close(4_000)
        session.send({"n": 2})

    came = asyncio.run(talk(act, ["{}"]))
    assert [message.data for message in came] == ['{"n":1}', 4_000]


def test_a_silent_connection_says_nothing() -> None:
    def act(session: Session, message: Mapping[str, object]) -> None:
        session.is_silent = message.get("op") == "hush"
        session.send({"n": message.get("n")})
        if "n" in message:
            session.close()

    assert texts(act, ['{"op":"hush"}', '{"n":7}']) == ['{"n":7}']


def test_a_client_that_says_nothing_is_cut_when_its_time_is_over() -> None:
    came = asyncio.run(talk(lambda _, __: None, [], idle_ms=30))
    assert [message.type for message in came] == [aiohttp.WSMsgType.CLOSED]


def test_a_client_that_does_not_read_is_cut_off() -> None:
    def act(session: Session, _: Mapping[str, object]) -> None:
        for number in range(OUTBOX_MAX + 1):
            session.send({"n": number})

    came = asyncio.run(talk(act, ["{}"]))
    assert len(came) <= OUTBOX_MAX
    assert came[-1].type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}


@pytest.mark.parametrize(
    ("kind", "asked", "idle_ms"),
    [
        (StreamKind.PRIVATE, "", 600_000),
        (StreamKind.PRIVATE, "30s", 30_000),
        (StreamKind.TRADE, "1m", 60_000),
        (StreamKind.TRADE, "5s", 30_000),
        (StreamKind.PRIVATE, "9999s", 600_000),
        (StreamKind.PRIVATE, "soon", 600_000),
        (StreamKind.PUBLIC, "30s", 600_000),
    ],
)
def test_a_client_may_ask_to_be_cut_earlier_where_the_venue_has_that(
    kind: StreamKind, asked: str, idle_ms: int
) -> None:
    assert idle_ms_of(kind, asked) == idle_ms
