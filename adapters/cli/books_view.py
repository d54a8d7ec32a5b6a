"""The state of a desk and its journal, as a person reads them."""

from rich.console import Console
from rich.markup import escape
from tidegate.domain.mode import TradingState
from tidegate.ports.desk import JournalEntry, StatusReport

from . import figures
from .machine import as_line
from .tickets import WIDTH_MAX, direction

__all__ = ["journal_line", "show_status"]

_STATE_STYLES = {
    TradingState.ACTIVE: "green",
    TradingState.REDUCING: "yellow",
    TradingState.HALTED: "bold red",
}


def show_status(console: Console, report: StatusReport) -> None:
    """Print the desk at a glance."""
    state = report.trading_state
    console.print(f"Trading state  [{_STATE_STYLES[state]}]{state.name}[/]")
    if report.panic_cause is not None:
        console.print(
            f"Panic          {escape(report.panic_cause)}; when it is understood: "
            "tidegate reset-panic --confirm RESET",
            style="red",
        )
    console.print(f"Journal        {figures.count(report.version, 'entry', 'entries')}")
    if report.books.ledger is None:
        console.print("Account        not opened yet: no session has run on this state")
        return
    _account(console, report)
    _positions(console, report)
    for finding in report.books.findings.values():
        blocks = "blocks entries" if finding.blocks_entries else "for information"
        console.print(f"Finding        {escape(finding.text)} ({blocks})", style="yellow")


def _account(console: Console, report: StatusReport) -> None:
    ledger, tally = report.books.ledger, report.books.tally
    if ledger is None:
        return
    equity = (
        "known once a session has prices"
        if report.equity is None
        else (f"{figures.money(report.equity)} USDT")
    )
    opening = figures.money(ledger.opening)
    console.print(f"Wallet         {figures.money(report.wallet)} USDT, opened with {opening}")
    console.print(f"Equity         {equity}")
    today = ledger.today
    console.print(
        f"Today          {figures.signed(today.net)} USDT realised, "
        f"{figures.count(today.trades, 'trade')} since {figures.moment(today.start_ms)} UTC"
    )
    console.print(f"Drawdown       {figures.percent(ledger.deepest_drawdown)} at its deepest")
    console.print(
        f"Signals        {tally.approved:,} approved, {tally.refused:,} refused; "
        f"{figures.count(ledger.trades, 'finished trade')}"
    )


def _positions(console: Console, report: StatusReport) -> None:
    books = report.books
    if not report.positions:
        console.print("Positions      none")
    for symbol, position in report.positions:
        side = position.side
        if side is None:
            continue
        trade = books.trades.get(symbol)
        stop = None if trade is None else trade.stop_wanted
        console.print(
            f"Position       {direction(side).lower()} {abs(position.qty)} {symbol} at "
            f"{figures.price(position.entry_price)}, stop {figures.price(stop)}"
        )
    console.print(f"Orders         {figures.count(len(books.orders), 'order')} not finished")


def journal_line(entry: JournalEntry) -> str:
    """Write one row on one line, cut to the width of a page."""
    head = f"{entry.version:>7}  {figures.moment(entry.time_ms)}  {entry.kind:<24} "
    room = WIDTH_MAX - len(head)
    body = as_line(entry.event).strip("{}").replace('"', "")
    return head + (body if len(body) <= room else f"{body[: room - 3]}...")
