"""An operator's changes of a position's protection, and what became of them."""

import threading
from collections.abc import Callable

import attrs
from tidegate.domain.core import inputs as given
from tidegate.domain.core.events import (
    Event,
    ProtectionConfirmed,
    ProtectionFailed,
    ProtectionIntended,
    ProtectionRefused,
    ProtectionUnknown,
)
from tidegate.domain.money import ZERO, ZERO_DISTANCE, Distance, Price
from tidegate.domain.orders import Symbol, TriggerBy
from tidegate.domain.protection import PartialPair, ProtectionChange
from tidegate.ports.clock import KeyPort
from tidegate.ports.desk import TimedOut
from tidegate.ports.protection import (
    Protected,
    ProtectOutcome,
    ProtectRefused,
    ProtectRejected,
    ProtectUnresolved,
)

from .runner import Runner

__all__ = ["PositionProtection"]

_CLEAR = Price(ZERO)


class _Following:
    """Collects the events of one request. Written by the writer, read by the caller."""

    def __init__(self, symbol: Symbol, key: str) -> None:
        self.symbol = symbol
        self.key = key
        self.intended: ProtectionIntended | None = None
        self.unknown: ProtectionUnknown | None = None
        self.end: ProtectionConfirmed | ProtectionFailed | ProtectionRefused | None = None

    def take(self, event: Event) -> None:
        """Keep an event that speaks of this request."""
        match event:
            case ProtectionIntended() if event.key == self.key:
                self.intended = event
            case ProtectionUnknown() if event.key == self.key:
                self.unknown = event
            case ProtectionConfirmed() | ProtectionFailed() | ProtectionRefused():
                if event.key == self.key:
                    self.end = event
            case _:
                return

    def outcome(self, waited_ms: int) -> ProtectOutcome:
        """Say what became of the request by now."""
        match self.end:
            case ProtectionConfirmed():
                assert self.intended is not None, f"{self.key} was confirmed and never intended"
                return Protected(
                    symbol=self.symbol,
                    change=self.intended.change,
                    was_already=self.end.was_already,
                )
            case ProtectionFailed():
                return ProtectRejected(
                    symbol=self.symbol, reason=self.end.reason, message=self.end.message
                )
            case ProtectionRefused():
                return ProtectRefused(
                    symbol=self.symbol,
                    breaches=self.end.breaches,
                    missing=self.end.missing,
                    fault=self.end.fault,
                )
            case None:
                return self._unsettled(waited_ms)

    def _unsettled(self, waited_ms: int) -> ProtectOutcome:
        if self.unknown is not None:
            return ProtectUnresolved(symbol=self.symbol, cause=self.unknown.cause)
        if self.intended is not None:
            return ProtectUnresolved(symbol=self.symbol, cause="the venue does not show it yet")
        return TimedOut(waited_ms=waited_ms)


class PositionProtection:
    """Sets, moves and clears what protects a position, ours or foreign. Callable from any thread.

    Every request is judged and journaled before it leaves, and is done only when the venue shows
    it. A tighter stop is always allowed, HALTED included; a farther one, or none, is judged by the
    rules. Prices are rounded to the tick: stops toward the price, targets nearer. What was begun
    goes on after ``timeout_ms``.

    Raises:
        WriterStopped: nobody decides any more.
        ValueError: a negative price or distance, or a pair that is none.
        StateError: the journal cannot be read; nothing was sent.

    """

    def __init__(
        self,
        *,
        runner: Runner,
        keys: KeyPort,
        version: Callable[[], int],
        track: Callable[[Symbol], object],
    ) -> None:
        self._runner = runner
        self._version = version
        self._keys = keys
        self._track = track
        self._lock = threading.Lock()
        self._following: list[_Following] = []
        self._asked = 0
        runner.engine.listen(self._take)

    def set_stop(
        self,
        symbol: Symbol,
        price: Price,
        *,
        by: TriggerBy = TriggerBy.LAST,
        timeout_ms: int = 10_000,
    ) -> ProtectOutcome:
        """Set or move the stop of a whole position."""
        change = ProtectionChange(stop_loss=price, stop_loss_by=by)
        return self.change(symbol, change, timeout_ms=timeout_ms)

    def clear_stop(self, symbol: Symbol, *, timeout_ms: int = 10_000) -> ProtectOutcome:
        """Take the stop away: only where ``stop_required`` is false, and never while HALTED."""
        return self.change(symbol, ProtectionChange(stop_loss=_CLEAR), timeout_ms=timeout_ms)

    def set_take_profit(
        self,
        symbol: Symbol,
        price: Price,
        *,
        by: TriggerBy = TriggerBy.LAST,
        timeout_ms: int = 10_000,
    ) -> ProtectOutcome:
        """Set or move the take-profit of a whole position, beside the rungs of its ladder."""
        change = ProtectionChange(take_profit=price, take_profit_by=by)
        return self.change(symbol, change, timeout_ms=timeout_ms)

    def clear_take_profit(self, symbol: Symbol, *, timeout_ms: int = 10_000) -> ProtectOutcome:
        """Take the take-profit of the whole position away."""
        return self.change(symbol, ProtectionChange(take_profit=_CLEAR), timeout_ms=timeout_ms)

    def set_trailing(
        self,
        symbol: Symbol,
        distance: Distance,
        *,
        activation: Price | None = None,
        timeout_ms: int = 10_000,
    ) -> ProtectOutcome:
        """Let a stop follow the best price at ``distance``, from ``activation`` on, or at once.

        It comes beside the position's stop and replaces another trailing one.
        """
        change = ProtectionChange(trailing_distance=distance, trailing_activation=activation)
        return self.change(symbol, change, timeout_ms=timeout_ms)

    def clear_trailing(self, symbol: Symbol, *, timeout_ms: int = 10_000) -> ProtectOutcome:
        """Take the trailing stop away; it is not set again by itself."""
        change = ProtectionChange(trailing_distance=ZERO_DISTANCE)
        return self.change(symbol, change, timeout_ms=timeout_ms)

    def add_partial(
        self, symbol: Symbol, pair: PartialPair, *, timeout_ms: int = 10_000
    ) -> ProtectOutcome:
        """Add a stop-loss and a take-profit for a part of a position."""
        return self.change(symbol, ProtectionChange(pair=pair), timeout_ms=timeout_ms)

    def change(
        self, symbol: Symbol, change: ProtectionChange, *, timeout_ms: int = 10_000
    ) -> ProtectOutcome:
        """Make one change of a position's protection and wait until it is settled."""
        untracked = self._track(symbol)
        following = self._expect(symbol)
        try:
            self._runner.deliver(
                given.ProtectRequest(symbol=symbol, key=following.key, change=change)
            )
            self._runner.wait(lambda: following.end is not None, timeout_ms=timeout_ms)
        finally:
            with self._lock:
                self._following.remove(following)
        outcome = following.outcome(timeout_ms)
        if untracked is not None and isinstance(outcome, ProtectRefused) and outcome.fault:
            return attrs.evolve(outcome, fault=f"{outcome.fault} (the venue: {untracked})")
        return outcome

    def _expect(self, symbol: Symbol) -> _Following:
        with self._lock:
            self._asked += 1
            cause = f"protect {symbol} {self._version()} {self._asked}"
            following = _Following(symbol, self._keys.key(cause))
            self._following.append(following)
        return following

    def _take(self, event: Event, _: int) -> None:
        with self._lock:
            waiting = tuple(self._following)
        for following in waiting:
            following.take(event)
