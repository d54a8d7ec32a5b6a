"""A WebSocket client that knows nothing of the server's code, used from synchronous tests."""

import asyncio
import hashlib
import hmac
import json
from types import TracebackType
from typing import Self, cast

import aiohttp

from .bench import KEY, SECRET, Bench, Json

__all__ = ["Closed", "RawStream", "order_params"]

WAIT_S = 10.0


class Closed(Exception):
    """The connection ended; ``code`` is that of the close frame, 1006 without one."""

    def __init__(self, code: int) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class RawStream:
    """One connection to a path of the bench's server."""

    def __init__(self, bench: Bench, path: str) -> None:
        self._bench = bench
        self._url = bench.server.ws_url + path

    def __enter__(self) -> Self:
        self._runner = asyncio.Runner()
        try:
            self._runner.run(self._open())
        except BaseException:
            self._runner.close()
            raise
        return self

    async def _open(self) -> None:
        self._http = aiohttp.ClientSession()
        try:
            self._socket = await self._http.ws_connect(self._url, autoping=False)
        except BaseException:
            await self._http.close()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        async def close() -> None:
            await self._socket.close()
            await self._http.close()

        self._runner.run(close())
        self._runner.close()

    def send(self, **message: object) -> None:
        self.send_text(json.dumps(message))

    def send_text(self, text: str) -> None:
        self._runner.run(self._socket.send_str(text))

    def ping_frame(self, payload: bytes) -> bytes:
        """Send a PING frame and return what the PONG frame carries."""

        async def there_and_back() -> aiohttp.WSMessage:
            await self._socket.ping(payload)
            return await self._socket.receive(timeout=WAIT_S)

        message = self._runner.run(there_and_back())
        assert message.type is aiohttp.WSMsgType.PONG
        return cast(bytes, message.data)

    def next(self, wait_s: float = WAIT_S) -> Json:
        """Return the next message; ``Closed`` when the connection ended, ``TimeoutError``."""
        message = self._runner.run(self._receive(wait_s))
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise Closed(self._socket.close_code or 1006)
        return cast(Json, json.loads(message.data))

    async def _receive(self, wait_s: float) -> aiohttp.WSMessage:
        return await self._socket.receive(timeout=wait_s)

    def ask(self, **message: object) -> Json:
        """Send a message and return the next one that comes."""
        self.send(**message)
        return self.next()

    def waiting(self) -> list[Json]:
        """Return every message that was sent before now: a ping brings up the rear."""
        self.send(op="ping")
        found = []
        while not _is_pong(message := self.next()):
            found.append(message)
        return found

    def authenticate(self, key: str = KEY, secret: str = SECRET, *, late_ms: int = 10_000) -> Json:
        expires = self._bench.now_ms() + late_ms
        text = f"GET/realtime{expires}".encode()
        sign = hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
        return self.ask(op="auth", args=[key, expires, sign])

    def trade(self, op: str, params: object, **more: object) -> Json:
        """Send one operation of the trade stream and return its answer."""
        header = {"X-BAPI-TIMESTAMP": str(self._bench.now_ms())}
        return self.ask(**{"header": header, "op": op, "args": [params], **more})


def _is_pong(message: Json) -> bool:
    return message.get("op") == "pong" or message.get("ret_msg") == "pong"


def order_params(**more: object) -> Json:
    """A small market buy, or what ``more`` makes of it."""
    plain = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Market"}
    return {**plain, "qty": "0.01", **more}
