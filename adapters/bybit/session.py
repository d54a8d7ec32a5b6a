# mypy: disallow-subclassing-any=False
"""pybit's REST client with another transport underneath: its methods, paths and signing stay.

Every method of ``pybit.unified_trading.HTTP`` ends in ``_submit_request``. Here that hands over to
a :class:`Sender` and returns a :data:`Reply`, where pybit's own sleeps in the caller's thread,
repeats orders whose outcome is unknown, and raises one of five families of exceptions.
"""

from collections.abc import Mapping
from urllib.parse import quote

import orjson
from pybit.unified_trading import HTTP

from .credentials import Credentials
from .replies import NotSent, Reply
from .sender import Sender

__all__ = ["ORDERS_OF_A_BATCH", "PybitSession", "orders_counted"]

ORDERS_OF_A_BATCH = "request"
"""Where the body of a batch holds its orders."""

_UNESCAPED = "%,:"


class PybitSession(HTTP):
    """pybit's client over one sender. Any thread may call its methods; none of them raises.

    Without credentials only public methods work; requests of the others are not sent. Amounts must
    be given as text.
    """

    def __init__(
        self, url: str, *, sender: Sender, credentials: Credentials | None, recv_window_ms: int
    ) -> None:
        self._sender = sender
        super().__init__(
            api_key=None if credentials is None else credentials.key,
            api_secret=None if credentials is None else credentials.secret,
            recv_window=recv_window_ms,
        )
        self.endpoint = url

    def __post_init__(self) -> None:
        """Leave out pybit's own HTTP client and its log handler: nothing here uses them."""

    def __repr__(self) -> str:
        return f"PybitSession({self._sender.host}, <keys hidden>)"

    __hash__ = object.__hash__

    def close(self) -> None:
        """Close every connection; calls under way end without an answer."""
        self._sender.close()

    def _submit_request(
        self,
        method: str,
        path: str,
        query: Mapping[str, object] | None = None,
        auth: bool = False,
    ) -> Reply:
        """Send one request and say what came of it."""
        if auth and self.api_key is None:
            return NotSent(cause="this request needs an API key, and there is none")
        given = {name: value for name, value in (query or {}).items() if value is not None}
        payload = _query_text(given) if method == "GET" else orjson.dumps(given).decode()
        target = path.removeprefix(self.endpoint)
        signature = self._signed_lines if auth else None
        count = orders_counted(given)
        return self._sender.send(method, target, payload, signature, count=count)

    def _signed_lines(self, payload: str, timestamp_ms: int) -> str:
        signature = self._auth(payload, self.recv_window, timestamp_ms)
        return (
            f"X-BAPI-API-KEY: {self.api_key}\r\nX-BAPI-TIMESTAMP: {timestamp_ms}\r\n"
            f"X-BAPI-RECV-WINDOW: {self.recv_window}\r\nX-BAPI-SIGN: {signature}\r\n"
        )


def orders_counted(body: Mapping[str, object]) -> int:
    """Return how many the rate limit counts: each order of a batch (Bybit V5 "Rate limit")."""
    orders = body.get(ORDERS_OF_A_BATCH)
    return len(orders) if isinstance(orders, list) else 1


def _query_text(query: Mapping[str, object]) -> str:
    """Return the query as it is sent and signed. A cursor is percent-encoded already."""
    return "&".join(
        f"{name}={quote(str(value), safe=_UNESCAPED)}" for name, value in sorted(query.items())
    )
