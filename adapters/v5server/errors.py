"""What the server answers instead of a result: a code and a text in the venue's envelope."""

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["NOTHING", "NO_HEADERS", "V5Error"]

NOTHING: Mapping[str, object] = MappingProxyType({})
"""An empty object, as the venue sends it for "no result" and "no extra information"."""

NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class V5Error(Exception):
    """A business error: HTTP 200 with a ``retCode`` other than zero (Bybit V5, errors).

    ``ext`` becomes ``retExtInfo`` and ``result`` the result, which is empty for most errors;
    ``headers`` are those of the rate limit, where one was counted.
    """

    def __init__(
        self,
        code: int,
        message: str,
        *,
        ext: Mapping[str, object] = NOTHING,
        result: Mapping[str, object] = NOTHING,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.ext = ext
        self.result = result
        self.headers = headers
