"""Orders: every family of entries, reductions, changes and cancels, each waited for to its outcome.

Every call becomes one input of the core, and its outcome is read from what was recorded and from
the books, which know an order by the venue's own record.
"""

import logging
from collections.abc import Callable, Sequence

import attrs
from tidegate.domain.core import inputs as given
from tidegate.domain.core.state import Books, Order
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import ZERO_QTY, Price, Qty, Rate
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
    Amended,
    AmendOutcome,
    BatchOutcome,
    CancelledOrder,
    CancelOutcome,
    Cancels,
    CancelScope,
    Closing,
    Failed,
    Fill,
    Left,
    NotAmended,
    Nothing,
    OpenOutcome,
    OrdersPort,
    Reduced,
    ReduceOutcome,
    Refused,
    Rejected,
    TimedOut,
    Unresolved,
)
from tidegate.ports.state import StatePort

from .decisions import Decisions
from .requests import Request, Requests
from .runner import Runner
from .specs import SpecTooOld
from .tracking import SymbolTracker

__all__ = ["OrderExecutor"]

_LOG = logging.getLogger(__name__)
_NOT_LIVE = frozenset({Status.INTENDED, Status.ACKNOWLEDGED})


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
        key = self._keys.key(signal.signal_id)
        order_id = self._books.client_id(key, Purpose(Role.ENTRY), 0)
        decision = self._decisions.expect(signal.signal_id, key)
        try:
            self._runner.deliver(given.OpenRequest(signal=signal, key=key))
            done = self._runner.wait(
                lambda: decision.is_settled(self._books, order_id), timeout_ms=timeout_ms
            )
        finally:
            self._decisions.forget(decision)
        if not done:
            return TimedOut(waited_ms=timeout_ms)
        return _with_cause(decision.outcome(self._books, order_id), untracked)

    def execute_with_leverage(
        self, signal: Signal, leverage: Rate, *, timeout_ms: int = 10_000
    ) -> OpenOutcome:
        """See :meth:`OrdersPort.execute_with_leverage`."""
        return self.execute(attrs.evolve(signal, leverage=leverage), timeout_ms=timeout_ms)

    def execute_batch(
        self, signals: Sequence[Signal], *, timeout_ms: int = 10_000
    ) -> tuple[BatchOutcome, ...]:
        """See :meth:`OrdersPort.execute_batch`."""
        outcomes: list[BatchOutcome] = []
        for signal in signals:
            try:
                outcomes.append(self.execute(signal, timeout_ms=timeout_ms))
            except (RuntimeError, VenueError) as error:
                _LOG.warning("signal %s failed: %s", signal.signal_id, error)
                outcomes.append(Failed(signal_id=signal.signal_id, error=str(error)))
        return tuple(outcomes)

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
        asked, is_done = self._ask(key, item, self._is_placed, timeout_ms)
        if asked.refused is not None:
            return asked.refused
        return self._reduced(asked, qty) if is_done else TimedOut(waited_ms=timeout_ms)

    def _is_placed(self, asked: Request) -> bool:
        """Tell whether the venue's records, or its refusals, say what became of each order."""
        found = [self._books.order(name) for name in asked.orders]
        return bool(found) and all(o is None or o.status not in _NOT_LIVE for o in found)

    def _reduced(self, asked: Request, qty: Qty | None) -> ReduceOutcome:
        for name in asked.orders:
            order = self._books.order(name)
            if order is not None and order.status is Status.UNKNOWN:
                return Unresolved(client_id=name, cause="the venue did not answer in time")
        live = {n: order for n, order in asked.orders.items() if n not in asked.rejected}
        if not live:
            refused = next(iter(asked.rejected.values()))
            return Rejected(
                client_id=refused.client_id, reason=refused.reason, message=refused.message
            )
        total = sum((order.qty for order in live.values()), start=ZERO_QTY)
        return Reduced(client_ids=tuple(live), qty=total, asked=qty)

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
        order = self._books.order(client_id)
        if order is not None:
            self._tracker.track(order.request.symbol)
        key = self._key("amend", client_id)
        item = given.AmendRequest(
            key=key,
            client_id=client_id,
            qty=qty,
            price=price,
            trigger_price=trigger_price,
            stop_loss=stop_loss,
            take_profit=take_profit,
        )
        asked, is_done = self._ask(key, item, self._is_amended, timeout_ms)
        if asked.refused is not None:
            return asked.refused
        return self._amended(asked) if is_done else TimedOut(waited_ms=timeout_ms)

    def _is_amended(self, asked: Request) -> bool:
        if asked.amendment is None:
            return False
        return asked.settled is not None or not self._is_open(asked.amendment.client_id)

    def _amended(self, asked: Request) -> AmendOutcome:
        wanted, settled = asked.amendment, asked.settled
        assert wanted is not None, f"request {asked.key} is settled without a decision"
        name = wanted.client_id
        if settled is not None and settled.request == wanted.request:
            return Amended(client_id=name, order=settled.request)
        order = self._books.order(name)
        message = "the venue's record shows it otherwise"
        if asked.amend_rejected is not None:
            message = asked.amend_rejected.message
        elif settled is None:
            message = "it ended before the change"
        return NotAmended(
            client_id=name,
            order=wanted.request if order is None else order.request,
            status=Status.CANCELLED if order is None else order.status,
            message=message,
        )

    def cancel(self, client_id: ClientId, *, timeout_ms: int = 10_000) -> CancelOutcome:
        """See :meth:`OrdersPort.cancel`."""
        key = self._key("cancel", client_id)
        return self._cancel(given.CancelRequest(key=key, client_id=client_id), timeout_ms)

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
            return self._cancel(given.CancelRequest(key=key, symbol=symbol), timeout_ms)
        ours = tuple(
            name
            for name, order in self._books.orders.items()
            if symbol in {None, order.request.symbol} and order.is_open
        )
        mass = given.MassCancelRequest(
            key=key, symbol=symbol, with_stops=scope is CancelScope.EVERYONES_AND_STOPS
        )
        asked, is_done = self._ask(key, mass, lambda r: r.mass_cancel is not None, timeout_ms)
        if asked.refused is not None:
            return asked.refused
        if not is_done or asked.mass_cancel is None:
            return TimedOut(waited_ms=timeout_ms)
        if asked.mass_cancel.remaining:
            return Left(remaining=asked.mass_cancel.remaining)
        return self._ended(tuple(name for name in ours if not self._is_open(name)))

    def _cancel(self, item: given.CancelRequest, timeout_ms: int) -> CancelOutcome:
        asked, is_done = self._ask(item.key, item, self._are_over, timeout_ms)
        if asked.refused is not None:
            return asked.refused
        if not is_done or asked.cancels is None:
            return TimedOut(waited_ms=timeout_ms)
        return self._ended(asked.cancels)

    def _are_over(self, asked: Request) -> bool:
        if asked.cancels is None:
            return False
        return not any(self._is_open(name) for name in asked.cancels)

    def _ended(self, names: tuple[ClientId, ...]) -> Cancels:
        found = [self._books.order(name) for name in names]
        return Cancels(
            orders=tuple(
                CancelledOrder(
                    client_id=order.request.client_id,
                    status=order.status,
                    qty_filled=max(order.qty_filled, order.qty_reported),
                )
                for order in found
                if order is not None
            )
        )

    def _is_open(self, client_id: ClientId) -> bool:
        order = self._books.order(client_id)
        return order is not None and order.is_open

    def _ask(
        self,
        key: str,
        item: given.Input,
        is_done: Callable[[Request], bool],
        timeout_ms: int,
    ) -> tuple[Request, bool]:
        """Hand a request to the core; returns what was recorded, and whether it ended in time."""
        asked = self._requests.expect(key)
        try:
            self._runner.deliver(item)
            done = self._runner.wait(
                lambda: asked.refused is not None or is_done(asked), timeout_ms=timeout_ms
            )
        finally:
            self._requests.forget(asked)
        return asked, done

    def _key(self, act: str, subject: str) -> str:
        return self._keys.key(f"{act} {subject} {self._state_port.version()}")

    def close_position(
        self,
        symbol: Symbol,
        *,
        timeout_ms: int = 10_000,
        reason: CloseReason = CloseReason.OPERATOR,
    ) -> Closing | Nothing:
        """See :meth:`OrdersPort.close_position`."""
        held = self._books.position(symbol)
        self._ask_to_close(symbol, reason)
        if held.is_flat:
            self._runner.wait(lambda: self._no_entry_waits(symbol), timeout_ms=timeout_ms)
            held = self._books.position(symbol)
            if held.is_flat:
                return Nothing(symbol=symbol)
            # An entry filled before its cancel came: what it opened is closed as well.
            self._ask_to_close(symbol, reason)
        self._runner.wait(lambda: self._books.position(symbol).is_flat, timeout_ms=timeout_ms)
        return Closing(symbol=symbol, qty=abs(held.qty))

    def close_all(self, *, timeout_ms: int = 10_000) -> tuple[Closing, ...]:
        """See :meth:`OrdersPort.close_all`."""
        held = {symbol: abs(held.qty) for symbol, held in sorted(self._books.positions.items())}
        for symbol in held:
            self._ask_to_close(symbol, CloseReason.OPERATOR)
        self._runner.wait(
            lambda: all(self._books.position(symbol).is_flat for symbol in held),
            timeout_ms=timeout_ms,
        )
        return tuple(Closing(symbol=symbol, qty=qty) for symbol, qty in held.items())

    def _ask_to_close(self, symbol: Symbol, reason: CloseReason) -> None:
        key = self._keys.key(f"close {symbol} {self._state_port.version()}")
        self._runner.deliver(given.CloseRequest(symbol=symbol, reason=reason, key=key))

    def _no_entry_waits(self, symbol: Symbol) -> bool:
        """Tell whether every entry has ended, and all that it filled has been booked."""
        ordered = (o for o in self._books.orders.values() if o.request.symbol == symbol)
        return all(order.is_settled for order in ordered if order.role is Role.ENTRY)

    def wait_for_fill(self, client_id: ClientId, *, timeout_ms: int) -> Fill | TimedOut:
        """See :meth:`OrdersPort.wait_for_fill`."""
        if self._books.order(client_id) is None:
            raise KeyError(f"order {client_id} is not known: it was never placed or is long over")
        done = self._runner.wait(
            lambda: _is_finished(self._books.order(client_id)), timeout_ms=timeout_ms
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


def _with_cause(outcome: OpenOutcome, untracked: VenueError | None) -> OpenOutcome:
    """Tell the caller of a refusal for want of data what the venue said of it."""
    if untracked is None or not isinstance(outcome, Refused) or outcome.fault is None:
        return outcome
    return attrs.evolve(outcome, fault=f"{outcome.fault} (the venue: {untracked})")


def _is_finished(order: Order | None) -> bool:
    return order is not None and order.is_settled
