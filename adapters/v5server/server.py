"""The server: one thread with one loop, on which the exchange lives from start to stop."""

import asyncio
import ipaddress
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import Self, TypeVar

from aiohttp import web

from .app import build_app
from .exchange import Exchange

__all__ = ["START_WAIT_SECONDS_MAX", "ServerError", "V5Server"]

T = TypeVar("T")

START_WAIT_SECONDS_MAX = 30
"""How long start, stop and a call on the loop may take before they give up."""

_HANDLERS_WAIT_SECONDS = 0.2


class ServerError(Exception):
    """The server could not do what was asked; the message says why."""


def _check_host(host: str, *, allow_remote: bool) -> None:
    try:
        is_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = host == "localhost"
    if not is_loopback and not allow_remote:
        raise ServerError(
            f"host {host!r} is not this machine alone: 127.0.0.1, ::1 and localhost are accepted, "
            "others with allow_remote"
        )


class V5Server:
    """A venue behind the V5 protocol, for one process.

    ``exchange_factory`` is called on the server's loop; the exchange is closed there too. Port 0
    takes any free port. With ``tls`` the URLs are ``https`` and ``wss``.

    Raises:
        ServerError: a host that is not this machine without ``allow_remote``; as a context, what
            :meth:`start` and :meth:`stop` raise.

    """

    def __init__(
        self,
        exchange_factory: Callable[[], Exchange],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        allow_remote: bool = False,
    ) -> None:
        _check_host(host, allow_remote=allow_remote)
        self._factory = exchange_factory
        self._host, self._wanted_port, self._tls = host, port, tls
        self._port = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._exchange: Exchange | None = None
        self._stopping: asyncio.Event | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def rest_url(self) -> str:
        """Return the base URL of REST, without a slash at its end.

        Raises:
            ServerError: it does not run, so it has no address.

        """
        return f"{'https' if self._tls else 'http'}://{self._authority()}"

    @property
    def ws_url(self) -> str:
        """Return the base URL of the streams, without a slash at its end.

        Raises:
            ServerError: it does not run, so it has no address.

        """
        return f"{'wss' if self._tls else 'ws'}://{self._authority()}"

    def _authority(self) -> str:
        if self._port == 0:
            raise ServerError("the server has no address: it was not started")
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{host}:{self._port}"

    def start(self) -> None:
        """Start the thread, and return when the server listens.

        Raises:
            ServerError: it runs already, or it could not listen.

        """
        if self._thread is not None:
            raise ServerError("the server was started already")
        started: Future[int] = Future()
        thread = threading.Thread(target=self._run, args=(started,), name="v5server", daemon=True)
        self._thread = thread
        thread.start()
        try:
            self._port = started.result(START_WAIT_SECONDS_MAX)
        except Exception as error:
            thread.join(START_WAIT_SECONDS_MAX)
            self._thread = None
            raise ServerError(f"the server did not start: {error}") from error

    def stop(self) -> None:
        """Close every connection and the exchange, end the thread. A second call is harmless.

        Raises:
            ServerError: the thread did not end in time.

        """
        thread, loop, stopping = self._thread, self._loop, self._stopping
        if thread is None or loop is None or stopping is None:
            return
        loop.call_soon_threadsafe(stopping.set)
        thread.join(START_WAIT_SECONDS_MAX)
        if thread.is_alive():
            raise ServerError(f"the server did not stop within {START_WAIT_SECONDS_MAX} s")
        self._thread, self._loop, self._port = None, None, 0

    def call(self, function: Callable[[Exchange], T]) -> T:
        """Run ``function`` with the exchange on the server's loop, and return what it returns.

        Any thread may call; from the loop itself the function runs at once.

        Raises:
            ServerError: the server does not run.

        """
        loop, exchange, thread = self._loop, self._exchange, self._thread
        if loop is None or exchange is None:
            raise ServerError("the server does not run: start it first")
        if threading.current_thread() is thread:
            return function(exchange)
        done = asyncio.run_coroutine_threadsafe(_on_loop(function, exchange), loop)
        return done.result(START_WAIT_SECONDS_MAX)

    def _run(self, started: "Future[int]") -> None:
        try:
            asyncio.run(self._serve(started))
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    async def _serve(self, started: "Future[int]") -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        exchange = self._factory()
        self._exchange = exchange
        runner = web.AppRunner(
            build_app(exchange),
            access_log=None,
            shutdown_timeout=_HANDLERS_WAIT_SECONDS,
        )
        try:
            await runner.setup()
            site = web.TCPSite(runner, self._host, self._wanted_port, ssl_context=self._tls)
            await site.start()
            started.set_result(runner.addresses[0][1])
            await self._stopping.wait()
        finally:
            self._exchange = None
            await runner.cleanup()
            exchange.close()


async def _on_loop(function: Callable[[Exchange], T], exchange: Exchange) -> T:
    return function(exchange)
