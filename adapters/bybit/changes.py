"""Requests that change something, from domain values to outcomes of the exchange port.

An order that the venue is just working on cannot be touched for a moment (codes 110079, 40004):
that request is certain to have had no effect, and is repeated after a pause, a few times.

"Not modified" counts as done only after the venue showed the wanted value: the same code is given
when nothing was passed (Bybit V5 code 34040).
"""

import threading
from typing import TypeVar

from tidegate.domain.money import Amount, Rate
from tidegate.domain.orders import ClientId, OrderRequest, ProtectiveLeg, Symbol, VenueOrderId
from tidegate.domain.reports import OrderReport, Origin, PositionReport, RejectReason
from tidegate.ports.batches import Outcome
from tidegate.ports.exchange import (
    Accepted,
    Amendment,
    Done,
    PositionStop,
    QueryFailed,
    Rejected,
    Unknown,
)

from .channels import Act, OrderChannel
from .outcomes import accepted, done, not_modified
from .queries import StateQueries
from .rest import Call, Lane, RestClient
from .wire.fields import Unreadable
from .wire.requests import (
    Body,
    Unsendable,
    amend_body,
    cancel_body,
    leverage_body,
    order_body,
    stop_body,
)

__all__ = ["PAUSES_S", "Changes", "cancel_bodies", "is_busy", "is_not_found"]

A = TypeVar("A", bound=Amount)

_BUSY = frozenset({110079, 40004})
PAUSES_S = (0.05, 0.1, 0.2)
"""How long to wait before an order that the venue is just working on is tried again."""

_VENUE_ID_LENGTH = 36
_VENUE_ID_DASHES = (8, 13, 18, 23)


class Changes:
    """Orders and settings. Any thread may call; nothing is raised for what a venue may answer."""

    def __init__(self, rest: RestClient, channel: OrderChannel, queries: StateQueries) -> None:
        self._rest = rest
        self._channel = channel
        self._queries = queries
        self.closing = threading.Event()

    def close(self) -> None:
        """End every pause at once."""
        self.closing.set()

    def place(self, order: OrderRequest) -> Accepted | Rejected | Unknown:
        """Send an order; one that can only reduce goes by the lane that nothing else uses.

        Outcomes and errors: see :meth:`ExchangePort.place`.
        """
        try:
            body = order_body(order)
        except Unsendable as error:
            return self._refused(RejectReason.INVALID_PARAMETER, str(error))
        lane = Lane.SAFETY if order.reduce_only else Lane.ORDERS
        return self.send(Act.CREATE, body, lane)

    def amend(self, change: Amendment) -> Accepted | Rejected | Unknown:
        """Change a resting order, or the legs inside one that has not filled.

        Outcomes and errors: see :meth:`ExchangePort.amend`.
        """
        outcome = self.send(Act.AMEND, amend_body(change), Lane.ORDERS)
        return self.read_back(change, outcome)

    def read_back(self, change: Amendment, outcome: Outcome) -> Outcome:
        """Turn "not modified" into acceptance once the order shows all that was wanted."""
        if not not_modified(outcome):
            return outcome
        try:
            report = self._queries.find_order(change.symbol, change.client_id, lane=Lane.ORDERS)
        except (QueryFailed, Unreadable):
            return outcome
        if report is None or not _order_has(report, change):
            return outcome
        return Accepted(venue_id=report.venue_id, time_ms=self._rest.clock.now_ms())

    def cancel(
        self, symbol: Symbol, order_id: ClientId | VenueOrderId
    ) -> Accepted | Rejected | Unknown:
        """Cancel by either id.

        Nothing in the text says which kind an id is: the likelier kind is tried first, and the
        other one when no such order exists.

        Outcomes and errors: see :meth:`ExchangePort.cancel`.
        """
        likely, other = cancel_bodies(symbol, order_id)
        outcome = self.send(Act.CANCEL, likely, Lane.SAFETY)
        if is_not_found(outcome):
            return self.send(Act.CANCEL, other, Lane.SAFETY)
        return outcome

    def set_position_stop(self, stop: PositionStop) -> Done | Rejected | Unknown:
        """Set, move or clear the protection of a position.

        Outcomes and errors: see :meth:`ExchangePort.set_position_stop`.
        """
        if _is_activation_alone(stop):
            return self._refused(
                RejectReason.INVALID_PARAMETER,
                f"{stop.symbol}: activation price {stop.trailing_activation} without a trailing "
                "distance; give both",
            )
        reply = self._rest.change(Call.TRADING_STOP, stop_body(stop), lane=Lane.SAFETY)
        outcome = done(reply, now_ms=self._rest.clock.now_ms())
        if not not_modified(outcome):
            return outcome
        shown = self._position(stop.symbol)
        if shown is None:
            return outcome
        if not shown.qty.sign:
            return self._refused(RejectReason.NO_POSITION, f"{stop.symbol} has no position")
        is_as_wanted = _position_has(shown, stop) and self._trails_from(stop)
        return self._already(outcome, is_as_wanted=is_as_wanted)

    def _trails_from(self, stop: PositionStop) -> bool:
        """Tell whether the trailing order shows the activation price: the position does not."""
        if stop.trailing_activation is None:
            return True
        try:
            orders = self._queries.open_orders(stop.symbol, lane=Lane.SAFETY)
        except (QueryFailed, Unreadable):
            return False
        trailing = (order for order in orders if order.origin is Origin.TRAILING_STOP)
        return any(
            order.trigger is not None and order.trigger.price == stop.trailing_activation
            for order in trailing
        )

    def set_leverage(self, symbol: Symbol, leverage: Rate) -> Done | Rejected | Unknown:
        """Set the leverage of a symbol.

        Outcomes and errors: see :meth:`ExchangePort.set_leverage`.
        """
        body = leverage_body(symbol, leverage)
        reply = self._rest.change(Call.SET_LEVERAGE, body, lane=Lane.ORDERS)
        outcome = done(reply, now_ms=self._rest.clock.now_ms())
        if not not_modified(outcome):
            return outcome
        shown = self._position(symbol)
        return self._already(outcome, is_as_wanted=shown is not None and shown.leverage == leverage)

    def send(self, act: Act, body: Body, lane: Lane) -> Accepted | Rejected | Unknown:
        """Send one request about one order, and again while the venue is just working on it.

        Outcomes: see :meth:`ExchangePort.place`.
        """
        outcome = self._sent(act, body, lane)
        for pause_s in PAUSES_S:
            if not is_busy(outcome) or self.closing.wait(pause_s):
                break
            outcome = self._sent(act, body, lane)
        return outcome

    def _sent(self, act: Act, body: Body, lane: Lane) -> Outcome:
        reply = self._channel.send(act, body, lane=lane)
        return accepted(reply, now_ms=self._rest.clock.now_ms())

    def _position(self, symbol: Symbol) -> PositionReport | None:
        try:
            return self._queries.position(symbol, lane=Lane.SAFETY)
        except (QueryFailed, Unreadable):
            return None

    def _already(
        self, outcome: Done | Rejected | Unknown, *, is_as_wanted: bool
    ) -> Done | Rejected | Unknown:
        if not is_as_wanted:
            return outcome
        return Done(time_ms=self._rest.clock.now_ms(), was_already=True)

    def _refused(self, reason: RejectReason, message: str) -> Rejected:
        now_ms = self._rest.clock.now_ms()
        return Rejected(reason=reason, code=None, message=message, time_ms=now_ms)


def is_busy(outcome: Outcome) -> bool:
    """Tell whether the venue could not touch the order for a moment; nothing has happened."""
    return isinstance(outcome, Rejected) and outcome.code in _BUSY


def is_not_found(outcome: Outcome) -> bool:
    """Tell whether the venue knows no order of that id."""
    return isinstance(outcome, Rejected) and outcome.reason is RejectReason.ORDER_NOT_FOUND


def cancel_bodies(symbol: Symbol, order_id: ClientId | VenueOrderId) -> tuple[Body, Body]:
    """Return the cancel by the likelier kind of id, then by the other one."""
    by_client_id = cancel_body(symbol, client_id=ClientId(order_id), venue_id=None)
    by_venue_id = cancel_body(symbol, client_id=None, venue_id=VenueOrderId(order_id))
    if _looks_like_venue_id(order_id):
        return by_venue_id, by_client_id
    return by_client_id, by_venue_id


def _order_has(report: OrderReport, change: Amendment) -> bool:
    trigger_price = None if report.trigger is None else report.trigger.price
    return (
        change.qty in (None, report.qty)
        and change.price in (None, report.price)
        and change.trigger_price in (None, trigger_price)
        and _has_leg(report.stop_loss, change.stop_loss)
        and _has_leg(report.take_profit, change.take_profit)
    )


def _has_leg(shown: ProtectiveLeg | None, wanted: ProtectiveLeg | None) -> bool:
    """Tell whether an order shows a leg as it was wanted; price zero means none."""
    if wanted is None:
        return True
    return shown == wanted if wanted.price.sign else shown is None


def _position_has(report: PositionReport, stop: PositionStop) -> bool:
    """Tell whether a position shows every leg that was named; zero means cleared."""
    return (
        _is_shown(stop.stop_loss, report.stop_loss)
        and _is_shown(stop.take_profit, report.take_profit)
        and _is_shown(stop.trailing_distance, report.trailing_distance)
    )


def _is_activation_alone(stop: PositionStop) -> bool:
    """Tell whether an activation price has nothing to activate: a distance of none or zero."""
    distance = stop.trailing_distance
    return stop.trailing_activation is not None and (distance is None or distance.sign == 0)


def _is_shown(wanted: A | None, shown: A | None) -> bool:
    if wanted is None:
        return True
    return wanted.sign == 0 if shown is None else wanted == shown


def _looks_like_venue_id(order_id: str) -> bool:
    """Tell whether an id has the form that the venue gives: a UUID."""
    return len(order_id) == _VENUE_ID_LENGTH and all(
        order_id[place] == "-" for place in _VENUE_ID_DASHES
    )
