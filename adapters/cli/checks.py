"""The verdict on a hypothetical trade, as a person reads it."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from tidegate.domain.risk.verdict import Breach
from tidegate.ports.commands import CheckReport

from . import figures
from .tickets import WIDTH_MAX, ticket_panel

__all__ = ["show_check"]


def show_check(console: Console, report: CheckReport) -> None:
    """Print the ticket, every refusal with its evidence, and what could not be judged."""
    if report.ticket is not None:
        style = "cyan" if report.is_allowed else "red"
        judged = f"Passed {len(report.passed)} rules"
        if report.breaches:
            judged += f", broke {len(report.breaches)}"
        console.print(
            ticket_panel(
                report.ticket, title="Check ", base_coin=report.base_coin, rules=judged, style=style
            )
        )
    _verdict(console, report)
    for breach in report.breaches:
        _breach(console, breach, report.base_coin)
    if report.breaches:
        _largest(console, report)
    _missing(console, report)
    for line in report.assumed:
        console.print(f"[dim]Assumed: {escape(line)}[/]", width=WIDTH_MAX)


def _verdict(console: Console, report: CheckReport) -> None:
    if report.fault is not None:
        console.print("[bold red]REFUSED[/]: no plan can be made of this trade.")
        console.print(f"  {escape(report.fault)}", width=WIDTH_MAX)
    elif report.is_allowed:
        console.print("[bold green]ALLOWED[/] by every rule that could be judged.")
    else:
        broken = figures.count(len(report.breaches), "rule")
        console.print(f"[bold red]REFUSED[/] by {broken}:")


def _breach(console: Console, breach: Breach, base_coin: str) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_column(min_width=12)
    table.add_column(max_width=60)
    table.add_row("    observed", escape(breach.observed))
    table.add_row("    limit", escape(breach.limit))
    table.add_row("    remedy", escape(breach.remedy))
    if breach.largest is not None:
        table.add_row("    largest", figures.qty(breach.largest, base_coin))
    if breach.smallest is not None:
        table.add_row("    smallest", figures.qty(breach.smallest, base_coin))
    console.print(f"  [bold]{escape(breach.rule.value)}[/]")
    console.print(table)


def _largest(console: Console, report: CheckReport) -> None:
    largest = report.largest
    if largest is None:
        console.print("  No size passes: something other than the size is refused.")
    elif largest.sign == 0:
        console.print("  No size that can be traded passes.")
    else:
        found = figures.qty(largest, report.base_coin)
        console.print(f"  Largest quantity that passes: [bold]{found}[/]")


def _missing(console: Console, report: CheckReport) -> None:
    if not report.missing:
        return
    console.print()
    console.print("Not judged here, for want of facts; the desk refuses until it knows them:")
    for missing in report.missing:
        console.print(f"  {escape(missing.rule.value)}: {escape(missing.what)}", style="yellow")
