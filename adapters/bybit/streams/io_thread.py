"""One thread with one event loop, for every socket of one hub."""

import asyncio
import concurrent.futures
import contextlib
import logging
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

__all__ = ["IoThread"]

T = TypeVar("T")
_LOG = logging.getLogger(__name__)


class IoThread:
    """A thread that runs an event loop until it is closed.

    Closing cancels what still runs, waits for it, closes the loop and joins the thread, so that
    neither a thread nor a descriptor is left.
    """

    def __init__(self, name: str, *, close_wait_ms: int) -> None:
        self._loop = asyncio.new_event_loop()
        self._close_wait_s = close_wait_ms / 1000
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._lock = threading.Lock()
        self._is_closed = False

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that the thread runs."""
        return self._loop

    @property
    def is_closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._is_closed

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def soon(self, act: Callable[[], object]) -> bool:
        """Run ``act`` on the thread soon; ``False`` when it is closed and ``act`` will not run."""
        try:
            self._loop.call_soon_threadsafe(act)
        except RuntimeError:
            _LOG.debug("the streams' thread is closed: %r is not run", act)
            return False
        return True

    def run(self, work: Coroutine[Any, Any, T], *, wait_ms: int) -> T:
        """Run a coroutine on the thread and wait for its result.

        Raises:
            TimeoutError: when it did not finish within ``wait_ms``; it is cancelled.
            RuntimeError: when the thread is closed, or is the caller's own.

        """
        if self._is_closed or threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError("the streams' thread is closed, or would wait for itself")
        try:
            running = asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError:
            work.close()
            raise
        try:
            return running.result(wait_ms / 1000)
        except concurrent.futures.CancelledError:
            raise RuntimeError("the streams' thread was closed meanwhile") from None
        except concurrent.futures.TimeoutError:
            running.cancel()
            raise TimeoutError(f"not done within {wait_ms} ms") from None

    def close(self) -> None:
        """Stop the loop and join the thread. A second call, or one by the thread, is harmless."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
        self._loop.call_soon_threadsafe(self._loop.stop)
        if threading.current_thread() is not self._thread:
            self._thread.join(self._close_wait_s * 2)
            if self._thread.is_alive():
                _LOG.error("the streams' thread did not end within its deadline: it is left behind")

    def _work(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._cancel_all()
            asyncio.set_event_loop(None)
            self._loop.close()

    def _cancel_all(self) -> None:
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        with contextlib.suppress(TimeoutError):
            self._loop.run_until_complete(
                asyncio.wait_for(_ended(tasks, self._loop), self._close_wait_s)
            )


async def _ended(tasks: set["asyncio.Task[Any]"], loop: asyncio.AbstractEventLoop) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)
    # One more turn: transports that were aborted free their descriptors in it.
    turned = loop.create_future()
    loop.call_soon(turned.set_result, None)
    await turned
    await loop.shutdown_default_executor()
