"""How much a desk with threads holds at most, and how long it waits for its own end."""

import attrs

from .lanes import LANE_QUEUE_MAX
from .listeners import LISTENER_QUEUE_MAX
from .runner import INBOX_MAX, STOP_WAIT_MS
from .specs import HOUR_MS

__all__ = ["DeskBounds"]


@attrs.frozen(kw_only=True)
class DeskBounds:
    """Bounds of a desk; what happens at each is said where it is used. Times in milliseconds."""

    inbox_max: int = INBOX_MAX
    """How many messages may wait for the writer before entries are halted."""
    lane_max: int = LANE_QUEUE_MAX
    """How many requests may wait in one lane; one more is refused, and halts entries."""
    listener_max: int = LISTENER_QUEUE_MAX
    """How many events may wait for one listener; one more is lost to it, and counted."""
    stop_wait_ms: int = STOP_WAIT_MS
    """How long a stop waits for requests that hang."""
    spec_life_ms: int = HOUR_MS
    """How long a specification is taken for the venue's present one."""
