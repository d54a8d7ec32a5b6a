"""``tidegate status``, ``journal``, ``panic`` and ``reset-panic``."""

from collections import deque
from typing import Annotated

import typer
from tidegate.ports.commands import CommandsPort, PanicReport, Where
from tidegate.ports.desk import JournalEntry

from . import figures
from .books_view import show_status, status_document
from .exits import Exit
from .journal_view import journal_line
from .machine import as_json, as_line, plain
from .options import ConfigOption, JsonOption, StateOption, epilog
from .output import machine_out, page, reported

__all__ = ["add_journal", "add_panic", "add_reset_panic", "add_status"]

_LIMIT = 50


def add_status(app: typer.Typer, commands: CommandsPort) -> None:
    """Add the status."""

    @app.command(epilog=epilog(Exit.BAD_INPUT, Exit.STATE))
    def status(
        state: StateOption = None, config: ConfigOption = None, is_json: JsonOption = False
    ) -> None:
        """Show the desk at a glance: trading state, money, positions, orders, findings.

        It reads the journal alone and works while a session runs.
        """
        with reported():
            report = commands.status(Where(state=state, config=config))
        if is_json:
            machine_out(as_json(status_document(report)))
        else:
            show_status(page(), report)


def add_journal(app: typer.Typer, commands: CommandsPort) -> None:
    """Add the journal."""

    @app.command(epilog=epilog(Exit.BAD_INPUT, Exit.STATE))
    def journal(
        after: Annotated[
            int | None,
            typer.Option(
                metavar="VERSION",
                min=0,
                help="Start after this version.",
                show_default="the last entries",
            ),
        ] = None,
        kind: Annotated[
            str | None,
            typer.Option(metavar="KIND", help="Only this kind, such as filled or trade_closed."),
        ] = None,
        limit: Annotated[
            int, typer.Option(metavar="N", min=0, help="How many entries at most; 0 for all.")
        ] = _LIMIT,
        state: StateOption = None,
        config: ConfigOption = None,
        is_json: JsonOption = False,
    ) -> None:
        """Read the journal: everything that happened, in order.

        With --json each entry is a JSON document on a line of its own.
        """
        where = Where(state=state, config=config)
        with reported():
            shown: deque[JournalEntry] = deque(maxlen=limit or None)
            for entry in commands.journal(where, after_version=after or 0):
                if kind is not None and entry.kind.rpartition(".")[0] != kind.partition(".")[0]:
                    continue
                shown.append(entry)
                if after is not None and len(shown) == limit:
                    break
        for entry in shown:
            machine_out(as_line(entry) if is_json else journal_line(entry))


def add_panic(app: typer.Typer, commands: CommandsPort) -> None:
    """Add panic."""

    @app.command(epilog=epilog(Exit.BAD_INPUT, Exit.STATE, Exit.VENUE, Exit.INCOMPLETE))
    def panic(
        cause: Annotated[
            str, typer.Option(metavar="TEXT", help="Why; it goes into the journal.")
        ] = "asked for on the command line",
        state: StateOption = None,
        config: ConfigOption = None,
        is_json: JsonOption = False,
    ) -> None:
        """Halt, cancel every order and close every position, at once and without asking.

        The desk stays halted, also after a restart, until reset-panic. A session that runs on this
        state has to be stopped first (Ctrl-C).
        """
        with reported():
            report = commands.panic(Where(state=state, config=config), cause=cause)
        if is_json:
            machine_out(as_json({"is_clean": report.is_clean, **plain(report)}))
        else:
            _show_panic(report)
        raise typer.Exit(Exit.OK if report.is_clean else Exit.INCOMPLETE)


def _show_panic(report: PanicReport) -> None:
    console = page()
    console.print("[bold red]HALTED[/]: no new entry until tidegate reset-panic --confirm RESET.")
    if report.is_clean:
        console.print("Nothing is held and no order is open.")
        return
    held = ", ".join(report.held) or "nothing"
    console.print(
        f"Still held: {held}; {figures.count(report.orders_open, 'order')} open. A recorded market "
        "stands still between sessions: what is left closes when the session goes on."
    )


def add_reset_panic(app: typer.Typer, commands: CommandsPort) -> None:
    """Add the way out of panic."""

    @app.command(epilog=epilog(Exit.BAD_INPUT, Exit.STATE, Exit.VENUE))
    def reset_panic(
        confirm: Annotated[
            str, typer.Option(metavar="RESET", help="The literal RESET, in capitals.")
        ],
        state: StateOption = None,
        config: ConfigOption = None,
        is_json: JsonOption = False,
    ) -> None:
        """Leave panic, once its cause is understood. It is journaled."""
        with reported():
            commands.reset_panic(Where(state=state, config=config), confirmation=confirm)
        if is_json:
            machine_out(as_json({"panic": None}))
        else:
            page().print("Panic is reset. See tidegate status for what the desk may do now.")
