"""``tidegate simulate``."""

from collections.abc import Iterable
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table
from tidegate.ports.commands import CommandsPort
from tidegate.ports.simulation import (
    SIMULATED_SEEDS,
    Broken,
    Counted,
    SimulateRequest,
    SimulationReport,
)

from . import figures
from .exits import Exit
from .machine import as_json, plain
from .options import JsonOption, epilog
from .output import machine_out, page, reported

__all__ = ["add_simulate"]

_SeedsOption = Annotated[
    int, typer.Option("--seeds", metavar="N", min=1, help="How many seeds to run.")
]
_FirstOption = Annotated[int, typer.Option("--first", metavar="N", min=0, help="The first seed.")]
_SeedOption = Annotated[
    int | None,
    typer.Option(
        "--seed",
        metavar="S",
        min=0,
        help="Run this seed alone, and tell its story.",
        show_default="all of --seeds",
    ),
]
_WithoutOption = Annotated[
    str,
    typer.Option(
        "--without",
        metavar="NAMES",
        help="Leave these out of the script: a3 an act, k0 a kill, c17 and m5 what goes wrong "
        "with a call and a message; comma between.",
        show_default="nothing",
    ),
]
_JobsOption = Annotated[
    int, typer.Option("--jobs", metavar="J", min=1, help="How many processes share the seeds.")
]


def add_simulate(app: typer.Typer, commands: CommandsPort) -> None:
    """Add the simulation."""

    @app.command(
        epilog=epilog(
            Exit.BAD_INPUT,
            Exit.VIOLATION,
            examples=(
                "tidegate simulate --seeds 2000 --jobs 2",
                "tidegate simulate --seed 4711",
                "tidegate simulate --seed 4711 --without a3,k1,c17",
            ),
            files=(("journal.sqlite", "of some seeds, in a temporary folder that is removed"),),
        )
    )
    def simulate(
        seeds: _SeedsOption = SIMULATED_SEEDS,
        first: _FirstOption = 0,
        seed: _SeedOption = None,
        without: _WithoutOption = "",
        jobs: _JobsOption = 1,
        is_json: JsonOption = False,
    ) -> None:
        """Run the desk in virtual time, and kill it again and again.

        The real core, executor, reconciler and journal trade on a simulated venue, network and
        disk that all follow from one seed: requests are lost, executed without an answer, or late;
        messages come twice, in another order or never; the venue, the disk and the power fail; and
        the process dies between any two steps and starts again. After each step the rules that
        must always hold are looked at; after a quiet time the books must be the venue's.

        No network, no keys, no settings. The same seed gives the same run, byte for byte. It ends
        at the first seed that breaks a rule, leaves out of its script what the failure does not
        need, and says how to replay it.
        """
        request = SimulateRequest(
            first=first if seed is None else seed,
            seeds=seeds if seed is None else 1,
            jobs=jobs,
            without=tuple(name.strip() for name in without.split(",") if name.strip()),
            has_story=seed is not None,
        )
        with reported():
            report = _run(commands, request, is_json=is_json)
        if is_json:
            machine_out(as_json({"holds": report.broken is None, **plain(report)}))
        else:
            _show(page(), report)
        raise typer.Exit(Exit.OK if report.broken is None else Exit.VIOLATION)


def _run(commands: CommandsPort, request: SimulateRequest, *, is_json: bool) -> SimulationReport:
    console = page(to_stderr=True)
    with Progress(console=console, transient=True, disable=is_json or not console.is_terminal) as p:
        task = p.add_task("seeds", total=request.seeds)
        return commands.simulate(request, lambda done, _: p.update(task, completed=done))


def _show(console: Console, report: SimulationReport) -> None:
    console.print("[bold]tidegate simulate[/]")
    for line in report.story:
        console.print(escape(line), soft_wrap=True)
    console.print(
        f"{figures.count(report.seeds, 'seed')}: {report.lives:,} lives killed with something "
        f"unsettled, {report.starts:,} starts, of which {report.starts_failed:,} failed"
    )
    console.print(f"{report.steps:,} inputs were decided on, {report.requests:,} calls were made")
    for title, rows in (
        ("Killed where", report.kills),
        ("What went wrong", report.faults),
        ("What the script did", report.acts),
        ("What came of it", report.outcomes),
    ):
        console.print(_table(title, rows))
    if report.broken is None:
        console.print("[bold green]HELD[/]: every rule, after every step.")
    else:
        _show_broken(console, report.broken, has_story=bool(report.story))


def _table(title: str, rows: Iterable[Counted]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    table.show_header = False
    for row in rows:
        table.add_row(f"{row.count:,}", escape(row.meaning))
    return table


def _show_broken(console: Console, broken: Broken, *, has_story: bool) -> None:
    console.print(f"[bold red]BROKEN[/] by seed {broken.seed}: {escape(broken.rule)}")
    console.print(escape(broken.text), soft_wrap=True)
    if not has_story:
        console.print("The smallest script found that still breaks it:")
        for line in broken.story:
            console.print(escape(line), soft_wrap=True)
    console.print("Replay it:")
    console.print(f"  {escape(broken.replay)}", soft_wrap=True)
