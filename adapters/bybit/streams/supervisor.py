"""Keeps one stream up: a new connection after every end, and every subscription again.

A stream is up when it is connected, authenticated, and every wanted topic was accepted. Whatever
ends a connection, the next one is a new object; nothing of the old one is used again. Runs on the
loop of the I/O thread.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable

import attrs

from .backoff import Backoff, ConnectionBudget
from .connection import Connection
from .errors import AnswerOverdue, StreamTrouble, SubscriptionRefused

__all__ = ["TOPICS_CHARS_MAX", "Supervisor", "Watchers"]

TOPICS_CHARS_MAX = 21_000
"""How long all topics of one public connection may be together (Bybit V5, connect)."""
_LOG = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class Watchers:
    """Who hears that the stream came up, or went down and why. Called on the I/O thread."""

    on_up: Callable[[], None]
    on_down: Callable[[str], None]


class Supervisor:
    """One stream, for as long as it is wanted.

    It is up without the ``dispensable`` ones among its topics when the venue refuses them.

    Raises:
        ValueError: the topics are too long for one connection.

    """

    def __init__(
        self,
        name: str,
        *,
        build: Callable[[], Connection],
        topics: Iterable[str],
        dispensable: Iterable[str] = (),
        backoff: Backoff,
        budget: ConnectionBudget,
        watchers: Watchers,
    ) -> None:
        self._name = name
        self._build = build
        self._wanted: dict[str, None] = dict.fromkeys(topics)
        self._dispensable = frozenset(dispensable)
        self._subscribed: set[str] = set()
        self._backoff = backoff
        self._budget = budget
        self._watchers = watchers
        self._connection: Connection | None = None
        self._is_up = False
        self._stopping = asyncio.Event()
        self._errands: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None
        _check_length(self._wanted)

    @property
    def connection(self) -> Connection | None:
        """The connection while the stream is up."""
        return self._connection if self._is_up else None

    @property
    def topics(self) -> tuple[str, ...]:
        """Every wanted topic."""
        return tuple(self._wanted)

    def start(self) -> None:
        """Begin to connect."""
        self._task = asyncio.get_running_loop().create_task(self._keep_up())

    async def stop(self) -> None:
        """End the connection and every errand; afterwards nothing of the stream is left."""
        self._stopping.set()
        if self._connection is not None:
            self._connection.close("closed on request")
        tasks = [*self._errands, *([] if self._task is None else [self._task])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def add(self, topics: Iterable[str]) -> None:
        """Want more topics, and subscribe to them at once when the stream is up.

        Raises:
            SubscriptionRefused: the venue refused; these topics are not wanted any more.
            StreamTrouble: no answer; they stay wanted and the next connection subscribes to them.
            ValueError: when all topics together would be too long for one connection.

        """
        new = [topic for topic in topics if topic not in self._wanted]
        _check_length([*self._wanted, *new])
        self._wanted.update(dict.fromkeys(new))
        if self._is_up and self._connection is not None and new:
            await self._subscribe_now(self._connection, new)

    async def remove(self, topics: Iterable[str]) -> None:
        """Want topics no more, and end their subscriptions when the stream is up."""
        gone = [topic for topic in topics if topic in self._wanted]
        for topic in gone:
            del self._wanted[topic]
        live = [topic for topic in gone if topic in self._subscribed]
        self._subscribed.difference_update(live)
        if self.connection is not None and live:
            await self.connection.unsubscribe(live)

    def renew(self, topic: str, cause: str) -> None:
        """Subscribe to a topic anew, for its snapshot; a failure replaces the connection."""
        connection = self.connection
        if connection is None or topic not in self._wanted:
            return
        _LOG.warning("%s: %s is subscribed anew: %s", self._name, topic, cause)
        errand = asyncio.get_running_loop().create_task(self._renew(connection, topic))
        self._errands.add(errand)
        errand.add_done_callback(self._errands.discard)

    async def _renew(self, connection: Connection, topic: str) -> None:
        try:
            await connection.unsubscribe([topic])
            if topic in self._wanted:
                await connection.subscribe([topic])
        except StreamTrouble as trouble:
            connection.close(f"{topic} could not be subscribed anew: {trouble}")

    async def _subscribe_now(self, connection: Connection, topics: list[str]) -> None:
        try:
            await connection.subscribe(topics)
        except SubscriptionRefused:
            for topic in topics:
                self._wanted.pop(topic, None)
            raise
        except AnswerOverdue as overdue:
            connection.close(str(overdue))
            raise
        self._subscribed.update(topics)

    # -- the stream's life -------------------------------------------------------------------------

    async def _keep_up(self) -> None:
        while not self._stopping.is_set():
            await self._wait_for_budget()
            cause = await self._one_connection()
            if self._stopping.is_set():
                return
            pause_ms = self._backoff.next_pause_ms()
            _LOG.warning("%s: down: %s; next attempt in %d ms", self._name, cause, pause_ms)
            self._watchers.on_down(cause)
            await self._pause(pause_ms)

    async def _one_connection(self) -> str:
        loop = asyncio.get_running_loop()
        connection = self._connection = self._build()
        up_since_s: float | None = None
        try:
            await connection.open()
            await self._subscribe_all(connection)
            up_since_s = loop.time()
            self._is_up = True
            self._watchers.on_up()
            return await connection.wait_closed()
        except StreamTrouble as trouble:
            return str(trouble)
        except Exception as fault:  # noqa: BLE001 - a fault of our own must not end the supervision
            _LOG.exception("%s: a fault while the stream was being opened", self._name)
            return f"{type(fault).__name__}: {fault}"
        finally:
            self._is_up = False
            self._connection = None
            self._subscribed.clear()
            connection.close("given up")
            if up_since_s is not None:
                self._backoff.was_up_for(int((loop.time() - up_since_s) * 1000))

    async def _subscribe_all(self, connection: Connection) -> None:
        # Topics may be added while an answer is awaited; they belong to being up as well.
        while missing := [topic for topic in self._wanted if topic not in self._subscribed]:
            needed = [topic for topic in missing if topic not in self._dispensable]
            if needed:
                await connection.subscribe(needed)
            else:
                await self._try_to_subscribe(connection, missing)
            self._subscribed.update(needed or missing)

    async def _try_to_subscribe(self, connection: Connection, topics: list[str]) -> None:
        try:
            await connection.subscribe(topics)
        except SubscriptionRefused as refused:
            _LOG.error("%s: goes on without a topic: %s", self._name, refused)

    async def _wait_for_budget(self) -> None:
        while (wait_ms := self._budget.wait_ms()) > 0:
            cause = f"the bound on new connections is reached; next one in {wait_ms} ms"
            self._watchers.on_down(cause)
            await self._pause(wait_ms)
        self._budget.spend()

    async def _pause(self, pause_ms: int) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), pause_ms / 1000)
        except TimeoutError:
            return


def _check_length(topics: Iterable[str]) -> None:
    length = sum(len(topic) for topic in topics)
    if length > TOPICS_CHARS_MAX:
        raise ValueError(
            f"the topics of one connection are {length} characters long; accepted: at most "
            f"{TOPICS_CHARS_MAX}"
        )
