"""``tidegate status``, ``journal``, ``panic`` and ``reset-panic``."""

from collections import deque
from typing import Annotated

import typer
from rich.markup import escape
from tidegate.ports.commands import CommandsPort, PanicReport
from tidegate.ports.desk import JournalEntry

from . import figures
from .books_view import show_desk, show_status, status_document
from .exits import Exit
from .journal_view import journal_line
from .machine import as_json, as_line, plain
from .options import (
    JOURNAL_FILE,
    KEY_VARIABLES,
    SETTING_VARIABLES,
    SETTINGS_FILE,
    VENUE_FILE,
    AcknowledgeOption,
    ConfigOption,
    JsonOption,
    ModeOption,
    StateOption,
    epilog,
    where_of,
)
from .output import machine_out, page, reported

__all__ = ["add_journal", "add_panic", "add_reset_panic", "add_status"]

_LIMIT = 50
_READ_ALONE = (JOURNAL_FILE, SETTINGS_FILE)
_BOTH_STORES = (JOURNAL_FILE, VENUE_FILE, SETTINGS_FILE)


def add_status(app: typer.Typer, commands: CommandsPort) -> None:
    """Add the status."""

    @app.command(
        epilog=epilog(
            Exit.BAD_INPUT,
            Exit.STATE,
            examples=("tidegate status", "tidegate status --state run1 --json"),
            files=_READ_ALONE,
            variables=SETTING_VARIABLES,
        )
    )
    def status(
        mode: ModeOption = None,
        state: StateOption = None,
        config: ConfigOption = None,
        is_json: JsonOption = False,
    ) -> None:
        """Show the desk at a glance: state, money, positions, orders.

        Findings of the last reconciliation too. It reads the journal alone, writes nothing, asks no
        venue, and works while a session runs: what it shows is what the journal says until now.
        """
        where = where_of(state, config, mode)
        with reported():
            report = commands.status(where)
            desk = commands.named(where)
        if is_json:
            machine_out(as_json({**status_document(report), "desk": plain(desk)}))
        else:
            show_desk(page(), desk)
            show_status(page(), report)


def add_journal(app: typer.Typer, commands: CommandsPort) -> None:
    """Add the journal."""

    @app.command(
        epilog=epilog(
            Exit.BAD_INPUT,
            Exit.STATE,
            examples=(
                "tidegate journal --state run1 --kind trade_closed --limit 0",
                "tidegate journal --after 1200 --json",
            ),
            files=_READ_ALONE,
            variables=SETTING_VARIABLES,
        )
    )
    def journal(
        after: Annotated[
            int | None,
            typer.Option(
                metavar="VERSION",
                min=0,
                help="The first entries after this version.",
                show_default="the last entries",
            ),
        ] = None,
        kind: Annotated[
            str | None,
            typer.Option(metavar="KIND", help="Only this kind, as filled or trade_closed."),
        ] = None,
        limit: Annotated[
            int, typer.Option(metavar="N", min=0, help="How many entries at most; 0 for all.")
        ] = _LIMIT,
        has_archives: Annotated[
            bool,
            typer.Option("--archive", help="Also what tidegate state compact moved into archives."),
        ] = False,
        mode: ModeOption = None,
        state: StateOption = None,
        config: ConfigOption = None,
        is_json: JsonOption = False,
    ) -> None:
        """Read the journal: everything that happened, in order.

        A line for each entry, oldest first: version, time (UTC), kind and what it says, cut at 80
        columns. With --json each entry is a whole JSON document on a line of its own. Nothing is
        written, and it works while a session runs.

        After a compaction the journal begins later; --archive reads the archives beside it first.
        """
        where = where_of(state, config, mode)
        with reported():
            shown: deque[JournalEntry] = deque(maxlen=limit or None)
            for entry in commands.journal(
                where, after_version=after, has_archives=has_archives, kind=kind
            ):
                shown.append(entry)
                if after is not None and len(shown) == limit:
                    break
            desk = commands.named(where)
        if not is_json:
            show_desk(page(to_stderr=True), desk)
        if not shown and not has_archives:
            page(to_stderr=True).print("No such entry; older ones may be in archives: --archive")
        for entry in shown:
            machine_out(as_line(entry) if is_json else journal_line(entry))


def add_panic(app: typer.Typer, commands: CommandsPort) -> None:
    """Add panic."""

    @app.command(
        epilog=epilog(
            Exit.BAD_INPUT,
            Exit.STATE,
            Exit.VENUE,
            Exit.INCOMPLETE,
            examples=(
                "tidegate panic --mode demo",
                'tidegate panic --state run1 --cause "wrong prices"',
            ),
            files=_BOTH_STORES,
            variables=(*SETTING_VARIABLES, *KEY_VARIABLES),
        )
    )
    def panic(
        cause: Annotated[
            str, typer.Option(metavar="TEXT", help="Why; it goes into the journal.")
        ] = "asked for on the command line",
        mode: ModeOption = None,
        state: StateOption = None,
        config: ConfigOption = None,
        is_json: JsonOption = False,
    ) -> None:
        """Halt, cancel every order and close every position, at once.

        Nothing is asked first. Orders and positions of others on the account are taken too, and
        protective stops stay until their position is flat. The halt is in the journal before the
        first request leaves: the desk stays halted, also after a restart, until reset-panic.

        It ends when the venue shows that all is flat, or after a minute, and says what is left. A
        session that runs on this state has to be stopped first (Ctrl-C).

        Name the desk as it was started, with the same --mode and --state: each mode has a desk of
        its own, and only the one that is named is panicked. Mode live needs no acknowledgement.
        """
        where = where_of(state, config, mode)
        with reported():
            report = commands.panic(where, cause=cause)
            desk = commands.named(where)
        if is_json:
            said = {name: value for name, value in plain(report).items() if value is not None}
            document = {"is_clean": report.is_clean, **said, "desk": plain(desk)}
            machine_out(as_json(document))
        else:
            show_desk(page(), desk)
            _show_panic(report)
        raise typer.Exit(Exit.OK if report.is_clean else Exit.INCOMPLETE)


def _show_panic(report: PanicReport) -> None:
    console = page()
    console.print("[bold red]HALTED[/]: no new entry until tidegate reset-panic --confirm RESET.")
    if report.is_clean:
        console.print("Nothing is held and no order is open.")
        return
    held = ", ".join(report.held) or "nothing"
    orders = f"{figures.count(report.orders_open, 'order')} open"
    if report.unread is None:
        console.print(escape(f"Still held: {held}; {orders}. {report.outlook or ''}".rstrip()))
        return
    console.print(
        escape(
            f"The venue could not be read ({report.unread}): what is open there is not known. "
            f"Held, as far as is known: {held}; {orders} in the books. {report.outlook or ''}"
        ).rstrip()
    )


def add_reset_panic(app: typer.Typer, commands: CommandsPort) -> None:
    """Add the way out of panic."""

    @app.command(
        epilog=epilog(
            Exit.BAD_INPUT,
            Exit.STATE,
            Exit.VENUE,
            examples=("tidegate reset-panic --mode demo --confirm RESET",),
            files=_BOTH_STORES,
            variables=(*SETTING_VARIABLES, *KEY_VARIABLES),
        )
    )
    def reset_panic(
        confirm: Annotated[
            str, typer.Option(metavar="RESET", help="The literal RESET, in capitals.")
        ],
        mode: ModeOption = None,
        acknowledge: AcknowledgeOption = None,
        state: StateOption = None,
        config: ConfigOption = None,
        is_json: JsonOption = False,
    ) -> None:
        """Leave panic, once its cause is understood.

        A panic that has not ended is not reset: it says what is left, and sends nothing. tidegate
        panic finishes it. Otherwise the desk is opened as at a start, which compares the books with
        the venue and sets stops that are missing, and the reset becomes an entry of the journal.

        What else holds the desk back, such as a trading state that an operator set, stays as it is:
        see tidegate status. A session that runs on this state has to be stopped first.
        """
        where = where_of(state, config, mode, acknowledge)
        with reported():
            commands.reset_panic(where, confirmation=confirm)
            desk = commands.named(where)
        if is_json:
            machine_out(as_json({"panic": None, "desk": plain(desk)}))
        else:
            show_desk(page(), desk)
            page().print("Panic is reset. See tidegate status for what the desk may do now.")
