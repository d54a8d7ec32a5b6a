"""One journal row on one line, with what matters of it first."""

import attrs
from tidegate.domain.core import events as ev
from tidegate.ports.desk import JournalEntry

from . import figures
from .machine import as_line, plain
from .tickets import WIDTH_MAX, direction

__all__ = ["journal_line"]

_CUT = "..."
_LONG = 40
_LEFT_OUT = ("symbol", "time_ms")


def journal_line(entry: JournalEntry) -> str:
    """Write version, time, kind and content within the width of a page; --json has it all."""
    kind = entry.kind.rpartition(".")[0]
    head = f"{entry.version:>7}  {figures.moment(entry.time_ms)}  {kind:<18}"
    line = f"{head}  {_content(entry.event)}".rstrip()
    return line if len(line) <= WIDTH_MAX else f"{line[: WIDTH_MAX - len(_CUT)]}{_CUT}"


def _content(event: ev.Event) -> str:
    match event:
        case ev.EntryIntended():
            return _entry(event)
        case ev.SignalRefused():
            rules = [breach.rule.value for breach in event.breaches]
            rules += [f"{missing.rule.value} unknown" for missing in event.missing]
            return event.fault or ", ".join(rules)
        case ev.OrderIntended():
            order = event.order
            at = "market" if order.price is None else str(order.price)
            return f"{order.purpose.role.value} {order.side.value} {order.qty} at {at}"
        case ev.Filled():
            fill = event.execution
            return f"{fill.side.value} {fill.qty} at {figures.price(fill.price)}"
        case ev.FundingBooked():
            return f"{figures.signed(-event.payment.amount)} USDT"
        case ev.TradeClosed():
            trade = event.trade
            r = figures.signed_r(trade.in_r(trade.net))
            return f"{trade.reason.value}: {figures.signed(trade.net)} USDT, {r}"
        case ev.OrderUpdated():
            return f"{event.status.value}, {event.qty_filled} filled"
        case _:
            return _fields(event)


def _entry(event: ev.EntryIntended) -> str:
    ticket = event.ticket
    head = f"{direction(ticket.side).lower()} {ticket.qty} at {figures.price(ticket.entry)}"
    return f"{head}, risk {figures.money(ticket.risk)}"


def _fields(event: ev.Event) -> str:
    """Write the fields that are short, in their order."""
    parts = []
    for field in attrs.fields(type(event)):
        value = plain(getattr(event, field.name))
        text = value if isinstance(value, str) else as_line(value)
        if field.name not in _LEFT_OUT and len(text) <= _LONG:
            parts.append(f"{field.name} {text}")
    return ", ".join(parts)
