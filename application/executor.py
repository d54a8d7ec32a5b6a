"""Orders: every family of entries, reductions, changes and cancels, each waited for to its outcome.

Every call becomes one input of the core, and its outcome is read from what was recorded and from
the books, which know an order by the venue's own record.
"""

from collections.abc import Callable, Collection, Sequence
from functools import partial
from itertools import count
from typing import TypeVar

import attrs
from tidegate.domain.core import inputs as given
from tidegate.domain.core.state import Books
from tidegate.domain.money import Price, Qty, Rate
from tidegate.domain.orders import (
    ClientId,
    ProtectiveLeg,
    Purpose,
    Role,
    Symbol,
    TimeInForce,
)
from tidegate.domain.signal import Signal
from tidegate.domain.trade import CloseReason
from tidegate.domain.triggers import TriggerSpec
from tidegate.ports.clock import KeyPort
from tidegate.ports.exchange import VenueError
from tidegate.ports.orders import (
    AmendOutcome,
    BatchAmendOutcome,
    BatchCancelOutcome,
    BatchOutcome,
    CancelOutcome,
    CancelScope,
    Closing,
    Failed,
    FailedOrder,
    Fill,
    Left,
    Nothing,
    OpenOutcome,
    OrderChange,
    OrdersPort,
    ReduceOutcome,
    Refused,
    TimedOut,
)
from tidegate.ports.state import StatePort

from .closer import PositionCloser
from .decisions import Decisions
from .order_batches import Batch, Begun, at_once
from .order_outcomes import (
    amended,
    are_over,
    ended,
    is_amended,
    is_finished,
    is_open,
    is_placed,
    reduced,
    with_cause,
)
from .requests import Request, Requests
from .runner import Runner
from .specs import SpecTooOld
from .tracking import SymbolTracker

__all__ = ["OrderExecutor"]

S = TypeVar("S")
T = TypeVar("T")
F = TypeVar("F")


class OrderExecutor(OrdersPort):
    """Turns calls about orders into inputs and waits for what becomes of them."""

    def __init__(
        self,
        *,
        runner: Runner,
        state_port: StatePort,
        keys: KeyPort,
        tracker: SymbolTracker | None = None,
    ) -> None:
        self._runner = runner
        self._state_port = state_port
        self._keys = keys
        self._tracker = tracker or SymbolTracker(runner)
        self._decisions = Decisions()
        self._requests = Requests()
        self._closer = PositionCloser(runner, self._key)
        runner.engine.listen(self._decisions.take)
        runner.engine.listen(self._requests.take)

    @property
    def _books(self) -> Books:
        return self._runner.state.books

    def execute(self, signal: Signal, *, timeout_ms: int = 10_000) -> OpenOutcome:
        """See :meth:`OrdersPort.execute`."""
        untracked = self._tracker.track(signal.symbol)
        if isinstance(untracked, SpecTooOld):
            return untracked.refusal()
        return self._wait(self._open(signal, untracked), timeout_ms)

    def _open(self, signal: Signal, untracked: VenueError | None) -> Begun[OpenOutcome]:
        """Hand a signal over; ``untracked`` is what the venue would not tell of its symbol."""
        key = self._keys.key(signal.signal_id)
        order_id = self._books.client_id(key, Purpose(Role.ENTRY), 0)
        decision = self._decisions.expect(signal.signal_id, key)
        begun = Begun(
            is_settled=lambda: decision.is_settled(self._books, order_id),
            outcome=lambda: with_cause(decision.outcome(self._books, order_id), untracked),
            forget=lambda: self._decisions.forget(decision),
        )
        self._deliver(given.OpenRequest(signal=signal, key=key), begun)
        return begun

    def _deliver(self, item: given.Input, begun: Begun[T]) -> None:
        """Hand an input over; where that fails nothing is waited for any more."""
        try:
            self._runner.deliver(item)
        except BaseException:
            begun.forget()
            raise

    def _wait(self, begun: Begun[T], timeout_ms: int) -> T | TimedOut:
        try:
            done = self._runner.wait(begun.is_settled, timeout_ms=timeout_ms)
            return begun.outcome() if done else TimedOut(waited_ms=timeout_ms)
        finally:
            begun.forget()

    def execute_with_leverage(
        self, signal: Signal, leverage: Rate, *, timeout_ms: int = 10_000
    ) -> OpenOutcome:
        """See :meth:`OrdersPort.execute_with_leverage`."""
        return self.execute(attrs.evolve(signal, leverage=leverage), timeout_ms=timeout_ms)

    def execute_batch(
        self, signals: Sequence[Signal], *, timeout_ms: int = 10_000
    ) -> tuple[BatchOutcome, ...]:
        """See :meth:`OrdersPort.execute_batch`."""
        # Entries that wait for an answer hold no more than half of the places for orders.
        pending_max = self._runner.engine.config.limits.pending_orders_max
        most = max(1, min(self._runner.batch_max, pending_max // 2))
        known: dict[Symbol, VenueError | None] = {}
        places = count()

        def begin(signal: Signal) -> Begun[OpenOutcome]:
            if next(places) % most == 0:
                # Once for many signals, and again before what is known of the symbols is old.
                known.clear()
            if signal.symbol not in known:
                known[signal.symbol] = self._tracker.track(signal.symbol)
            untracked = known[signal.symbol]
            if isinstance(untracked, SpecTooOld):
                return at_once(untracked.refusal())
            return self._open(signal, untracked)

        def failed(signal: Signal, error: Exception) -> Failed:
            return Failed(signal_id=signal.signal_id, error=str(error))

        return self._all(signals, begin, failed, most=most, timeout_ms=timeout_ms)

    def _all(
        self,
        items: Sequence[S],
        begin: Callable[[S], Begun[T]],
        failed: Callable[[S, Exception], F],
        *,
        most: int,
        timeout_ms: int,
    ) -> tuple[T | F | TimedOut, ...]:
        batch: Batch[T | F] = Batch(self._runner, most=most, timeout_ms=timeout_ms)
        with batch:
            for item in items:
                batch.add(partial(begin, item), partial(failed, item))
            return batch.end()

    def reduce(
        self,
        symbol: Symbol,
        *,
        qty: Qty | None = None,
        price: Price | None = None,
        time_in_force: TimeInForce | None = None,
        trigger: TriggerSpec | None = None,
        close_on_trigger: bool = False,
        by_operator: bool = True,
        timeout_ms: int = 10_000,
    ) -> ReduceOutcome:
        """See :meth:`OrdersPort.reduce`."""
        self._tracker.track(symbol)
        key = self._key("reduce", symbol)
        item = given.ReduceRequest(
            key=key,
            symbol=symbol,
            qty=qty,
            price=price,
            time_in_force=time_in_force,
            trigger=trigger,
            close_on_trigger=close_on_trigger,
            by_operator=by_operator,
        )
        begun = self._ask(key, item, is_placed, lambda books, asked: reduced(books, asked, qty))
        return self._wait(begun, timeout_ms)

    def amend(
        self,
        client_id: ClientId,
        *,
        qty: Qty | None = None,
        price: Price | None = None,
        trigger_price: Price | None = None,
        stop_loss: ProtectiveLeg | None = None,
        take_profit: ProtectiveLeg | None = None,
        timeout_ms: int = 10_000,
    ) -> AmendOutcome:
        """See :meth:`OrdersPort.amend`."""
        change = OrderChange(
            client_id=client_id,
            qty=qty,
            price=price,
            trigger_price=trigger_price,
            stop_loss=stop_loss,
            take_profit=take_profit,
        )
        self._track({client_id})
        return self._wait(self._amend(change, self._key("amend", client_id)), timeout_ms)

    def amend_batch(
        self, changes: Sequence[OrderChange], *, timeout_ms: int = 10_000
    ) -> tuple[BatchAmendOutcome, ...]:
        """See :meth:`OrdersPort.amend_batch`."""
        self._track({change.client_id for change in changes})
        key = self._keys_of("amend", len(changes))
        return self._all(
            changes,
            lambda change: self._amend(change, key()),
            lambda change, error: FailedOrder(client_id=change.client_id, error=str(error)),
            most=self._runner.batch_max,
            timeout_ms=timeout_ms,
        )

    def _track(self, names: Collection[ClientId]) -> None:
        """Load what the core may need to judge changes of these orders, each symbol once."""
        orders = (self._books.order(name) for name in names)
        for symbol in sorted({order.request.symbol for order in orders if order is not None}):
            self._tracker.track(symbol)

    def _amend(self, change: OrderChange, key: str) -> Begun[AmendOutcome]:
        item = given.AmendRequest(
            key=key,
            client_id=change.client_id,
            qty=change.qty,
            price=change.price,
            trigger_price=change.trigger_price,
            stop_loss=change.stop_loss,
            take_profit=change.take_profit,
        )
        return self._ask(key, item, is_amended, amended)

    def cancel(self, client_id: ClientId, *, timeout_ms: int = 10_000) -> CancelOutcome:
        """See :meth:`OrdersPort.cancel`."""
        key = self._key("cancel", client_id)
        item = given.CancelRequest(key=key, client_id=client_id)
        return self._wait(self._cancel(item), timeout_ms)

    def cancel_batch(
        self, client_ids: Sequence[ClientId], *, timeout_ms: int = 10_000
    ) -> tuple[BatchCancelOutcome, ...]:
        """See :meth:`OrdersPort.cancel_batch`."""
        key = self._keys_of("cancel", len(client_ids))
        return self._all(
            client_ids,
            lambda name: self._cancel(given.CancelRequest(key=key(), client_id=name)),
            lambda name, error: FailedOrder(client_id=name, error=str(error)),
            most=self._runner.batch_max,
            timeout_ms=timeout_ms,
        )

    def cancel_all(
        self,
        symbol: Symbol | None = None,
        *,
        scope: CancelScope = CancelScope.OURS,
        timeout_ms: int = 60_000,
    ) -> CancelOutcome:
        """See :meth:`OrdersPort.cancel_all`."""
        key = self._key("cancel all", symbol or "")
        if scope is CancelScope.OURS:
            ours_alone = given.CancelRequest(key=key, symbol=symbol)
            return self._wait(self._cancel(ours_alone), timeout_ms)
        ours = tuple(
            name
            for name, order in self._books.orders.items()
            if symbol in {None, order.request.symbol} and order.is_open
        )
        mass = given.MassCancelRequest(
            key=key, symbol=symbol, with_stops=scope is CancelScope.EVERYONES_AND_STOPS
        )

        def outcome(books: Books, asked: Request) -> CancelOutcome:
            assert asked.mass_cancel is not None, f"request {key} is settled without an end"
            if asked.mass_cancel.remaining:
                return Left(remaining=asked.mass_cancel.remaining)
            return ended(books, tuple(name for name in ours if not is_open(books, name)))

        begun = self._ask(key, mass, lambda _, asked: asked.mass_cancel is not None, outcome)
        return self._wait(begun, timeout_ms)

    def _cancel(self, item: given.CancelRequest) -> Begun[CancelOutcome]:
        return self._ask(
            item.key, item, are_over, lambda books, asked: ended(books, asked.cancels or ())
        )

    def _ask(
        self,
        key: str,
        item: given.Input,
        is_done: Callable[[Books, Request], bool],
        outcome: Callable[[Books, Request], T],
    ) -> Begun[T | Refused]:
        """Hand an operator's request over; a refusal of the core ends it too."""
        asked = self._requests.expect(key)
        begun: Begun[T | Refused] = Begun(
            is_settled=lambda: asked.refused is not None or is_done(self._books, asked),
            outcome=lambda: asked.refused or outcome(self._books, asked),
            forget=lambda: self._requests.forget(asked),
        )
        self._deliver(item, begun)
        return begun

    def _key(self, act: str, subject: str) -> str:
        return self._keys.key(f"{act} {subject} {self._state_port.version()}")

    def _keys_of(self, act: str, size: int) -> Callable[[], str]:
        """Return what gives a key for each of several: one order may be named twice."""
        version, places = self._state_port.version(), count(1)
        return lambda: self._keys.key(f"{act} {next(places)} of {size} {version}")

    def close_position(
        self,
        symbol: Symbol,
        *,
        timeout_ms: int = 10_000,
        reason: CloseReason = CloseReason.OPERATOR,
    ) -> Closing | Nothing:
        """See :meth:`OrdersPort.close_position`."""
        (outcome,) = self.close_positions((symbol,), timeout_ms=timeout_ms, reason=reason)
        return outcome

    def close_all(self, *, timeout_ms: int = 10_000) -> tuple[Closing, ...]:
        """See :meth:`OrdersPort.close_all`."""
        outcomes = self.close_positions(sorted(self._books.positions), timeout_ms=timeout_ms)
        return tuple(outcome for outcome in outcomes if isinstance(outcome, Closing))

    def close_positions(
        self,
        symbols: Sequence[Symbol],
        *,
        timeout_ms: int = 10_000,
        reason: CloseReason = CloseReason.OPERATOR,
    ) -> tuple[Closing | Nothing, ...]:
        """See :meth:`OrdersPort.close_positions`."""
        return self._closer.close(symbols, timeout_ms=timeout_ms, reason=reason)

    def wait_for_fill(self, client_id: ClientId, *, timeout_ms: int) -> Fill | TimedOut:
        """See :meth:`OrdersPort.wait_for_fill`."""
        if self._books.order(client_id) is None:
            raise KeyError(f"order {client_id} is not known: it was never placed or is long over")
        done = self._runner.wait(
            lambda: is_finished(self._books.order(client_id)), timeout_ms=timeout_ms
        )
        order = self._books.order(client_id)
        if order is None:
            raise KeyError(f"order {client_id} ended and was forgotten while it was waited for")
        if not done:
            return TimedOut(waited_ms=timeout_ms)
        return Fill(
            client_id=client_id,
            qty_filled=order.qty_filled,
            value_filled=order.value_filled,
            is_finished=True,
        )
