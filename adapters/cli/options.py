"""Options that several commands share, so that they read alike everywhere."""

import enum
from collections.abc import Iterable
from typing import Annotated

import typer
from tidegate.domain.mode import TradingMode
from tidegate.ports.commands import Where

from .exits import Exit, exit_table

__all__ = [
    "CONFIG_VARIABLE",
    "JOURNAL_FILE",
    "KEY_VARIABLES",
    "SETTINGS_FILE",
    "SETTING_VARIABLES",
    "VENUE_FILE",
    "AcknowledgeOption",
    "ConfigOption",
    "InstrumentOption",
    "JsonOption",
    "Mode",
    "ModeOption",
    "Row",
    "StateOption",
    "TicketsOption",
    "epilog",
    "where_of",
]

Row = tuple[str, str]
"""A name and what it is for, as a line of a help's end."""

JOURNAL_FILE: Row = ("journal.sqlite", "the journal, in the state folder")
VENUE_FILE: Row = ("venue.sqlite", "beside it, the simulated exchange's books")
SETTINGS_FILE: Row = ("tidegate.toml", "settings; on Linux in ~/.config/tidegate")
CONFIG_VARIABLE: Row = ("TIDEGATE_CONFIG", "the settings file, where --config names none")
SETTING_VARIABLES: tuple[Row, ...] = (
    CONFIG_VARIABLE,
    ("TIDEGATE_...", "one setting, as TIDEGATE_LIMITS__DAY_LOSS_MAX=2%"),
)
KEY_VARIABLES: tuple[Row, ...] = (
    ("TIDEGATE_BYBIT_KEY", "the API key; without it the system keyring's"),
    ("TIDEGATE_BYBIT_SECRET", "the secret to it, likewise"),
)


class Mode(enum.StrEnum):
    """The modes that trade live, as the command line names them."""

    PAPER = "paper"
    DEMO = "demo"
    TESTNET = "testnet"
    LIVE = "live"


ModeOption = Annotated[
    Mode | None,
    typer.Option(
        "--mode", help="The mode of the desk that is meant.", show_default="the settings' own"
    ),
]
AcknowledgeOption = Annotated[
    str | None,
    typer.Option(
        "--acknowledge",
        metavar="TEXT",
        help="The literal REAL MONEY, which mode live needs.",
        show_default="the settings' live_acknowledgement",
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Write JSON to stdout, and nothing else there.")
]
StateOption = Annotated[
    str | None,
    typer.Option(
        "--state",
        metavar="DIR",
        help="State folder, or a journal in it.",
        show_default="the settings' own",
    ),
]
ConfigOption = Annotated[
    str | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Settings file (TOML).",
        show_default="that of TIDEGATE_CONFIG, or the user's own",
    ),
]
InstrumentOption = Annotated[
    str | None,
    typer.Option(
        "--instrument",
        metavar="FILE",
        help="TOML file with instruments that do not ship.",
        show_default="the shipped ones",
    ),
]
TicketsOption = Annotated[
    int,
    typer.Option(
        "--tickets", metavar="N", min=0, help="How many trades to tell in full, the first ones."
    ),
]


def where_of(
    state: str | None, config: str | None, mode: Mode | None, acknowledgement: str | None = None
) -> Where:
    """Return which desk the options mean."""
    named = None if mode is None else TradingMode(mode.value)
    return Where(state=state, config=config, mode=named, acknowledgement=acknowledgement)


def epilog(
    *codes: Exit,
    examples: Iterable[str] = (),
    files: Iterable[Row] = (),
    variables: Iterable[Row] = (),
) -> str:
    """Return the end of a command's help: examples, what it reads and writes, how it may end.

    An example of several lines has them joined by a backslash, as a shell takes them.
    """
    parts = {
        "Examples": [f"  {example}" for example in examples],
        "Files": _rows(files),
        "Environment": _rows(variables),
        "Exit codes": exit_table(Exit.OK, *codes).splitlines(),
    }
    # The control character keeps the help formatter from joining the lines of a paragraph.
    return "\n\n".join(
        "\n".join(["\b", f"{title}:", *lines]) for title, lines in parts.items() if lines
    )


def _rows(rows: Iterable[Row]) -> list[str]:
    found = tuple(rows)
    width = max((len(name) for name, _ in found), default=0)
    return [f"  {name:<{width}}  {text}" for name, text in found]
