"""A running session on the screen: the first tickets with their stories, then a progress bar."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import attrs
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn
from rich.progress import TimeRemainingColumn as Remaining
from rich.table import Table
from rich.text import Text
from tidegate.domain.core import events as ev
from tidegate.domain.orders import ClientId, Purpose
from tidegate.domain.ticket import Ticket

from . import figures
from .story import story_line
from .tickets import ticket_panel

__all__ = ["NO_PLAN", "Counts", "SessionView"]

NO_PLAN = "no plan possible"
"""What is counted for a signal of which no plan could be made."""
_UPDATE_EVERY = 50
_ALL_RULES = "Passed all {count} rules"


@attrs.define
class Counts:
    """What happened in this process, and the first tickets."""

    of: Counter[str] = attrs.field(factory=Counter)
    tickets: list[Ticket] = attrs.field(factory=list)

    def take(self, event: ev.Event, *, tickets_max: int) -> None:
        """Count one event."""
        self.of[type(event).__name__] += 1
        if isinstance(event, ev.SignalRefused) and event.fault is not None:
            self.of[NO_PLAN] += 1
        if isinstance(event, ev.EntryIntended) and len(self.tickets) < tickets_max:
            self.tickets.append(event.ticket)


class SessionView:
    """Listens to a session and shows it; ``tickets_max`` trades are told in full."""

    def __init__(self, console: Console, *, base_coin: str, tickets_max: int) -> None:
        self.counts = Counts()
        self._console = console
        self._base_coin = base_coin
        self._tickets_max = tickets_max
        self._is_telling = False
        self._purposes: dict[ClientId, Purpose] = {}
        self._bar: tuple[Progress, TaskID] | None = None

    def listen(self, event: ev.Event, time_ms: int) -> None:
        """Count an event, and tell it where it belongs to one of the first trades."""
        told = len(self.counts.tickets)
        self.counts.take(event, tickets_max=self._tickets_max)
        if isinstance(event, ev.EntryIntended):
            self._is_telling = len(self.counts.tickets) > told
            if self._is_telling:
                self._purposes = {event.order.client_id: event.order.purpose}
                self._show_ticket(event.ticket, time_ms)
        elif self._is_telling:
            self._tell(event, time_ms)

    def _show_ticket(self, ticket: Ticket, time_ms: int) -> None:
        self._console.print()
        self._console.print(
            ticket_panel(
                ticket,
                title=f"Ticket {len(self.counts.tickets)}  {figures.moment(time_ms)} UTC ",
                base_coin=self._base_coin,
                rules=_ALL_RULES.format(count=ticket.rules_passed),
            )
        )

    def _tell(self, event: ev.Event, time_ms: int) -> None:
        if isinstance(event, ev.OrderIntended):
            self._purposes[event.order.client_id] = event.order.purpose
        line = story_line(event, self._base_coin, self._purposes)
        if line is not None:
            row = Table.grid(padding=(0, 2))
            row.add_column(style="dim", no_wrap=True)
            row.add_row(f"  {figures.moment(time_ms)}", Text(line))
            self._console.print(row)
        if isinstance(event, ev.TradeClosed):
            self._is_telling = False
            if len(self.counts.tickets) == self._tickets_max:
                self._console.print("\n  ... and so on, without the details:\n")

    @contextmanager
    def progress(self, screen: Console) -> Iterator[Callable[[int, int], None]]:
        """Show a bar on ``screen`` while the session runs; nothing where it is no terminal."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            Remaining(),
        )
        with Progress(*columns, console=screen, disable=not screen.is_terminal) as bar:
            self._bar = (bar, bar.add_task(self._line(), total=None))
            try:
                yield self._on_progress
            finally:
                self._bar = None

    def _on_progress(self, done: int, total: int) -> None:
        if self._bar is not None and (done % _UPDATE_EVERY == 0 or done == total):
            bar, task = self._bar
            bar.update(task, completed=done, total=total, description=self._line())

    def _line(self) -> str:
        of = self.counts.of
        return (
            f"{figures.count(of['TradeClosed'], 'trade')}, {figures.count(of['Filled'], 'fill')}, "
            f"{of['SignalRefused']:,} refused"
        )
