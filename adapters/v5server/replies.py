"""A successful answer, before it is put into the envelope of its transport."""

from collections.abc import Mapping

import attrs

from .errors import NO_HEADERS, NOTHING

__all__ = ["Reply"]


@attrs.frozen(kw_only=True)
class Reply:
    """``ext`` becomes ``retExtInfo``; ``headers`` are those of the rate limit, if one counted."""

    result: Mapping[str, object] = NOTHING
    ext: Mapping[str, object] = NOTHING
    headers: Mapping[str, str] = NO_HEADERS
    code: int = 0
    message: str = "OK"
