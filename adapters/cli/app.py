"""The command line as a whole: its name, its help, its commands."""

from importlib.metadata import version
from typing import Annotated

import typer
from tidegate.ports.commands import CommandsPort

from .care_commands import add_state
from .check_command import add_check
from .doctor_command import add_doctor
from .exits import Exit
from .options import KEY_VARIABLES, SETTING_VARIABLES, SETTINGS_FILE, epilog
from .reconcile_command import add_reconcile
from .run_command import add_run
from .session_commands import add_demo, add_paper
from .simulate_command import add_simulate
from .state_commands import add_journal, add_panic, add_reset_panic, add_status
from .venue_command import add_venue

__all__ = ["build_app"]

_HELP = """A risk-first trading core for Bybit USDT perpetual futures.

Start with: tidegate demo. It needs no keys and no network, and takes about ten seconds.

Results go to stdout, words about trouble to stderr. With --json a command writes JSON and nothing
else to stdout; amounts are exact decimals, as text, and times are UTC milliseconds.

A setting comes from a command's option, else from its variable in the environment, else from the
settings file, else it has its default. Key and secret are never read from an option or a file.

tidegate COMMAND --help tells what a command does, reads and writes, and how it ends.
"""
_EXAMPLES = (
    "tidegate demo",
    "tidegate check BTCUSDT long --entry 65000 --stop 2% --risk 1% --equity 1400",
    "tidegate paper --data bars.csv --state run1",
    "tidegate doctor --mode demo",
)
_FILES = (
    SETTINGS_FILE,
    ("STATE/journal.sqlite", "the journal of a mode; STATE is the state folder, on"),
    ("", "Linux ~/.local/state/tidegate/MODE, or --state"),
    ("STATE/venue.sqlite", "the books of the simulated exchange"),
)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"tidegate {version('tidegate')}")
        raise typer.Exit


def _root(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", callback=_show_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Take what stands before a command."""


def build_app(commands: CommandsPort) -> typer.Typer:
    """Return the command line that drives ``commands``; call it to run."""
    app = typer.Typer(
        name="tidegate",
        help=_HELP,
        epilog=epilog(
            Exit.BAD_INPUT,
            examples=_EXAMPLES,
            files=_FILES,
            variables=(*SETTING_VARIABLES, *KEY_VARIABLES),
        ),
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    )
    app.callback()(_root)
    for add in (
        add_demo,
        add_paper,
        add_run,
        add_check,
        add_doctor,
        add_status,
        add_journal,
        add_reconcile,
        add_panic,
        add_reset_panic,
        add_venue,
        add_simulate,
        add_state,
    ):
        add(app, commands)
    return app
