"""What each venue made the desk write down, reduced to what must be equal everywhere.

An order's story is the list of its events as (kind, role, quantity, price, fee, reason). What is
left out stands in ``EXCLUSIONS``, each with its reason; everything else must be the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import attrs
from tidegate.domain.core import events as ev
from tidegate.domain.core.events import Event
from tidegate.domain.lifecycle import TERMINAL
from tidegate.domain.money import Amount
from tidegate.domain.orders import ClientId

__all__ = ["EXCLUSIONS", "Line", "Story", "Told", "told"]

EXCLUSIONS: Mapping[str, str] = MappingProxyType(
    {
        "times": "each venue has a clock of its own",
        "ids": "client ids are drawn at random, venue ids are the venue's own",
        "OrderAcknowledged": "transport: an answer may come before, after or instead of a report",
        "OrderUnknown": "transport: a request without an answer, whose order is then asked for",
        "OrderUpdated, not an end": "transport: a state that ends at once may never be reported",
        "OrderUpdated, its place": "order and execution messages come in any order; ends go last",
        "UpdateIgnored": "transport: an older report that came after a newer one",
        "EntryReleased": "whether leverage had to be set before depends on the venue's start value",
        "CancelRefused": "transport: a cancel that was sent when its order had just ended",
        "the reason of an end that was asked for": "transport: cancels and closes go side by side, "
        "and the venue itself ends reduce-only orders of a symbol that is flat",
        "CancelIntended, repeated": "transport: a cancel without an answer is sent again",
    }
)
"""What the comparison leaves out, and why."""

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
    the venue itself executed, and trades.
    """

    orders: tuple[Story, ...]
    others: tuple[Line, ...]
    trades: tuple[tuple[str, ...], ...]
    refusals: tuple[tuple[str, ...], ...]


def told(events: Sequence[Event]) -> Told:
    """Reduce a desk's events to what must be the same on every venue."""
    roles: dict[ClientId, str] = {}
    stories: dict[ClientId, list[Line]] = {}
    ends: dict[ClientId, Line] = {}
    others: list[Line] = []
    for event in events:
        if isinstance(event, _TRANSPORT):
            continue
        if isinstance(event, ev.EntryIntended | ev.OrderIntended):
            roles[event.order.client_id] = str(event.order.purpose)
            stories[event.order.client_id] = [_intended(event)]
        elif isinstance(event, ev.OrderUpdated):
            if event.status in TERMINAL:
                ends[event.client_id] = _ended(event, roles[event.client_id])
        elif isinstance(event, ev.Filled):
            _fill(event, roles, stories, others)
        elif (line := _other(event, roles)) is not None and line[1] not in stories[line[0]]:
            stories[line[0]].append(line[1])
    for order_id, end in ends.items():
        was_asked = any(line.kind == "CancelIntended" for line in stories[order_id])
        stories[order_id].append(attrs.evolve(end, reason="asked") if was_asked else end)
    return Told(
        orders=tuple(Story(tuple(lines)) for lines in stories.values()),
        others=tuple(others),
        trades=tuple(_trades(events)),
        refusals=tuple(_refusals(events)),
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


def _ended(event: ev.OrderUpdated, role: str) -> Line:
    reason = "" if event.cancel_reason is None else event.cancel_reason.value
    return Line(kind=event.status.value, role=role, qty=_text(event.qty_filled), reason=reason)


def _fill(
    event: ev.Filled,
    roles: Mapping[ClientId, str],
    stories: Mapping[ClientId, list[Line]],
    others: list[Line],
) -> None:
    done = event.execution
    role = roles.get(done.client_id) if done.client_id is not None else None
    line = Line(
        kind=f"Filled {done.side.value} {'maker' if done.is_maker else 'taker'}",
        role=role or "not ours",
        qty=_text(done.qty),
        price=_text(done.price),
        fee=_text(done.fee),
        reason=done.origin.value,
    )
    if role is None or done.client_id is None:
        others.append(line)
    else:
        stories[done.client_id].append(line)


def _other(event: Event, roles: Mapping[ClientId, str]) -> tuple[ClientId, Line] | None:
    match event:
        case ev.OrderRefused():
            line = Line("OrderRefused", roles[event.client_id], reason=event.reason.value)
            return event.client_id, line
        case ev.OrderLapsed():
            return event.client_id, Line("OrderLapsed", roles[event.client_id])
        case ev.CancelIntended(client_id=order_id) if order_id is not None and order_id in roles:
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
                + [event.fault or ""]
            )
