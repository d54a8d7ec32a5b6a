"""How a query of the port ends: with what was read, or as a failed query."""

from collections.abc import Callable
from typing import TypeVar

from tidegate.ports.exchange import QueryFailed

from .wire.fields import Unreadable

__all__ = ["asked"]

T = TypeVar("T")


def asked(ask: Callable[[], T]) -> T:
    """Ask; an answer that cannot be understood is a failed query.

    Raises:
        QueryFailed: there was no usable answer, or one that cannot be understood.

    """
    try:
        return ask()
    except Unreadable as error:
        raise QueryFailed(str(error)) from error
