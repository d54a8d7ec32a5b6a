"""A live session as it happens: lines for a person, or one JSON document on each line."""

import re
from collections.abc import Callable

from rich.console import Console
from rich.table import Table
from rich.text import Text
from tidegate.domain.core import events as ev
from tidegate.domain.orders import ClientId, Purpose
from tidegate.ports.notifier import NotifierPort

from . import figures
from .machine import as_line, plain
from .output import machine_out
from .session_view import Counts
from .story import story_line
from .tickets import ticket_panel

__all__ = ["LiveLines", "LiveView", "desk_line", "kind_of"]

_PURPOSES_MAX = 1_000
_HUMPS = re.compile(r"(?<!^)(?=[A-Z])")


def kind_of(event: ev.Event) -> str:
    """Return the name of an event's kind as the journal has it, without its version."""
    return _HUMPS.sub("_", type(event).__name__).lower()


class LiveLines(NotifierPort):
    """Writes every event as one JSON document on a line."""

    def notify(self, event: ev.Event, *, time_ms: int) -> None:
        """See :meth:`NotifierPort.notify`."""
        document = {"type": "event", "kind": kind_of(event), "time_ms": time_ms}
        machine_out(as_line({**document, "event": plain(event)}))


class LiveView(NotifierPort):
    """Tells what a person wants to know; the journal has everything."""

    def __init__(self, console: Console, base_coin: Callable[[], str]) -> None:
        self.counts = Counts()
        self._console = console
        self._base_coin = base_coin
        self._purposes: dict[ClientId, Purpose] = {}

    def notify(self, event: ev.Event, *, time_ms: int) -> None:
        """See :meth:`NotifierPort.notify`."""
        self.counts.take(event, tickets_max=0)
        if isinstance(event, ev.EntryIntended):
            self._remember(event.order.client_id, event.order.purpose)
            self._show_ticket(event, time_ms)
            return
        if isinstance(event, ev.OrderIntended):
            self._remember(event.order.client_id, event.order.purpose)
        line = story_line(event, self._base_coin(), self._purposes) or desk_line(event)
        if line is not None:
            self._show(line, time_ms)

    def _remember(self, order_id: ClientId, purpose: Purpose) -> None:
        self._purposes[order_id] = purpose
        while len(self._purposes) > _PURPOSES_MAX:
            del self._purposes[next(iter(self._purposes))]

    def _show_ticket(self, event: ev.EntryIntended, time_ms: int) -> None:
        self._console.print()
        self._console.print(
            ticket_panel(
                event.ticket,
                title=f"{event.signal.signal_id}  {figures.second(time_ms)} UTC ",
                base_coin=self._base_coin(),
                rules=f"Passed all {event.ticket.rules_passed} rules",
            )
        )
        self._console.file.flush()

    def _show(self, line: str, time_ms: int) -> None:
        row = Table.grid(padding=(0, 2))
        row.add_column(style="dim", no_wrap=True)
        row.add_column(overflow="fold")
        row.add_row(figures.second(time_ms), Text(line))
        self._console.print(row)
        self._console.file.flush()


def desk_line(event: ev.Event) -> str | None:
    """Tell an event of the desk itself; ``None`` for bookkeeping that a person need not see."""
    match event:
        case ev.SessionStarted():
            return f"started in mode {event.mode.value} on {event.venue.value}"
        case ev.SessionStopped():
            return f"ended: {event.reason}"
        case ev.AccountOpened():
            return f"the books begin with {figures.money(event.wallet)} USDT"
        case ev.SignalRefused():
            return f"refused {event.signal_id}: {_reasons(event)}"
        case ev.OrderUnknown():
            return f"no answer for an order ({event.cause}): it is being asked for"
        case ev.OrderLapsed():
            return "an order is proven never to have arrived"
        case ev.StopLost():
            return f"the venue shows the stop at {figures.price(event.shown)}, which is not ours"
        case ev.StopMoveRefused():
            return f"the venue refused the stop at {figures.price(event.price)}: {event.message}"
        case ev.LeverageRefused():
            return f"the venue refused the leverage: {event.message}"
        case _:
            return _state_line(event)


def _state_line(event: ev.Event) -> str | None:
    match event:
        case ev.TradingStateChanged():
            return f"trading state {event.state.name}: {event.cause}"
        case ev.StreamsLost():
            return f"{event.cause}: reducing only"
        case ev.StreamsRegained():
            return "the streams are up again and the account was read: no longer held back"
        case ev.PanicStarted():
            return f"PANIC: {event.cause}"
        case ev.PanicEnded():
            left = ", ".join(event.remaining)
            return f"panic ended; still open: {left}" if left else "panic ended: all is closed"
        case ev.PanicReset():
            return "panic was reset"
        case ev.FindingRaised():
            blocks = " (entries are stopped)" if event.blocks_entries else ""
            return f"found: {event.text}{blocks}"
        case ev.FindingSettled():
            return f"settled: {event.finding_id}"
        case _:
            return None


def _reasons(event: ev.SignalRefused) -> str:
    if event.fault is not None:
        return event.fault
    broken = [f"{b.rule.value}: {b.observed}, limit {b.limit}" for b in event.breaches]
    unknown = [f"{gap.rule.value}: {gap.what} is not known" for gap in event.missing]
    return "; ".join((*broken, *unknown))
