"""REST: from a request to the venue's envelope, and the faults on the way.

One handler serves every endpoint of the route table; what an endpoint does is in ``rest_*``.
"""

import json
from decimal import Decimal
from urllib.parse import parse_qsl

import attrs
from aiohttp import web
from tidegate.ports.exchange import VenueError

from .answers import Answer, packed, text_page
from .auth import MissingAuth, authenticate
from .errors import NOTHING, V5Error
from .exchange import Exchange
from .market import MarketMissing
from .operations import spend
from .reading import Params, bad, require_text
from .replies import Reply
from .rest_faults import suffer
from .rest_table import ROUTES
from .routes import Call, PrivateRoute, PublicRoute, Route

__all__ = ["RestHandler"]

_INTERNAL_ERROR = 10016
_IP_LIMIT_STATUS = 403


class RestHandler:
    """Serves ``/v5/*`` for one exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request, or let it suffer the fault that was planned for it."""
        body = await request.read()
        if not self._exchange.peers.may_pass(request.remote or "", self._exchange.clock.now_ms()):
            return text_page(_IP_LIMIT_STATUS, "access too frequent").response()
        fault = self._exchange.faults.take_request(request.path)
        if fault is None:
            return self._answer(request, body).response()
        now_ms = self._exchange.clock.now_ms
        return await suffer(request, fault, lambda: self._answer(request, body), now_ms)

    def _answer(self, request: web.Request, body: bytes) -> Answer:
        route = ROUTES.get(request.path)
        if route is None:
            return text_page(404, "404 page not found")
        if request.method != route.method:
            return text_page(400, f"bad verb: {request.path} takes {route.method}")
        if request.method == "GET" and body:
            return text_page(403, "a GET request with a body is forbidden")
        try:
            reply = self._reply(route, request, body)
        except MissingAuth as error:
            return text_page(401, str(error))
        except V5Error as error:
            reply = _error_reply(error)
        except MarketMissing as error:
            reply = _error_reply(bad(str(error)))
        except VenueError as error:
            reply = _error_reply(V5Error(_INTERNAL_ERROR, f"Internal error: {error}"))
        return packed(reply, self._exchange.clock.now_ms())

    def _reply(self, route: Route, request: web.Request, body: bytes) -> Reply:
        raw_query = request.raw_path.partition("?")[2]
        match route:
            case PublicRoute():
                self._exchange.settle_time()
                return route.act(self._exchange, _query(raw_query))
            case PrivateRoute():
                return self._private(route, request, raw_query, body)

    def _private(
        self, route: PrivateRoute, request: web.Request, raw_query: str, body: bytes
    ) -> Reply:
        is_get = request.method == "GET"
        account = authenticate(
            self._exchange.accounts,
            request.headers,
            raw_query.encode() if is_get else body,
            peer=request.remote or "",
            now_ms=self._exchange.clock.now_ms(),
        )
        route.check_permission(account)
        route.check_environment(account)
        params = _query(raw_query) if is_get else _json(body)
        call = Call(exchange=self._exchange, account=account, params=params)
        if route.counts_itself:
            return route.act(call)
        spent = spend(self._exchange, account, request.path)
        self._exchange.settle_time()
        try:
            reply = route.act(call)
        except V5Error as error:
            error.headers = spent.headers()
            raise
        finally:
            self._exchange.flush()
        return attrs.evolve(reply, headers=spent.headers())


def _query(raw_query: str) -> Params:
    return Params(dict(parse_qsl(raw_query, keep_blank_values=True)))


def _json(body: bytes) -> Params:
    try:
        values = json.loads(body, parse_float=Decimal) if body else {}
        require_text(values)
    except (ValueError, RecursionError) as error:
        raise bad(f"the body is no JSON: {error}") from error
    if not isinstance(values, dict):
        raise bad(f"the body is {type(values).__name__}; a JSON object is accepted")
    return Params(values)


def _error_reply(error: V5Error) -> Reply:
    return Reply(
        code=error.code,
        message=error.message,
        result=error.result or NOTHING,
        ext=error.ext,
        headers=error.headers,
    )
