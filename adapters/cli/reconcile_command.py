"""``tidegate reconcile``."""

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from tidegate.domain.closed_profits import ProfitComparison
from tidegate.ports.commands import CommandsPort, NamedDesk
from tidegate.ports.reconciling import Applied, OpenFinding, ReconcileReport

from . import figures
from .books_view import show_desk
from .exits import Exit
from .machine import as_json, plain
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

__all__ = ["add_reconcile"]

_DAYS_SHOWN = 7


def add_reconcile(app: typer.Typer, commands: CommandsPort) -> None:
    """Add the reconciliation."""

    @app.command(
        epilog=epilog(
            Exit.BAD_INPUT,
            Exit.STATE,
            Exit.VENUE,
            Exit.FINDINGS,
            examples=("tidegate reconcile", "tidegate reconcile --state run1 --json"),
            files=(JOURNAL_FILE, VENUE_FILE, SETTINGS_FILE),
            variables=(*SETTING_VARIABLES, *KEY_VARIABLES),
        )
    )
    def reconcile(
        mode: ModeOption = None,
        acknowledge: AcknowledgeOption = None,
        state: StateOption = None,
        config: ConfigOption = None,
        is_json: JsonOption = False,
    ) -> None:
        """Compare the books with the venue, and put right what can be.

        Missed executions and funding are booked from the venue's history, orders that carry the
        journal's tag and are not in it are cancelled, stops that are missing are set, and each
        closing order's profit is compared with the venue's own record. What is left is listed with
        what is done about it. Orders of others are reported and left alone. Nothing is opened.

        A desk that runs does this by itself, and needs its journal alone: stop it first.
        """
        where = where_of(state, config, mode, acknowledge)
        with reported():
            report = commands.reconcile(where)
            desk = commands.named(where)
        if is_json:
            machine_out(as_json({**_document(report), "desk": plain(desk)}))
        else:
            _show(page(), report, desk)
        raise typer.Exit(Exit.OK if report.is_clean else Exit.FINDINGS)


def _document(report: ReconcileReport) -> dict[str, object]:
    findings = [
        {**plain(finding), "correction": finding.correction.name.lower()}
        for finding in report.findings
    ]
    return {"is_clean": report.is_clean, **plain(report), "findings": findings}


def _show(console: Console, report: ReconcileReport, desk: NamedDesk) -> None:
    console.print("[bold]tidegate reconcile[/]")
    show_desk(console, desk)
    for line in (*_applied(report.applied), *_wallet(report), *_profits(report.profits)):
        console.print(line)
    if report.findings:
        console.print(_table(report.findings))
    if not report.is_confirmed:
        console.print("[bold yellow]NOT CONFIRMED[/]: the venue gave no usable answer in time.")
    elif report.blocks_entries:
        console.print("[bold red]BLOCKED[/]: no new entry until what stops entries is settled.")
    elif report.findings:
        console.print("[bold yellow]OPEN[/]: something differs; it stops no entry.")
    else:
        console.print("[bold green]AGREED[/]: books and venue say the same.")


def _applied(applied: Applied) -> list[str]:
    parts = (
        (applied.executions, "execution", "booked"),
        (applied.funding, "funding payment", "booked"),
        (applied.cancels, "cancel", "sent"),
        (applied.stops, "stop", "set"),
        (applied.settled, "finding", "settled"),
    )
    return [f"{figures.count(number, what)} {done}" for number, what, done in parts if number]


def _wallet(report: ReconcileReport) -> list[str]:
    if report.wallet_books is None or report.wallet_venue is None:
        return ["The wallets were not compared."]
    ours, venue = figures.money(report.wallet_books), figures.money(report.wallet_venue)
    return [f"Wallet: books {ours} USDT, venue {venue} USDT"]


def _profits(compared: ProfitComparison | None) -> list[str]:
    if compared is None:
        return ["This venue keeps no records of closed profit, or they were not read."]
    reach = "" if compared.is_complete else "; the venue keeps no more"
    waiting = f", {compared.waiting} too young" if compared.waiting else ""
    orders = figures.count(compared.orders, "closing order")
    lines = [f"Closed profit: {orders} compared{waiting}{reach}"]
    for day in compared.days[-_DAYS_SHOWN:]:
        ours, venue = figures.signed(day.ours), figures.signed(day.venue)
        lines.append(f"  {day.label}  books {ours} USDT, venue {venue} USDT")
    return lines


def _table(findings: tuple[OpenFinding, ...]) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        style, mark = ("red", "BLOCKS") if finding.blocks_entries else ("yellow", "open")
        table.add_row(f"[{style}]{mark}[/]", escape(finding.text))
        table.add_row("", f"[bold]{escape(finding.correction.value)}[/]")
    return table
