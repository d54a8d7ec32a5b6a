"""A value with its age, so that nobody takes an old one for a new one."""

from typing import Generic, TypeVar

import attrs

__all__ = ["Aged"]

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Aged(Generic[T]):
    """A value, the venue's time of it, how old it is, and whether it may be taken as current.

    ``is_fresh`` is false when the stream that keeps the value is down, when the value is no longer
    continued (a book after a gap), or when it is older than the bound of the configuration.
    """

    value: T
    time_ms: int
    age_ms: int
    is_fresh: bool
