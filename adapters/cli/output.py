"""Where output goes: results to stdout, words about trouble to stderr, and how trouble ends."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.markup import escape
from tidegate.ports.commands import BadInput
from tidegate.ports.exchange import VenueError
from tidegate.ports.feed import FeedError
from tidegate.ports.session import SessionError
from tidegate.ports.state import StateError

from .exits import Exit
from .tickets import WIDTH_MAX

__all__ = ["machine_out", "page", "reported", "trouble"]

_CODES: tuple[tuple[type[Exception], Exit], ...] = (
    (BadInput, Exit.BAD_INPUT),
    (FeedError, Exit.BAD_INPUT),
    (StateError, Exit.STATE),
    (SessionError, Exit.SESSION),
    (VenueError, Exit.VENUE),
)


def page(*, to_stderr: bool = False) -> Console:
    """Return a console of at most 80 columns; colours only where it is a terminal."""
    console = Console(stderr=to_stderr, highlight=False)
    console.width = min(console.width, WIDTH_MAX)
    return console


def machine_out(text: str) -> None:
    """Write machine output as it is."""
    typer.echo(text)


def trouble(text: str) -> None:
    """Write a message to stderr."""
    page(to_stderr=True).print(f"[bold red]tidegate:[/] {escape(text)}", soft_wrap=True)


@contextmanager
def reported() -> Iterator[None]:
    """End with a message and the documented code where the application says what went wrong.

    Raises:
        Exit: with the documented code, once the message is written.

    """
    try:
        yield
    except tuple(kind for kind, _ in _CODES) as error:
        trouble(str(error))
        code = next(code for kind, code in _CODES if isinstance(error, kind))
        raise typer.Exit(code) from error
