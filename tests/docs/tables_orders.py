"""The order's life cycle as a table and as a diagram, and the journal of one trade."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal

from tidegate.domain.core import events as ev
from tidegate.domain.lifecycle import OPEN, TERMINAL, TRANSITIONS, Status
from tidegate.domain.money import Money, Rate
from tidegate.domain.signal import RungSpec

from tests.application.bench import make_bench, signal

__all__ = ["diagram", "edges_of", "saga", "transitions_table"]

_LIVE = frozenset({Status.UNTRIGGERED, Status.TRIGGERED, Status.NEW, Status.PARTIALLY_FILLED})
_ENDED = TERMINAL - {Status.LAPSED}
GROUPS: Mapping[str, AbstractSet[Status]] = {"live": _LIVE, "ended": _ENDED}


def transitions_table() -> str:
    """Return one row for each state: where it may go."""
    rows = ["| state | may become |", "|---|---|"]
    for status in Status:
        following = [then.value for then in Status if then in TRANSITIONS[status]]
        rows.append(f"| `{status.value}` | {', '.join(following) or 'nothing: it is over'} |")
    return "\n".join(rows)


def diagram() -> str:
    """Return the table as a diagram; an arrow to a box leads to every state in it."""
    lines = ["```mermaid", "stateDiagram-v2", "    direction LR", "    [*] --> intended"]
    for name, members in GROUPS.items():
        lines.append(f"    state {name} {{")
        inside = [
            f"        {now.value} --> {then.value}"
            for now, then in _single_edges()
            if now in members and then in members
        ]
        lines += inside or [f"        {status.value}" for status in Status if status in members]
        lines.append("    }")
    for now in Status:
        lines += [f"    {now.value} --> {name}" for name in _groups_after(now)]
    lines += [
        f"    {now.value} --> {then.value}"
        for now, then in _single_edges()
        if _group_of(now) is None or _group_of(now) != _group_of(then)
    ]
    lines.append("```")
    return "\n".join(lines)


def edges_of(text: str) -> dict[Status, frozenset[Status]]:
    """Read a diagram back: every state with the states that its arrows lead to."""
    found: dict[Status, set[Status]] = {status: set() for status in Status}
    for line in text.splitlines():
        start, arrow, end = line.strip().partition(" --> ")
        if not arrow or start == "[*]":
            continue
        reached = GROUPS[end] if end in GROUPS else {Status(end)}
        now = Status(start)
        found[now] |= reached - {now}
    return {now: frozenset(following) for now, following in found.items()}


def _group_of(status: Status) -> str | None:
    return next((name for name, members in GROUPS.items() if status in members), None)


def _groups_after(now: Status) -> list[str]:
    """Return the boxes of which every state may follow ``now``."""
    return [
        name
        for name, members in GROUPS.items()
        if now not in members and members <= TRANSITIONS[now]
    ]


def _single_edges() -> Iterator[tuple[Status, Status]]:
    for now in Status:
        covered = {status for name in _groups_after(now) for status in GROUPS[name]}
        for then in Status:
            if then in TRANSITIONS[now] and then not in covered:
                yield now, then


def saga() -> str:
    """Return the journal of one trade: a market entry, three rungs, the last one closes it."""
    bench = make_bench()
    begin = bench.state_port.version()
    ladder = tuple(
        RungSpec(Rate(Decimal(reward)), Rate(Decimal(part)))
        for reward, part in (("1", "0.3"), ("2", "0.3"), ("3", "0.4"))
    )
    bench.desk.execute(signal(ladder=ladder))
    for last in ("66100", "67100", "68100"):
        bench.move(last)
    told = [(entry.kind, _said(entry.event)) for entry in bench.desk.journal(after_version=begin)]
    rows = ["| # | event | what it says |", "|---|---|---|"]
    for number, (kind, said) in enumerate(((k, said) for k, said in told if said is not None), 1):
        rows.append(f"| {number} | `{kind}` | {said} |")
    assert not bench.desk.status().positions, "the trade of the example ends flat"
    assert OPEN.isdisjoint(order.status for order in bench.desk.status().books.orders.values())
    return "\n".join(rows)


def _said(event: ev.Event) -> str | None:
    match event:
        case ev.LeverageSet():
            return f"the venue confirmed {event.leverage} x"
        case ev.Filled():
            did = event.execution
            return f"{did.side.value} {did.qty} at {did.price}, fee {_whole(did.fee)} USDT"
        case ev.Replanned():
            prices = ", ".join(str(rung.price) for rung in event.rungs)
            return f"filled at {event.entry_price}: stop {event.stop}, targets {prices}"
        case ev.StopConfirmed():
            return f"the venue shows {event.price}"
        case ev.TradeClosed():
            return f"closed by {event.trade.reason.value}, net {_whole(event.trade.net)} USDT"
        case _:
            return _said_of_order(event)


def _said_of_order(event: ev.Event) -> str | None:
    match event:
        case ev.EntryIntended():
            order, stop = event.order, event.ticket.stop
            return f"`{_tail(order.client_id)}`: {order.side.value} {order.qty}, stop {stop} inside"
        case ev.EntryReleased():
            return f"`{_tail(event.client_id)}` leaves for the venue"
        case ev.OrderAcknowledged():
            return f"`{_tail(event.client_id)}` was taken"
        case ev.OrderUpdated():
            return f"`{_tail(event.client_id)}` is {event.status.value}"
        case ev.OrderIntended():
            return f"`{_tail(event.order.client_id)}`: {event.order.purpose}, {event.order.qty}"
        case ev.CancelIntended() if event.client_id is not None:
            return f"`{_tail(event.client_id)}` is to end"
        case _:
            return None


def _whole(amount: Money) -> str:
    return f"{amount.value.normalize():f}"


def _tail(client_id: str) -> str:
    """Return the part of an id that tells role, rung and sequence."""
    return client_id.partition("-")[2]
