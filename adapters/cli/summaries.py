"""The end of a session: what happened, and the performance in R and in USDT."""

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.table import Table
from tidegate.domain.core.state import Books
from tidegate.domain.money import Rate
from tidegate.domain.performance import Summary
from tidegate.domain.statistics_r import RBucket
from tidegate.ports.live import LiveReport
from tidegate.ports.session import SessionReport

from . import figures
from .session_view import NO_PLAN, Counts
from .tickets import WIDTH_MAX, direction

__all__ = ["show_live_summary", "show_summary"]

_BAR_WIDTH = 40
_PAIR = tuple[str, str]


def show_summary(console: Console, report: SessionReport, counts: Counts) -> None:
    """Print everything that a finished or interrupted session has to say."""
    _show(console, report.summary, report.books, counts, _activity(report, counts))


def show_live_summary(console: Console, report: LiveReport, counts: Counts) -> None:
    """Print everything that a live session has to say; the summary is over its whole journal."""
    if report.summary is None:
        console.print("The account was not opened: there is nothing to sum up.")
        return
    _show(console, report.summary, report.books, counts, _live_activity(report, counts))


def _show(
    console: Console, summary: Summary, books: Books, counts: Counts, activity: Sequence[_PAIR]
) -> None:
    _heading(console, "What happened")
    _pairs(console, activity)
    if summary.refused:
        _refusals(console, summary, counts)
    _heading(console, f"Performance: {figures.count(summary.trades, 'finished trade')}")
    if summary.trades:
        _pairs(console, _in_r(summary))
        _distribution(console, summary.r_distribution)
        _shares(console, summary)
    _heading(console, "Money, USDT")
    _pairs(console, _money(summary, books))
    _positions(console, books)


def _heading(console: Console, text: str) -> None:
    console.print()
    console.rule(f"[bold]{text}[/]", align="left", characters="-")


def _pairs(console: Console, pairs: Sequence[_PAIR]) -> None:
    """Print label and figure, two pairs to a line, column by column."""
    table = Table.grid(padding=(0, 2))
    for style in ("", "bold", "", "bold"):
        table.add_column(style=style, justify="right" if style else "left")
    half = (len(pairs) + 1) // 2
    for index in range(half):
        right = pairs[index + half] if index + half < len(pairs) else ("", "")
        table.add_row(f"  {pairs[index][0]}", pairs[index][1], f"   {right[0]}", right[1])
    console.print(table)


def _activity(report: SessionReport, counts: Counts) -> list[_PAIR]:
    of, summary = counts.of, report.summary
    here = " (this run)" if report.was_resumed else ""
    return [
        ("Items of market data", f"{report.cursor:,} of {report.items_total:,}"),
        ("Signals approved", f"{summary.approved:,}"),
        ("Signals refused", f"{summary.refused:,}"),
        ("Journal entries", f"{report.journal_version:,}"),
        (f"Fills{here}", f"{of['Filled']:,}"),
        (f"Funding payments{here}", f"{of['FundingBooked']:,}"),
        (f"Stops confirmed{here}", f"{of['StopConfirmed']:,}"),
        ("Trading state", report.books.effective_state.name),
    ]


def _live_activity(report: LiveReport, counts: Counts) -> list[_PAIR]:
    of, here = counts.of, " (this run)" if report.was_resumed else ""
    lost = f"{report.events_lost:,}"
    return [
        ("Bars closed (this run)", f"{report.bars:,}"),
        ("Wishes of the strategy (this run)", f"{report.wishes:,}"),
        ("Too late (this run)", f"{report.too_late:,}"),
        ("Journal entries", f"{report.journal_version:,}"),
        (f"Fills{here}", f"{of['Filled']:,}"),
        (f"Funding payments{here}", f"{of['FundingBooked']:,}"),
        (f"Stops confirmed{here}", f"{of['StopConfirmed']:,}"),
        ("Trading state", report.books.effective_state.name),
        *([("Events not shown", lost)] if report.events_lost else []),
    ]


def _refusals(console: Console, summary: Summary, counts: Counts) -> None:
    by_rule = {rule.value: number for rule, number in summary.refusals.items()}
    if counts.of[NO_PLAN]:
        by_rule[NO_PLAN] = counts.of[NO_PLAN]
    rows = sorted(by_rule.items(), key=lambda item: -item[1])
    title = "  Refused by rule (one signal may break several)"
    _bars(console, title, rows)


def _in_r(summary: Summary) -> list[_PAIR]:
    return [
        ("Win rate", figures.percent(summary.win_rate)),
        ("Expectancy", figures.signed_r(summary.expectancy_r)),
        ("Average R", figures.signed_r(summary.average_r)),
        ("Best trade", figures.signed_r(summary.best_r)),
        ("Worst trade", figures.signed_r(summary.worst_r)),
        ("Profit factor", figures.ratio(summary.profit_factor)),
        ("Payoff", figures.ratio(summary.payoff)),
        ("Average holding time", figures.duration(summary.holding_ms_average)),
        ("Adverse excursion, average", figures.signed_r(summary.adverse_r_average)),
        ("Adverse excursion, worst", figures.signed_r(summary.adverse_r_extreme)),
        ("Favourable excursion, average", figures.signed_r(summary.favourable_r_average)),
        ("Favourable excursion, best", figures.signed_r(summary.favourable_r_extreme)),
        ("Longest run of wins", f"{summary.streak_win_longest}"),
        ("Longest run of losses", f"{summary.streak_loss_longest}"),
        ("Sharpe, yearly", figures.ratio(summary.sharpe)),
        ("Sortino, yearly", figures.ratio(summary.sortino)),
    ]


def _distribution(console: Console, buckets: Iterable[RBucket]) -> None:
    """Draw the results in R, from the first bucket with a trade to the last."""
    rows = [(_range(bucket), bucket.trades) for bucket in buckets]
    used = [index for index, (_, trades) in enumerate(rows) if trades]
    if used:
        _bars(console, "  Trades by result in R", rows[used[0] : used[-1] + 1])


def _range(bucket: RBucket) -> str:
    if bucket.low is None:
        return f"below {figures.signed_r(bucket.high)}"
    if bucket.high is None:
        return f"from {figures.signed_r(bucket.low)}"
    return f"{_edge(bucket.low)} to {_edge(bucket.high)} R"


def _edge(rate: Rate) -> str:
    return f"{rate.value:+.1f}" if rate.sign else "0.0"


def _shares(console: Console, summary: Summary) -> None:
    by_reason: Mapping[str, int] = {r.value: n for r, n in summary.by_reason.items()}
    rows = sorted(by_reason.items(), key=lambda item: -item[1])
    _bars(console, "  Trades by what closed them", rows, total=summary.trades)
    sides = ", ".join(
        f"{direction(side).lower()} {sums.trades} ({figures.signed(sums.net)} USDT)"
        for side, sums in sorted(summary.by_side.items(), key=lambda item: item[0].value)
    )
    console.print(f"\n  By side: {sides}")


def _bars(
    console: Console, title: str, rows: Sequence[tuple[str, int]], *, total: int | None = None
) -> None:
    """Draw a small bar chart; with ``total`` each row also has its share."""
    mark = "█" if console.encoding.lower().startswith("utf") else "#"
    longest = max((number for _, number in rows), default=0)
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", min_width=16)
    table.add_column(justify="right")
    table.add_column(justify="right")
    table.add_column(style="cyan", no_wrap=True)
    for label, number in rows:
        length = -(-number * _BAR_WIDTH // longest) if longest else 0
        share = figures.percent(Rate.of(number) / Rate.of(total)) if total else ""
        table.add_row(f"  {label}", f"{number:,}", share, mark * length)
    console.print(f"\n{title}", style="dim")
    console.print(table)


def _money(summary: Summary, books: Books) -> list[_PAIR]:
    ledger = books.ledger
    wallet = None if ledger is None else ledger.wallet
    return [
        ("Opening equity", figures.money(summary.opening)),
        ("Price profit", figures.signed(summary.gross)),
        ("  of which slippage", figures.signed(-summary.slippage)),
        ("Fees", figures.signed(-summary.fees)),
        ("Funding", figures.signed(-summary.funding)),
        ("Net of finished trades", figures.signed(summary.net)),
        ("Final wallet" if books.positions else "Final equity", figures.money(wallet)),
        ("Return", figures.percent(summary.return_on_opening)),
        ("Expectancy of a trade", figures.signed(summary.expectancy)),
        ("High-water mark", figures.money(summary.high_water)),
        ("Deepest drawdown", figures.percent(summary.drawdown)),
        ("Deepest fall", figures.money(summary.drawdown_amount)),
    ]


def _positions(console: Console, books: Books) -> None:
    for symbol, position in books.positions.items():
        side = position.side
        held = "" if side is None else direction(side).lower()
        console.print(
            f"\n  Still open: {held} {abs(position.qty)} {symbol} at "
            f"{figures.price(position.entry_price)}, its open profit is not above",
            width=WIDTH_MAX,
        )
