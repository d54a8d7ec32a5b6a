"""The state of a desk, as a person reads it."""

from rich.console import Console
from rich.markup import escape
from tidegate.domain.mode import TradingState
from tidegate.ports.commands import NamedDesk
from tidegate.ports.desk import StatusReport

from . import figures
from .tickets import direction

__all__ = ["show_desk", "show_status", "status_document"]

_STATE_STYLES = {
    TradingState.ACTIVE: "green",
    TradingState.REDUCING: "yellow",
    TradingState.HALTED: "bold red",
}


def show_desk(console: Console, desk: NamedDesk) -> None:
    """Print which desk a command acted on: mode, venue, account and journal."""
    account = "" if desk.account is None else f", account {desk.account}"
    console.print(escape(f"Mode {desk.mode.value}, {desk.venue}{account}"), soft_wrap=True)
    console.print(escape(f"Journal {desk.journal}"), soft_wrap=True)


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
    lost = report.books.streams_lost
    if lost is not None:
        console.print(f"Streams        {escape(lost.cause)}: reducing only", style="yellow")
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


def status_document(report: StatusReport) -> dict[str, object]:
    """Return the desk at a glance for a program; amounts as the books hold them."""
    books = report.books
    return {
        "trading_state": report.trading_state,
        "panic_cause": report.panic_cause,
        "streams_lost": None if books.streams_lost is None else books.streams_lost.cause,
        "journal_version": report.version,
        "wallet": report.wallet,
        "equity": report.equity,
        "positions": [
            {
                "symbol": symbol,
                "side": position.side,
                "qty": position.qty,
                "entry_price": position.entry_price,
                "stop": None if (trade := books.trades.get(symbol)) is None else trade.stop_wanted,
            }
            for symbol, position in report.positions
        ],
        "orders": [
            {
                "client_id": order.request.client_id,
                "symbol": order.request.symbol,
                "side": order.request.side,
                "role": order.request.purpose.role,
                "rung": order.request.purpose.rung,
                "qty": order.request.qty,
                "qty_filled": order.qty_filled,
                "price": order.request.price,
                "status": order.status,
            }
            for order in books.orders.values()
        ],
        "findings": list(books.findings.values()),
        "today": None if books.ledger is None else books.ledger.today,
        "deepest_drawdown": None if books.ledger is None else books.ledger.deepest_drawdown,
        "signals_approved": books.tally.approved,
        "signals_refused": books.tally.refused,
        "trades": 0 if books.ledger is None else books.ledger.trades,
    }
