"""``tidegate doctor``."""

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from tidegate.domain.mode import TradingMode
from tidegate.ports.commands import CommandsPort, DoctorReport, DoctorRequest, Where
from tidegate.ports.preflight import Check, Finding, Severity

from . import figures
from .exits import Exit
from .machine import as_json, plain
from .options import (
    JOURNAL_FILE,
    KEY_VARIABLES,
    SETTING_VARIABLES,
    SETTINGS_FILE,
    ConfigOption,
    JsonOption,
    StateOption,
    epilog,
)
from .output import machine_out, page, reported

__all__ = ["EXIT_OF", "add_doctor"]

EXIT_OF: Mapping[Check, Exit] = MappingProxyType(
    {
        Check.SETTINGS: Exit.CHECK_SETTINGS,
        Check.STATE_STORE: Exit.CHECK_STATE,
        Check.KEYS_PRESENT: Exit.CHECK_KEYS_PRESENT,
        Check.CONNECTION: Exit.CHECK_CONNECTION,
        Check.CLOCK: Exit.CHECK_CLOCK,
        Check.KEYS_VALID: Exit.CHECK_KEYS_VALID,
        Check.PERMISSIONS: Exit.CHECK_PERMISSIONS,
        Check.WITHDRAWAL: Exit.CHECK_WITHDRAWAL,
        Check.KEY_LIFE: Exit.CHECK_KEY_LIFE,
        Check.ACCOUNT: Exit.CHECK_ACCOUNT,
        Check.MARGIN_MODE: Exit.CHECK_MARGIN_MODE,
        Check.POSITION_MODE: Exit.CHECK_POSITION_MODE,
        Check.INSTRUMENT: Exit.CHECK_INSTRUMENT,
        Check.FEES: Exit.CHECK_FEES,
        Check.BALANCE: Exit.CHECK_BALANCE,
        Check.LIMIT_PRICE: Exit.CHECK_LIMIT_PRICE,
        Check.RATE_LIMITS: Exit.CHECK_RATE_LIMITS,
        Check.DISCONNECT: Exit.CHECK_DISCONNECT,
        Check.PRIVATE_STREAM: Exit.CHECK_PRIVATE_STREAM,
        Check.PUBLIC_STREAM: Exit.CHECK_PUBLIC_STREAM,
    }
)
"""Which exit code the failure of a check gives; where several fail, the first one decides."""

_MARKS: Mapping[Severity, tuple[str, str]] = MappingProxyType(
    {
        Severity.FAILURE: ("red", "FAILED"),
        Severity.WARNING: ("yellow", "warning"),
        Severity.SKIPPED: ("dim", "skipped"),
    }
)


class _Mode(enum.StrEnum):
    """The trading modes, as the command line names them."""

    PAPER = "paper"
    MEMORY = "memory"
    DEMO = "demo"
    TESTNET = "testnet"
    LIVE = "live"


_ModeOption = Annotated[
    _Mode | None,
    typer.Option("--mode", help="Check for this mode.", show_default="the settings' own"),
]
_FixOption = Annotated[
    bool,
    typer.Option(
        "--fix",
        help="Switch on what trading needs: a limit price out of bounds is refused instead of "
        "moved, and the cancel on disconnect that the settings ask for. Each is read back.",
    ),
]


def add_doctor(app: typer.Typer, commands: CommandsPort) -> None:
    """Add the check list."""

    @app.command(
        epilog=epilog(
            Exit.BAD_INPUT,
            *EXIT_OF.values(),
            examples=("tidegate doctor --mode demo", "tidegate doctor --mode live --fix"),
            files=(JOURNAL_FILE, SETTINGS_FILE),
            variables=(*SETTING_VARIABLES, *KEY_VARIABLES),
        )
    )
    def doctor(
        mode: _ModeOption = None,
        is_fixing: _FixOption = False,
        state: StateOption = None,
        config: ConfigOption = None,
        is_json: JsonOption = False,
    ) -> None:
        """Check everything that trading needs, and how to mend it.

        Settings, state store, API key and its permissions, clock, account, position mode,
        instrument, fees, balance and streams. Nothing is ordered, moved or closed. A desk does not
        start while one of these checks fails; a warning does not stop it.

        A line for each check: ok, warning, FAILED or skipped, what was seen, and the remedy. The
        first check that fails decides the exit code.
        """
        request = DoctorRequest(
            mode=None if mode is None else TradingMode(mode.value),
            is_fixing=is_fixing,
            where=Where(state=state, config=config),
        )
        with reported():
            report = commands.doctor(request)
        if is_json:
            machine_out(as_json({"is_ready": report.first_failed is None, **plain(report)}))
        else:
            _show(page(), report)
        failed = report.first_failed
        raise typer.Exit(Exit.OK if failed is None else EXIT_OF[failed.check])


def _show(console: Console, report: DoctorReport) -> None:
    console.print(f"[bold]tidegate doctor[/]  mode {report.mode.value}", soft_wrap=True)
    console.print(escape(report.venue), soft_wrap=True)
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in report.findings:
        _rows(table, finding)
    console.print(table)
    failed = [finding for finding in report.findings if finding.stops_start]
    if failed:
        console.print(f"[bold red]NOT READY[/]: {figures.count(len(failed), 'check')} failed.")
    else:
        console.print(f"[bold green]READY[/] to trade in mode {report.mode.value}.")


def _rows(table: Table, finding: Finding) -> None:
    style, mark = ("green", "ok") if finding.is_ok else _MARKS[finding.severity]
    table.add_row(f"[{style}]{mark}[/]", finding.check.value, escape(finding.what))
    if finding.remedy and not finding.is_ok and finding.severity is not Severity.SKIPPED:
        table.add_row("", "", f"[bold]{escape(finding.remedy)}[/]")
