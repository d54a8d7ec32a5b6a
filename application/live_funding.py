"""Which funding of a live market is settled next, and which is still to be found out.

The stream tells the coming rate up to its time, and so the settled one. Where it was down at that
time the settled rate is read from the market's history, once it is published.
"""

import logging
from collections.abc import Iterable

import attrs
from tidegate.domain.market import FundingRate

__all__ = ["OWED_MS_MAX", "FundingWatch"]

OWED_MS_MAX = 3_600_000
"""How long a settled rate is waited for before it is given up."""
_LOG = logging.getLogger(__name__)


@attrs.define
class FundingWatch:
    """The coming settlement and the owed ones. Used by one thread; times are venue time."""

    coming: FundingRate | None = None
    owed_ms: set[int] = attrs.field(factory=set)

    def learn(self, rate: FundingRate) -> None:
        """Take the coming rate; what was known of a settlement that is due must be taken before."""
        self.coming = rate

    def due(self, now_ms: int, *, is_watched: bool, is_held: bool) -> FundingRate | None:
        """Return the settlement whose time has come, once.

        Where the stream was down at that time, its rate may have moved unseen: it is owed by what
        was held then, and nothing where nothing was.
        """
        coming = self.coming
        if coming is None or coming.time_ms > now_ms:
            return None
        self.coming = None
        if is_watched:
            return coming
        if is_held:
            self.owe(coming.time_ms)
        return None

    def owe(self, time_ms: int) -> None:
        """Note a settlement whose rate is still to be read."""
        self.owed_ms.add(time_ms)

    def published(self, rates: Iterable[FundingRate]) -> tuple[FundingRate, ...]:
        """Return the owed ones among settled rates, ascending, once."""
        found = tuple(rate for rate in rates if rate.time_ms in self.owed_ms)
        self.owed_ms -= {rate.time_ms for rate in found}
        return found

    def give_up(self, now_ms: int) -> None:
        """Forget what was not published within :data:`OWED_MS_MAX`, with a warning."""
        for time_ms in sorted(ms for ms in self.owed_ms if now_ms - ms > OWED_MS_MAX):
            self.owed_ms.discard(time_ms)
            _LOG.warning(
                "the funding rate of %s was not published within %s ms: none is booked",
                time_ms,
                OWED_MS_MAX,
            )
