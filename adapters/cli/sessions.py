"""Running a session from the command line: signals, screen, summary, exit code."""

from collections.abc import Callable

import typer
from rich.console import Console
from rich.markup import escape
from tidegate.ports.commands import OpenedSession
from tidegate.ports.session import SessionReport

from . import figures
from .exits import Exit
from .machine import as_json
from .output import machine_out, page, reported
from .session_view import Counts, SessionView
from .signals import Stopper, stop_on_signals
from .summaries import show_summary

__all__ = ["run_session"]

Open = Callable[[], OpenedSession]


def run_session(open_session: Open, *, name: str, tickets_max: int, is_json: bool) -> None:
    """Open, run and close a session; ends with the code that says how it ended.

    Raises:
        Exit: always, with the code that says how the session ended.

    """
    with stop_on_signals() as stopper, reported():
        opened = open_session()
        try:
            stopper.attach(opened.session.stop)
            if is_json:
                _run_for_machine(opened, stopper, name=name, tickets_max=tickets_max)
            else:
                _run_for_person(opened, stopper, name=name, tickets_max=tickets_max)
        finally:
            opened.session.close()
    raise typer.Exit(_code(stopper))


def _code(stopper: Stopper) -> Exit:
    return Exit.OK if stopper.received is None else Exit(128 + stopper.received)


def _run_for_machine(
    opened: OpenedSession, stopper: Stopper, *, name: str, tickets_max: int
) -> None:
    counts = Counts()
    opened.session.listen(lambda event, _: counts.take(event, tickets_max=tickets_max))
    report = opened.session.run(lambda _done, _total: None)
    received = stopper.received
    ledger = report.books.ledger
    machine_out(
        as_json(
            {
                "command": name,
                "title": opened.title,
                "state_folder": opened.state_folder,
                "is_temporary": opened.is_temporary,
                "was_resumed": report.was_resumed,
                "is_complete": report.is_complete,
                "signal": None if received is None else received.name,
                "items_done": report.items_done,
                "cursor": report.cursor,
                "items_total": report.items_total,
                "journal_version": report.journal_version,
                "trading_state": report.books.effective_state,
                "wallet": None if ledger is None else ledger.wallet,
                "positions": report.books.positions,
                "events_of_this_run": counts.of,
                "first_tickets": counts.tickets,
                "summary": report.summary,
                "notes": opened.footer,
            }
        )
    )


def _run_for_person(
    opened: OpenedSession, stopper: Stopper, *, name: str, tickets_max: int
) -> None:
    console = page()
    _introduce(console, opened, name)
    view = SessionView(console, base_coin=opened.base_coin, tickets_max=tickets_max)
    opened.session.listen(view.listen)
    screen = console if console.is_terminal else page(to_stderr=True)
    with view.progress(screen) as progress:
        report = opened.session.run(progress)
    show_summary(console, report, view.counts)
    _conclude(console, opened, report, stopper)


def _introduce(console: Console, opened: OpenedSession, name: str) -> None:
    console.print(f"[bold]tidegate {name}[/]  {escape(opened.title)}")
    console.print(f"State in {escape(opened.state_folder)}", soft_wrap=True)
    if opened.resumes:
        console.print("An earlier part of this session is there: going on where it stopped.")


def _conclude(
    console: Console, opened: OpenedSession, report: SessionReport, stopper: Stopper
) -> None:
    console.print()
    if not report.is_complete:
        cause = "Stopped" if stopper.received is None else f"Stopped by {stopper.received.name}"
        left = figures.count(report.items_total - report.cursor, "item")
        how = "run the same command again" if not opened.is_temporary else "name it with --state"
        console.print(f"[yellow]{cause} with {left} to go; to go on, {how}.[/]")
    folder = escape(opened.state_folder)
    if opened.is_temporary:
        console.print("The journal is in a temporary folder; --state DIR keeps it. To read it:")
    console.print(f"  tidegate journal --state {folder}", soft_wrap=True)
    for line in opened.footer:
        console.print(f"[dim]{escape(line)}[/]")
