"""``tidegate run``."""

import signal
from contextlib import closing
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from tidegate.domain.mode import TradingMode
from tidegate.ports.commands import CommandsPort, RunRequest, Where
from tidegate.ports.live import LiveReport, LiveSessionPort
from tidegate.ports.preflight import PreflightFailed

from . import parsing
from .doctor_command import EXIT_OF
from .exits import Exit
from .live_view import LiveLines, LiveView
from .machine import as_line
from .options import (
    JOURNAL_FILE,
    KEY_VARIABLES,
    SETTING_VARIABLES,
    SETTINGS_FILE,
    AcknowledgeOption,
    ConfigOption,
    JsonOption,
    Mode,
    StateOption,
    epilog,
)
from .output import machine_out, page, reported, trouble
from .signals import Stopper, stop_on_signals
from .summaries import show_live_summary

__all__ = ["add_run"]

_ENDS = (
    Exit.BAD_INPUT,
    Exit.STATE,
    Exit.SESSION,
    Exit.VENUE,
    *EXIT_OF.values(),
    Exit.INTERRUPTED,
    Exit.TERMINATED,
)


_ModeOption = Annotated[
    Mode | None,
    typer.Option("--mode", help="Where orders go.", show_default="the settings' own"),
]
_StrategyOption = Annotated[
    str | None,
    typer.Option(
        metavar="MODULE:CLASS",
        help="The strategy. Its module is imported: name only code that you trust.",
        show_default="the settings' own",
    ),
]
_ParamOption = Annotated[
    list[str] | None,
    typer.Option(
        "--param",
        "--strategy-param",
        metavar="NAME=VALUE",
        help="A parameter of the strategy; repeatable.",
    ),
]
_SymbolOption = Annotated[
    str | None,
    typer.Option(metavar="SYMBOL", help="What is traded.", show_default="the settings' own"),
]
_BarsOption = Annotated[
    int | None,
    typer.Option(
        "--bar-minutes",
        metavar="N",
        help="Length of the bars that the strategy decides on: 1 to 1440, or 10080.",
        show_default="the settings' own",
    ),
]


def add_run(app: typer.Typer, commands: CommandsPort) -> None:
    """Add the live session."""

    @app.command(
        epilog=epilog(
            *_ENDS,
            files=(JOURNAL_FILE, SETTINGS_FILE),
            variables=(*SETTING_VARIABLES, *KEY_VARIABLES),
        )
    )
    def run(
        mode: _ModeOption = None,
        acknowledge: AcknowledgeOption = None,
        strategy: _StrategyOption = None,
        param: _ParamOption = None,
        symbol: _SymbolOption = None,
        bar_minutes: _BarsOption = None,
        state: StateOption = None,
        config: ConfigOption = None,
        is_json: JsonOption = False,
    ) -> None:
        """Trade a strategy live, until it is stopped.

        Mode paper needs no key: the paper venue matches against Bybit's public market as it
        happens. On recorded data it is tidegate paper. The other modes trade on Bybit's demo
        account, test net or main net, by the API key of the environment or the keyring; mode live
        needs --acknowledge "REAL MONEY" as well. Checks come first, as in tidegate doctor; while
        one fails, nothing starts.

        The strategy decides at the close of each bar. What happens is told as it happens, with
        --json one document on each line: first started, then every event, and at the end stopped
        with the summary.

        Ctrl-C and SIGTERM end it: no new entry, what is under way is finished, the journal is
        closed. Positions stay open, with their stops on the venue; the same command goes on from
        the journal. Mode paper then matches what the market did meanwhile. A second signal exits
        at once.

        Example: tidegate run --mode paper --strategy my_module:MyStrategy --param channel=20
        --bar-minutes 15
        """
        with stop_on_signals() as stopper, reported():
            request = RunRequest(
                mode=None if mode is None else TradingMode(mode.value),
                acknowledgement=acknowledge,
                symbol=None if symbol is None else parsing.symbol(symbol),
                strategy=strategy,
                params=parsing.parameters(param or []),
                bar_minutes=bar_minutes,
                where=Where(state=state, config=config),
            )
            try:
                with closing(commands.run(request)) as session:
                    report = _run(session, stopper, is_json=is_json)
            except PreflightFailed as failed:
                trouble(str(failed))
                first = next(found for found in failed.findings if found.stops_start)
                raise typer.Exit(EXIT_OF[first.check]) from failed
        raise typer.Exit(_code(report, stopper))


def _code(report: LiveReport, stopper: Stopper) -> Exit:
    """Return the exit code of the signal that ended it: the desk's own, or one before its start."""
    received = stopper.received
    if report.stopped_by is not None:
        received = signal.Signals[report.stopped_by]
    return Exit.OK if received is None else Exit(128 + received)


def _run(session: LiveSessionPort, stopper: Stopper, *, is_json: bool) -> LiveReport:
    stopper.attach(session.stop)
    return _run_for_machine(session) if is_json else _run_for_person(session)


def _run_for_machine(session: LiveSessionPort) -> LiveReport:
    machine_out(
        as_line(
            {
                "type": "started",
                "title": session.title,
                "state_folder": session.state_folder,
                "resumes": session.resumes,
            }
        )
    )
    session.listen("output", LiveLines())
    report = session.run()
    ledger = report.books.ledger
    machine_out(
        as_line(
            {
                "type": "stopped",
                "signal": report.stopped_by,
                "was_resumed": report.was_resumed,
                "bars": report.bars,
                "wishes": report.wishes,
                "too_late": report.too_late,
                "events_lost": report.events_lost,
                "journal_version": report.journal_version,
                "trading_state": report.books.effective_state,
                "wallet": None if ledger is None else ledger.wallet,
                "positions": report.books.positions,
                "summary": report.summary,
            }
        )
    )
    return report


def _run_for_person(session: LiveSessionPort) -> LiveReport:
    console = page()
    console.print(f"[bold]tidegate run[/]  {escape(session.title)}", soft_wrap=True)
    console.print(f"State in {escape(session.state_folder)}", soft_wrap=True)
    if session.resumes:
        console.print("An earlier part of this session is there: going on where it stopped.")
    console.file.flush()
    view = LiveView(console, lambda: session.base_coin)
    session.listen("output", view)
    report = session.run()
    show_live_summary(console, report, view.counts)
    _conclude(console, session, report)
    return report


def _conclude(console: Console, session: LiveSessionPort, report: LiveReport) -> None:
    cause = "Stopped" if report.stopped_by is None else f"Stopped by {report.stopped_by}"
    held = " What is open keeps its stop on the venue." if report.books.positions else ""
    console.print(f"\n[yellow]{cause}; to go on, run the same command again.[/]{held}")
    console.print(f"  tidegate journal --state {escape(session.state_folder)}", soft_wrap=True)
