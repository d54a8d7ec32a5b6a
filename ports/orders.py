"""What the desk does with orders: entries, reductions, changes and cancels, each with its outcome.

An acknowledgement is not an outcome: what is returned rests on the venue's own record of the order.
"""

import enum
from abc import ABC, abstractmethod
from collections.abc import Sequence

import attrs
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import ClientId, OrderRequest, ProtectiveLeg, Symbol, TimeInForce
from tidegate.domain.reports import RejectReason
from tidegate.domain.risk.verdict import Breach, Missing
from tidegate.domain.signal import Signal
from tidegate.domain.ticket import Ticket
from tidegate.domain.trade import CloseReason
from tidegate.domain.triggers import TriggerSpec

__all__ = [
    "AmendOutcome",
    "Amended",
    "BatchAmendOutcome",
    "BatchCancelOutcome",
    "BatchOutcome",
    "CancelOutcome",
    "CancelScope",
    "CancelledOrder",
    "Cancels",
    "Closing",
    "Failed",
    "FailedOrder",
    "Fill",
    "Left",
    "NotAmended",
    "Nothing",
    "OpenOutcome",
    "OrderChange",
    "OrdersPort",
    "Placed",
    "ReduceOutcome",
    "Reduced",
    "Refused",
    "Rejected",
    "TimedOut",
    "Unresolved",
]


@attrs.frozen(kw_only=True)
class Placed:
    """Approved, recorded and acknowledged by the venue."""

    ticket: Ticket
    client_id: ClientId


@attrs.frozen(kw_only=True)
class Refused:
    """Nothing was sent. ``fault`` is set where no plan could be made; see ``SignalRefused``."""

    breaches: tuple[Breach, ...]
    missing: tuple[Missing, ...]
    fault: str | None
    largest: Qty | None


@attrs.frozen(kw_only=True)
class Rejected:
    """The venue refused the order, or the leverage that it needs: nothing was opened."""

    client_id: ClientId
    reason: RejectReason | None
    message: str


@attrs.frozen(kw_only=True)
class Unresolved:
    """The order may or may not be at the venue; it counts as exposure and is being asked for."""

    client_id: ClientId
    cause: str


@attrs.frozen(kw_only=True)
class TimedOut:
    """The deadline passed before the answer; what was begun goes on.

    ``is_begun`` is false for one of a long batch whose turn had not come: nothing was sent for it,
    and nothing will be.
    """

    waited_ms: int
    is_begun: bool = True


OpenOutcome = Placed | Refused | Rejected | Unresolved | TimedOut
"""``Placed``: the venue took the entry; ``Refused``: nothing was sent; ``Rejected``: the venue
refused; ``Unresolved``: no answer, and it is being asked for; ``TimedOut``: no end in time; it
goes on."""


@attrs.frozen(kw_only=True)
class Failed:
    """One signal of several could not be decided on: ``error`` says why. The others were."""

    signal_id: str
    error: str


BatchOutcome = OpenOutcome | Failed
"""What became of one signal of several; ``Failed``: an error kept it from being decided on."""


@attrs.frozen(kw_only=True)
class Reduced:
    """The venue has the orders that reduce ``qty`` of ``asked`` (``None``: all that was held)."""

    client_ids: tuple[ClientId, ...]
    qty: Qty
    asked: Qty | None


ReduceOutcome = Reduced | Refused | Rejected | Unresolved | TimedOut
"""``Reduced``: the venue has the orders, which says nothing of their fills; ``Refused``,
``Rejected``, ``Unresolved``, ``TimedOut``: as of an entry."""


@attrs.frozen(kw_only=True)
class Amended:
    """The venue's record shows the order as it was asked; ``order`` is what it is now."""

    client_id: ClientId
    order: OrderRequest


@attrs.frozen(kw_only=True)
class NotAmended:
    """The order is not as it was asked; ``order`` is what it is, ``status`` where it stands."""

    client_id: ClientId
    order: OrderRequest
    status: Status
    message: str


AmendOutcome = Amended | NotAmended | Refused | TimedOut
"""``Amended``: the venue's record shows it; ``NotAmended``: it shows ``order`` instead;
``Refused``: nothing was sent; ``TimedOut``: no end in time, and what was begun goes on."""


@attrs.frozen(kw_only=True)
class OrderChange:
    """A change of one order of several, as :meth:`OrdersPort.amend` takes it.

    ``None`` leaves a value as it is. ``qty`` is the new total in base coin; a leg at price zero is
    taken away.
    """

    client_id: ClientId
    qty: Qty | None = None
    price: Price | None = None
    trigger_price: Price | None = None
    stop_loss: ProtectiveLeg | None = None
    take_profit: ProtectiveLeg | None = None


@attrs.frozen(kw_only=True)
class FailedOrder:
    """One order of several could not be decided on: ``error`` says why. The others were."""

    client_id: ClientId
    error: str


BatchAmendOutcome = AmendOutcome | FailedOrder
"""That of :meth:`OrdersPort.amend`, or why nothing could be decided about one order."""


@attrs.frozen(kw_only=True)
class CancelledOrder:
    """How an order ended, and what it had filled: a cancel may come too late."""

    client_id: ClientId
    status: Status
    qty_filled: Qty


@attrs.frozen(kw_only=True)
class Cancels:
    """Every order that was to end has ended."""

    orders: tuple[CancelledOrder, ...]


@attrs.frozen(kw_only=True)
class Left:
    """A cancel of every order ended, and ``remaining`` is what the venue still lists."""

    remaining: tuple[str, ...]


CancelOutcome = Cancels | Left | Refused | TimedOut
"""``Cancels``: all have ended, also by a fill that came first; ``Left``: what the venue still
lists; ``Refused``: nothing was sent; ``TimedOut``: some have not ended in time, and it goes on."""

BatchCancelOutcome = CancelOutcome | FailedOrder
"""That of :meth:`OrdersPort.cancel`, or why nothing could be decided about one order."""


class CancelScope(enum.Enum):
    """Which orders a cancel of all takes: ours, or everybody's, with or without stops."""

    OURS = "ours"
    EVERYONES = "everyone's, but protective stops"
    EVERYONES_AND_STOPS = "everyone's, and protective stops"


@attrs.frozen(kw_only=True)
class Closing:
    """A close was asked for, of ``qty`` in base coin: all that was held then."""

    symbol: Symbol
    qty: Qty


@attrs.frozen(kw_only=True)
class Nothing:
    """There was nothing to close."""

    symbol: Symbol


@attrs.frozen(kw_only=True)
class Fill:
    """How an order ended or stands: quantity filled and its value in USDT."""

    client_id: ClientId
    qty_filled: Qty
    value_filled: Money
    is_finished: bool


class OrdersPort(ABC):
    """Every way to place, change and end orders. Every method may be called from any thread.

    What each outcome means stands at its union, such as :data:`AmendOutcome`. ``timeout_ms`` is how
    long, in milliseconds, the caller waits for it.

    Raises:
        WriterStopped: nobody decides any more.
        StateError: the journal cannot be read; nothing was sent.

    """

    @abstractmethod
    def execute(self, signal: Signal, *, timeout_ms: int = 10_000) -> OpenOutcome:
        """Judge a signal and, when approved, place its entry with the stop inside.

        ``Placed``: the venue took the entry, which is no fill; ``Refused``: nothing was sent, and
        every rule that fails is named; ``Rejected``: the venue refused, nothing was opened;
        ``Unresolved``: no answer, so it counts as exposure and is asked for; ``TimedOut``: no end
        within ``timeout_ms`` milliseconds, and what was begun goes on.
        """

    @abstractmethod
    def execute_with_leverage(
        self, signal: Signal, leverage: Rate, *, timeout_ms: int = 10_000
    ) -> OpenOutcome:
        """Execute a signal at another leverage than its own."""

    @abstractmethod
    def execute_batch(
        self, signals: Sequence[Signal], *, timeout_ms: int = 10_000
    ) -> tuple[BatchOutcome, ...]:
        """Execute any number of signals; one outcome for each, in the order given.

        They are judged one after the other, each with what the ones before it reserved, and leave
        together, in batches of what the venue takes. ``timeout_ms`` is for all of them: what is
        not decided then is ``TimedOut``. The failure of one hides no other.
        """

    @abstractmethod
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
        """Place a reduce-only order of any family against the position of a symbol.

        ``qty`` in base coin is capped at the position, ``None`` is all of it; without ``price`` it
        goes at market. A halted desk takes it from an operator only.
        """

    @abstractmethod
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
        """Change a resting entry or exit; what adds risk is judged again as a whole plan.

        ``qty`` is the new total; a leg at price zero is taken away. Rungs are not changed: the
        ladder is the desk's.
        """

    @abstractmethod
    def amend_batch(
        self, changes: Sequence[OrderChange], *, timeout_ms: int = 10_000
    ) -> tuple[BatchAmendOutcome, ...]:
        """Change any number of orders, each as :meth:`amend`; one outcome each, in their order.

        They leave in batches of what the venue takes; conditional orders, which a batch cannot
        change, leave singly. ``timeout_ms`` is for all of them.
        """

    @abstractmethod
    def cancel(self, client_id: ClientId, *, timeout_ms: int = 10_000) -> CancelOutcome:
        """Cancel one order of ours and wait until it has ended. A rung is not placed again."""

    @abstractmethod
    def cancel_batch(
        self, client_ids: Sequence[ClientId], *, timeout_ms: int = 10_000
    ) -> tuple[BatchCancelOutcome, ...]:
        """Cancel any number of orders, each as :meth:`cancel`; one outcome each, in their order.

        They leave in batches of what the venue takes. ``timeout_ms`` is for all of them.
        """

    @abstractmethod
    def cancel_all(
        self,
        symbol: Symbol | None = None,
        *,
        scope: CancelScope = CancelScope.OURS,
        timeout_ms: int = 60_000,
    ) -> CancelOutcome:
        """Cancel all orders of a symbol or of the account, and wait until they have ended."""

    @abstractmethod
    def close_position(
        self,
        symbol: Symbol,
        *,
        timeout_ms: int = 10_000,
        reason: CloseReason = CloseReason.OPERATOR,
    ) -> Closing | Nothing:
        """Cancel our orders of a symbol and close its position reduce-only at market.

        ``reason`` is what the journal and the statistics say of it.

        ``Closing``: a close of ``qty`` was asked for, and waited for ``timeout_ms`` milliseconds
        at most: the position says whether it is flat; ``Nothing``: there was no position.
        """

    @abstractmethod
    def close_positions(
        self,
        symbols: Sequence[Symbol],
        *,
        timeout_ms: int = 10_000,
        reason: CloseReason = CloseReason.OPERATOR,
    ) -> tuple[Closing | Nothing, ...]:
        """Close several, each as :meth:`close_position`; one outcome each, in the order given.

        All are begun before any is waited for, so one that hangs delays none. ``timeout_ms`` is for
        all of them.
        """

    @abstractmethod
    def close_all(self, *, timeout_ms: int = 10_000) -> tuple[Closing, ...]:
        """Close all that is held as :meth:`close_positions`, by symbol; a failure tries again."""

    @abstractmethod
    def wait_for_fill(self, client_id: ClientId, *, timeout_ms: int) -> Fill | TimedOut:
        """Wait until an order is finished.

        ``Fill``: it is finished, with what it filled, which may be nothing; ``TimedOut``: not
        within ``timeout_ms`` milliseconds; the order stays as it is.

        Raises:
            KeyError: the order is not known: it was never placed, or is long over.

        """
