"""The web application: REST, the streams and the control of one exchange."""

from aiohttp import web

from . import control_http, ws
from .exchange import Exchange
from .rest import RestHandler

__all__ = ["EXCHANGE", "build_app"]

EXCHANGE = web.AppKey("exchange", Exchange)

_BODY_BYTES_MAX = 1_000_000


def build_app(exchange: Exchange) -> web.Application:
    """Return the application that serves ``exchange``; it must run on the exchange's loop."""
    app = web.Application(client_max_size=_BODY_BYTES_MAX)
    app[EXCHANGE] = exchange
    ws.add_routes(app, exchange)
    control_http.add_routes(app, exchange)
    app.router.add_route("*", "/v5/{path:.*}", RestHandler(exchange).handle)
    return app
