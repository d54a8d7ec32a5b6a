"""Every fuzz target."""

import functools

from .file_targets import file_targets
from .request_targets import request_targets
from .store_targets import store_targets
from .target import Target
from .venue_target import venue_target
from .wire_targets import wire_targets

__all__ = ["all_targets"]


@functools.cache
def all_targets() -> tuple[Target, ...]:
    """Return the targets, in a fixed order."""
    return (
        *wire_targets(),
        *request_targets(),
        *file_targets(),
        *store_targets(),
        venue_target(),
    )
