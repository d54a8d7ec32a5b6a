"""One order of ours as the books have it, and its last change."""

import attrs
from tidegate.domain.lifecycle import OPEN, Status
from tidegate.domain.money import ZERO_MONEY, ZERO_QTY, Money, Price, Qty
from tidegate.domain.orders import (
    OrderKind,
    OrderRequest,
    Role,
    TimeInForce,
    VenueOrderId,
)
from tidegate.domain.signal import Signal

__all__ = ["Amendment", "Order"]

_TRIGGERED = frozenset({Status.TRIGGERED, Status.NEW, Status.PARTIALLY_FILLED})


@attrs.frozen(kw_only=True)
class Amendment:
    """The last change of an order: what it was, what it would be, and the plans behind both.

    ``is_refused`` means that the venue refused it, ``is_settled`` that a record of the order showed
    what became of it; ``shown_ms`` is the venue's time of the last such record. With it the order's
    own stop is approved as of ``approved_ms``, without it as of ``approved_before_ms``.
    """

    before: OrderRequest
    before_signal: Signal | None
    before_worst_price: Price | None
    request: OrderRequest
    signal: Signal | None
    worst_price: Price | None
    sent_ms: int
    approved_ms: int = 0
    approved_before_ms: int = 0
    shown_ms: int = 0
    is_refused: bool = False
    is_settled: bool = False

    @property
    def worse_price(self) -> Price | None:
        """Return the worse of both worst fills, ``None`` for an order that only reduces."""
        one, other = self.before_worst_price, self.worst_price
        if one is None or other is None:
            return one or other
        return max(one, other)


@attrs.frozen(kw_only=True)
class Order:
    """One order of ours. ``value_filled`` is USDT; ``worst_price`` bounds an entry's fill.

    ``qty_reported`` is what the venue's record counts as filled; executions may come later, and
    until they have the order reserves what is missing.


    ``signal`` is set for entries: a fill can always open its trade, however late it comes. An entry
    is released when its leverage is known to be set; before that it was not sent.
    ``cancel_intended`` means that a cancel is under way, ``cancel_wanted`` that one was asked for
    and the order must end. ``sequence_next`` is where a trade that a late fill opens goes on
    numbering, so that no client id is used twice. ``executions`` are the ids of all that was booked
    of the order, until it is settled: it may be asked for however long it rests.
    """

    request: OrderRequest
    trade_key: str
    status: Status = Status.INTENDED
    venue_id: VenueOrderId | None = None
    qty_filled: Qty = ZERO_QTY
    qty_reported: Qty = ZERO_QTY
    value_filled: Money = ZERO_MONEY
    executions: tuple[str, ...] = ()
    decision_price: Price | None = None
    worst_price: Price | None = None
    signal: Signal | None = None
    intended_ms: int
    unknown_since_ms: int | None = None
    cancel_intended: bool = False
    cancel_wanted: bool = False
    sequence_next: int = 1
    is_released: bool = True
    amendment: Amendment | None = None

    @property
    def is_open(self) -> bool:
        """Tell whether the order may still fill."""
        return self.status in OPEN

    @property
    def approved_ms(self) -> int:
        """Return when the order's own stop was last approved, of the desk's clock.

        That is with a new order, and with a change of one of which nothing had filled: later ones
        are judged at the position's stop. A change that was refused approves nothing.
        """
        change = self.amendment
        if change is None:
            return self.intended_ms
        return change.approved_before_ms if change.is_refused else change.approved_ms

    @property
    def is_settled(self) -> bool:
        """Tell whether the order ended and every execution that the venue counted has come."""
        return not self.is_open and self.qty_filled >= self.qty_reported

    def has_booked(self, execution_id: str) -> bool:
        """Tell whether an execution of the order, from before what is remembered, is booked.

        Of a settled one that filled all is: its ids are not kept.
        """
        is_over = self.is_settled and self.qty_filled > ZERO_QTY
        return is_over or execution_id in self.executions

    @property
    def fills_at_once(self) -> bool:
        """Tell whether the order fills or ends by itself, and does not rest at the venue.

        A conditional order rests until it was triggered.
        """
        request = self.request
        if request.trigger is not None and not self.is_triggered:
            return False
        is_immediate = request.time_in_force in {TimeInForce.IOC, TimeInForce.FOK}
        return request.kind is OrderKind.MARKET or is_immediate

    @property
    def role(self) -> Role:
        """Return why the order exists."""
        return self.request.purpose.role

    @property
    def qty_left(self) -> Qty:
        """Return what may still fill, or filled already without its executions having come.

        Never below zero: an order that somebody enlarged on the venue fills beyond its quantity.
        """
        if not self.is_open:
            return max(self.qty_reported, self.qty_filled) - self.qty_filled
        bound = self.request.qty
        if self.pending is not None:
            bound = max(bound, self.pending.request.qty)
        return max(bound - self.qty_filled, ZERO_QTY)

    @property
    def pending(self) -> Amendment | None:
        """Return the change whose outcome is not known yet."""
        if self.amendment is None or self.amendment.is_settled or not self.is_open:
            return None
        return self.amendment

    @property
    def reserved(self) -> Money:
        """Return the exposure that an entry reserves: USDT, at its worst fill.

        While a change is under way the larger of both counts: either may be what the order is.
        """
        if self.role is not Role.ENTRY or self.worst_price is None:
            return ZERO_MONEY
        pending = self.pending
        if pending is None or pending.worst_price is None:
            return self.worst_price * self.qty_left
        return max(
            self.worst_price * max(self.request.qty - self.qty_filled, ZERO_QTY),
            pending.worst_price * max(pending.request.qty - self.qty_filled, ZERO_QTY),
        )

    @property
    def is_triggered(self) -> bool:
        """Tell whether a conditional order has become a live one."""
        return self.request.trigger is not None and self.status in _TRIGGERED
