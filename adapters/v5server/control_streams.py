"""Faults of the streams, by hand: connections that end, pushes that come late, twice or never."""

from collections.abc import Callable

from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Origin
from tidegate.ports.exchange import Rejected

from .control_base import ControlBase, ControlRefused, account_of, accounts_of
from .exchange import Exchange
from .pushes import Down
from .ws_faults import PrivateFaults
from .ws_session import StreamKind

__all__ = ["StreamControl"]

PRIVATE_TOPICS = ("order", "execution", "position", "wallet")


class StreamControl(ControlBase):
    """Disturbs connections and private pushes. Without an ``account_key`` every account suffers."""

    # Connections

    def close_streams(self, kind: StreamKind, code: int = 1001) -> int:
        """Close every connection of a stream with a close frame; return how many there were."""

        def act(exchange: Exchange) -> int:
            sessions = exchange.pushes.sessions(kind)
            for session in sessions:
                session.close(code)
            return len(sessions)

        return self._call(act)

    def abort_streams(self, kind: StreamKind) -> int:
        """Reset every connection of a stream; return how many there were."""

        def act(exchange: Exchange) -> int:
            sessions = exchange.pushes.sessions(kind)
            for session in sessions:
                session.abort()
            return len(sessions)

        return self._call(act)

    def silence_streams(self, kind: StreamKind, is_silent: bool = True) -> int:
        """Let every open connection of a stream go dead without closing: not even pongs come."""

        def act(exchange: Exchange) -> int:
            sessions = exchange.pushes.sessions(kind)
            for session in sessions:
                session.is_silent = is_silent
            return len(sessions)

        return self._call(act)

    def disconnect(
        self, kind: StreamKind = StreamKind.PRIVATE, accepts_and_closes: bool = False
    ) -> None:
        """Reset a stream and keep it down until :meth:`reconnect`.

        New connections are refused with HTTP 503, or accepted and closed at once.
        """

        def act(exchange: Exchange) -> None:
            exchange.pushes.down[kind] = Down(accepts_and_closes=accepts_and_closes)
            for session in exchange.pushes.sessions(kind):
                session.abort()

        self._call(act)

    def reconnect(self, kind: StreamKind = StreamKind.PRIVATE) -> None:
        """Take connections again; clients come back by themselves."""

        def act(exchange: Exchange) -> None:
            exchange.pushes.down.pop(kind, None)

        self._call(act)

    def refuse_auth(self, count: int = 1) -> None:
        """Refuse the next authentications of streams."""

        def act(exchange: Exchange) -> None:
            exchange.pushes.auth_refusals += count

        self._call(act)

    def connections(self, kind: StreamKind) -> int:
        """Return how many connections of a stream are open."""
        return self._call(lambda exchange: len(exchange.pushes.sessions(kind)))

    # When messages leave

    def set_ack_delay(self, ms: int) -> None:
        """Set how late acknowledgements of the streams are; 0 is at once."""

        def act(exchange: Exchange) -> None:
            exchange.pushes.ack_delay_ms = _not_negative(ms)

        self._call(act)

    def set_push_delay(self, ms: int, topic: str | None = None) -> None:
        """Set how late private pushes are; for one topic it is added to that of all."""

        def act(exchange: Exchange) -> None:
            if topic is None:
                exchange.pushes.push_delay_ms = _not_negative(ms)
            else:
                exchange.pushes.topic_delays_ms[_topic(topic)] = _not_negative(ms)

        self._call(act)

    def set_book_pace(self, interval_ms: int = 0, best_repeat_ms: int = 0) -> None:
        """Set how often books are told, and after how long a quiet level 1 is told again.

        0 tells every change at once, and never repeats.
        """

        def act(exchange: Exchange) -> None:
            exchange.pushes.book_interval_ms = _not_negative(interval_ms)
            exchange.pushes.best_repeat_ms = _not_negative(best_repeat_ms)
            exchange.market.is_book_held = interval_ms > 0
            exchange.market.tell_books()

        self._call(act)

    def set_ack_first(self, is_first: bool) -> None:
        """Choose whether pushes of the trade stream's orders wait for the acknowledgement."""

        def act(exchange: Exchange) -> None:
            exchange.pushes.is_ack_first = is_first

        self._call(act)

    def set_topic_order(self, topics: tuple[str, ...], account_key: str | None = None) -> None:
        """Choose which private topics leave first when several are pushed together."""
        order = tuple(map(_topic, topics))

        def act(faults: PrivateFaults) -> None:
            faults.topic_order = order

        self._each(account_key, act)

    def _each(self, account_key: str | None, act: Callable[[PrivateFaults], None]) -> None:
        def every(exchange: Exchange) -> None:
            for account in accounts_of(exchange, account_key):
                act(exchange.pushes.faults(account.key))

        self._call(every)

    # Private pushes

    def hold_pushes(self, account_key: str | None = None) -> None:
        """Keep private pushes back until :meth:`release_pushes`."""

        def act(faults: PrivateFaults) -> None:
            faults.is_holding = True

        self._each(account_key, act)

    def release_pushes(self, account_key: str | None = None) -> None:
        """Send what was kept back."""

        def act(exchange: Exchange) -> None:
            for account in accounts_of(exchange, account_key):
                exchange.pushes.release(account.key)

        self._call(act)

    def repeat_next_push(
        self, topic: str = "execution", count: int = 1, account_key: str | None = None
    ) -> None:
        """Send the next pushes of a topic twice.

        Raises:
            ControlRefused: there is no such private topic; the text names those there are.

        """
        name = _topic(topic)

        def act(faults: PrivateFaults) -> None:
            faults.repeat[name] = faults.repeat.get(name, 0) + count

        self._each(account_key, act)

    def lose_next_push(
        self, topic: str = "execution", count: int = 1, account_key: str | None = None
    ) -> None:
        """Do not send the next pushes of a topic at all.

        Raises:
            ControlRefused: there is no such private topic; the text names those there are.

        """
        name = _topic(topic)

        def act(faults: PrivateFaults) -> None:
            faults.lose[name] = faults.lose.get(name, 0) + count

        self._each(account_key, act)

    def double_next_filled(self, count: int = 1, account_key: str | None = None) -> None:
        """Tell the next filled orders twice, the second time as after a cancel that lost."""

        def act(faults: PrivateFaults) -> None:
            faults.double_filled += count

        self._each(account_key, act)

    def stale_next_position(self, count: int = 1, account_key: str | None = None) -> None:
        """Let the next position pushes be followed by an older row."""

        def act(faults: PrivateFaults) -> None:
            faults.stale_positions += count

        self._each(account_key, act)

    def silence_topic(
        self, topic: str = "wallet", is_silent: bool = True, account_key: str | None = None
    ) -> None:
        """Push nothing of a topic until it is taken back.

        Raises:
            ControlRefused: there is no such private topic; the text names those there are.

        """
        name = _topic(topic)

        def act(faults: PrivateFaults) -> None:
            (faults.silent_topics.add if is_silent else faults.silent_topics.discard)(name)

        self._each(account_key, act)

    # What the venue does by itself

    def cancel_leg(
        self, symbol: Symbol, leg: Origin = Origin.STOP_LOSS, account_key: str | None = None
    ) -> None:
        """Let the venue deactivate the oldest stop or target of a position.

        A leg of a pair takes its sibling with it; one for the whole position goes alone.
        """

        def act(exchange: Exchange) -> None:
            account = account_of(exchange, account_key)
            legs = [order for order in account.venue.open_orders(symbol) if order.origin is leg]
            if not legs:
                raise ControlRefused(f"account {account.key} has no {leg.value} in {symbol}")
            exchange.settle_time()
            done = account.venue.cancel(symbol, legs[0].venue_id)
            exchange.flush()
            if isinstance(done, Rejected):
                raise ControlRefused(f"cancelling {leg.value} was refused: {done.message}")

        self._call(act)


def _not_negative(ms: int) -> int:
    if ms < 0:
        raise ControlRefused(f"a delay of {ms} ms: zero or more is accepted")
    return ms


def _topic(topic: str) -> str:
    if topic not in PRIVATE_TOPICS:
        raise ControlRefused(f"topic {topic!r}: accepted are {', '.join(PRIVATE_TOPICS)}")
    return topic
