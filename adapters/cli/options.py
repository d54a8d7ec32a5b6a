"""Options that several commands share, so that they read alike everywhere."""

from typing import Annotated

import typer

from .exits import Exit, exit_table

__all__ = [
    "ConfigOption",
    "InstrumentOption",
    "JsonOption",
    "StateOption",
    "TicketsOption",
    "epilog",
]

JsonOption = Annotated[
    bool, typer.Option("--json", help="Write JSON to stdout, and nothing else there.")
]
StateOption = Annotated[
    str | None,
    typer.Option(
        "--state",
        metavar="DIR",
        help="State folder, or a journal in it. Without it: the one of the settings.",
        show_default=False,
    ),
]
ConfigOption = Annotated[
    str | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Settings file (TOML). Without it: TIDEGATE_CONFIG, or the user's own file.",
        show_default=False,
    ),
]
InstrumentOption = Annotated[
    str | None,
    typer.Option(
        "--instrument",
        metavar="FILE",
        help="TOML file with instruments that do not ship.",
        show_default=False,
    ),
]
TicketsOption = Annotated[
    int, typer.Option("--tickets", metavar="N", min=0, help="How many trades to tell in full.")
]


def epilog(*codes: Exit) -> str:
    """Return the end of a command's help: how it may end."""
    # The control character keeps the help formatter from joining the lines of the paragraph.
    return f"\b\nExit codes:\n{exit_table(Exit.OK, *codes)}"
