"""The three WebSocket paths of the venue, and what ties them to the exchange."""

import re
from collections.abc import Awaitable, Callable
from functools import partial
from types import MappingProxyType

from aiohttp import web
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import Side, Symbol

from .accounts import PrivatePush
from .exchange import Exchange
from .ws_pacing import Pacing
from .ws_private import PrivateDialog
from .ws_public import PublicDialog
from .ws_session import IDLE_MS_MAX, Session, StreamKind
from .ws_trade import TradeDialog

__all__ = ["PATHS", "add_routes", "idle_ms_of"]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PATHS = MappingProxyType(
    {
        StreamKind.PUBLIC: "/v5/public/linear",
        StreamKind.PRIVATE: "/v5/private",
        StreamKind.TRADE: "/v5/trade",
    }
)

IDLE_MS_MIN = 30_000
_ACTIVE_TIME = re.compile(r"(\d{1,4})(s|m)")
_UNAVAILABLE = 503


def add_routes(app: web.Application, exchange: Exchange) -> None:
    """Serve the streams of ``exchange``; they are closed when the application shuts down."""
    pushes = exchange.pushes
    exchange.market.subscribe(pushes.tell_public)
    exchange.market.wants = pushes.is_wanted
    for account in exchange.accounts:
        account.subscribe(partial(pushes.collect, account.key))
        account.subscribe(partial(_tell_liquidations, exchange))
    for kind, path in PATHS.items():
        app.router.add_get(path, _handler(kind, exchange))

    pacing = Pacing(exchange)

    async def begin(_: web.Application) -> None:
        pacing.start()

    async def end(_: web.Application) -> None:
        pacing.stop()
        pushes.close_all()

    app.on_startup.append(begin)
    app.on_shutdown.append(end)


def _handler(kind: StreamKind, exchange: Exchange) -> Handler:
    async def serve(request: web.Request) -> web.StreamResponse:
        down = exchange.pushes.down.get(kind)
        if down is None:
            return await _serve(kind, exchange, request)
        if not down.accepts_and_closes:
            return web.Response(status=_UNAVAILABLE, text="the stream is down")
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.close()
        return socket

    return serve


async def _serve(
    kind: StreamKind, exchange: Exchange, request: web.Request
) -> web.WebSocketResponse:
    idle_ms = idle_ms_of(kind, request.query.get("max_active_time", ""))
    session = Session(kind, request, idle_ms)
    dialog = _dialog(session, exchange)
    with exchange.pushes.joined(session):
        return await session.run(dialog.handle)


def _dialog(session: Session, exchange: Exchange) -> PublicDialog | PrivateDialog | TradeDialog:
    match session.kind:
        case StreamKind.PUBLIC:
            return PublicDialog(session, exchange)
        case StreamKind.PRIVATE:
            return PrivateDialog(session, exchange)
        case StreamKind.TRADE:
            return TradeDialog(session, exchange)


def idle_ms_of(kind: StreamKind, asked: str) -> int:
    """Return after how long a client that sends nothing is cut.

    ``max_active_time`` of private and trade streams is from 30s to 600s; ten minutes without it
    (Bybit V5, websocket connect).
    """
    found = _ACTIVE_TIME.fullmatch(asked)
    if kind is StreamKind.PUBLIC or found is None:
        return IDLE_MS_MAX
    seconds = int(found[1]) * (60 if found[2] == "m" else 1)
    return min(max(seconds * 1_000, IDLE_MS_MIN), IDLE_MS_MAX)


def _tell_liquidations(exchange: Exchange, push: PrivatePush) -> None:
    """Show in public that a position was taken over: its side, and its bankruptcy price."""
    if push.topic != "execution":
        return
    for row in push.rows:
        if row["execType"] == "BustTrade":
            closing = Side.BUY if row["side"] == "Buy" else Side.SELL
            exchange.market.liquidated(
                Symbol(str(row["symbol"])),
                closing.opposite,
                Qty.of(str(row["execQty"])),
                Price.of(str(row["execPrice"])),
                int(str(row["execTime"])),
            )
