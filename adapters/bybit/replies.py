"""What can come of sending one request to the venue: five cases, told apart by what they prove.

``time_ms`` is the venue's time, ``sent_ms`` our own.
"""

from collections.abc import Mapping

import attrs

from .wire.envelope import LimitHeaders

__all__ = ["Answered", "BadStatus", "NoAnswer", "NotSent", "Refused", "Reply"]


@attrs.frozen(kw_only=True)
class Answered:
    """Success."""

    result: Mapping[str, object]
    ext: Mapping[str, object]
    time_ms: int
    sent_ms: int
    limits: LimitHeaders | None = None


@attrs.frozen(kw_only=True)
class Refused:
    """The venue answered with a code that is not success."""

    code: int
    message: str
    result: Mapping[str, object]
    ext: Mapping[str, object]
    time_ms: int
    sent_ms: int
    limits: LimitHeaders | None = None


@attrs.frozen(kw_only=True)
class BadStatus:
    """An HTTP status with which the venue's front door turns requests away: not executed."""

    status: int
    text: str
    time_ms: int
    sent_ms: int
    limits: LimitHeaders | None = None


@attrs.frozen(kw_only=True)
class NoAnswer:
    """No usable answer to a request that may have been executed."""

    cause: str
    sent_ms: int


@attrs.frozen(kw_only=True)
class NotSent:
    """It is certain that the venue did not get the request."""

    cause: str
    is_rate: bool = False


Reply = Answered | Refused | BadStatus | NoAnswer | NotSent
"""``Answered``: success; ``Refused``: another code; ``BadStatus``: turned away before it was looked
at, so not executed; ``NoAnswer``: perhaps executed; ``NotSent``: certainly not."""
