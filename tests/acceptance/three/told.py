"""What each venue made the desk write down, reduced to what must be equal everywhere.

An order's story is the list of its events as (kind, role, quantity, price, fee, reason). What is
left out stands in ``EXCLUSIONS``, each with its reason; everything else must be the same.
"""

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from types import MappingProxyType

import attrs
from tidegate.domain.core import events as ev
from tidegate.domain.core.events import Event
from tidegate.domain.lifecycle import TERMINAL
from tidegate.domain.money import Amount
from tidegate.domain.orders import ClientId
from tidegate.domain.reports import RejectReason

from .decisions import decisions

__all__ = ["EXCLUSIONS", "Line", "Story", "Told", "told"]

EXCLUSIONS: Mapping[str, str] = MappingProxyType(
    {
        "times": "each venue has a clock of its own",
        "zeros at the end of a price": "65000.0 and 65000.00 are one price",
        "ids": "client ids are drawn at random, venue ids are the venue's own",
        "OrderAcknowledged": "transport: an answer may come before, after or instead of a report",
        "OrderUnknown": "transport: a request without an answer, whose order is then asked for",
        "OrderUpdated, not an end": "transport: a state that ends at once may never be reported",
        "OrderUpdated, its place": "order and execution messages come in any order; ends go last",
        "UpdateIgnored": "transport: an older report that came after a newer one",
        "EntryReleased": "whether leverage had to be set before depends on the venue's start value",
        "CancelRefused": "transport: a cancel that was sent when its order had just ended",
        "CancelIntended and cancel reason of a reduce-only order": "transport: the venue itself "
        "ends such orders of a flat symbol, and the desk cancels them: who is first varies",
        "CancelIntended, repeated": "transport: a cancel without an answer is sent again",
        "an order that found nothing to reduce": "transport: that the position had just ended was "
        "not told yet",
        "a decision about the desk, repeated": "transport: what is not shown in time is sent again",
    }
)
"""What the comparison leaves out, and why."""

_ZEROS = re.compile(r"(?<=\.\d)0+\b")

_TOO_LATE = RejectReason.NOTHING_TO_REDUCE.value
_TRANSPORT = (
    ev.OrderAcknowledged,
    ev.OrderUnknown,
    ev.UpdateIgnored,
    ev.EntryReleased,
    ev.CancelRefused,
)


@attrs.frozen
class Line:
    """One event of an order, as text."""

    kind: str
    role: str
    qty: str = ""
    price: str = ""
    fee: str = ""
    reason: str = ""


@attrs.frozen
class Story:
    """One order from its intent to its end."""

    lines: tuple[Line, ...]


@attrs.frozen
class Told:
    """Everything that is compared: orders of ours in the order of their intents, what others or
    the venue itself executed, what was decided beside orders, trades, refusals, and what queries
    said.
    """

    orders: tuple[Story, ...]
    decisions: tuple[str, ...]
    others: tuple[Line, ...]
    trades: tuple[tuple[str, ...], ...]
    refusals: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


class _Telling:
    """Collects the stories, event by event."""

    def __init__(self) -> None:
        self.roles: dict[ClientId, str] = {}
        self.reducing: set[ClientId] = set()
        self.stories: dict[ClientId, list[Line]] = {}
        self.ends: dict[ClientId, Line] = {}
        self.others: list[Line] = []

    def hear(self, event: Event) -> None:
        """Take one event, in its order."""
        match event:
            case ev.EntryIntended() | ev.OrderIntended():
                order = event.order
                self.roles[order.client_id] = str(order.purpose)
                self.stories[order.client_id] = [_intended(event)]
                if order.reduce_only:
                    self.reducing.add(order.client_id)
            case ev.OrderUpdated() if event.status in TERMINAL:
                self._ended(event)
            case ev.Filled():
                self._filled(event)
            case _:
                line = _other(event, self.roles, self.reducing)
                if line is not None and line[1] not in self.stories[line[0]]:
                    self.stories[line[0]].append(line[1])

    def _ended(self, event: ev.OrderUpdated) -> None:
        is_told = event.cancel_reason is not None and event.client_id not in self.reducing
        self.ends[event.client_id] = Line(
            kind=event.status.value,
            role=self.roles[event.client_id],
            qty=_text(event.qty_filled),
            reason=event.cancel_reason.value if is_told and event.cancel_reason else "",
        )

    def _filled(self, event: ev.Filled) -> None:
        done = event.execution
        role = None if done.client_id is None else self.roles.get(done.client_id)
        line = Line(
            kind=f"Filled {done.side.value} {'maker' if done.is_maker else 'taker'}",
            role=role or "not ours",
            qty=_text(done.qty),
            price=_text(done.price),
            fee=_text(done.fee),
            reason=done.origin.value,
        )
        if role is None or done.client_id is None:
            self.others.append(line)
        else:
            self.stories[done.client_id].append(line)

    def orders(self) -> tuple[Story, ...]:
        """Return every order's story, its end last."""
        return tuple(
            Story(tuple([*lines, self.ends[order_id]] if order_id in self.ends else lines))
            for order_id, lines in self.stories.items()
            if lines[-1].reason != _TOO_LATE
        )


def told(events: Sequence[Event], notes: Sequence[str] = ()) -> Told:
    """Reduce a desk's events to what must be the same on every venue."""
    telling = _Telling()
    for event in events:
        if not isinstance(event, _TRANSPORT):
            telling.hear(event)
    return Told(
        orders=telling.orders(),
        decisions=decisions(events),
        others=tuple(telling.others),
        trades=tuple(_trades(events)),
        refusals=tuple(_refusals(events)),
        notes=tuple(notes),
    )


def _text(amount: Amount) -> str:
    return f"{amount.value.normalize():f}"


def _intended(event: ev.EntryIntended | ev.OrderIntended) -> Line:
    order = event.order
    trigger = "" if order.trigger is None else f" trigger {order.trigger.price}"
    stop = "" if order.stop_loss is None else f" stop {order.stop_loss.price}"
    target = "" if order.take_profit is None else f" target {order.take_profit.price}"
    return Line(
        kind=f"{type(event).__name__} {order.side.value} {order.kind.value}"
        f" {order.time_in_force.value}{trigger}{stop}{target}",
        role=str(order.purpose),
        qty=_text(order.qty),
        price="" if order.price is None else _text(order.price),
    )


def _other(
    event: Event, roles: Mapping[ClientId, str], reducing: Container[ClientId]
) -> tuple[ClientId, Line] | None:
    match event:
        case ev.OrderRefused():
            line = Line("OrderRefused", roles[event.client_id], reason=event.reason.value)
            return event.client_id, line
        case ev.OrderLapsed():
            return event.client_id, Line("OrderLapsed", roles[event.client_id])
        case ev.CancelIntended(client_id=order_id) if (
            order_id in roles and order_id not in reducing
        ):
            assert order_id is not None
            return order_id, Line("CancelIntended", roles[order_id])
        case _:
            return None


def _trades(events: Iterable[Event]) -> Iterable[tuple[str, ...]]:
    for event in events:
        if isinstance(event, ev.TradeClosed):
            trade = event.trade
            amounts = (
                trade.qty,
                trade.entry_price,
                trade.exit_price,
                trade.profit,
                trade.fees,
                trade.funding,
            )
            texts = (_text(amount) for amount in amounts)
            yield (trade.symbol, trade.side.value, trade.reason.value, *texts)


def _refusals(events: Iterable[Event]) -> Iterable[tuple[str, ...]]:
    for event in events:
        if isinstance(event, ev.SignalRefused):
            yield tuple(
                [breach.rule.value for breach in event.breaches]
                + [missing.rule.value for missing in event.missing]
                + [_ZEROS.sub("", event.fault or "")]
            )
