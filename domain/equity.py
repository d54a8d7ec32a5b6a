"""Where a figure of equity comes from, and which figures may be compared with each other.

A high-water mark and the sample beside it say something only when both stand on the same ground:
the same source, and the same wallet before and after money was moved. A fall between figures of
different grounds is none, and must trigger nothing.
"""

import enum

import attrs

__all__ = ["AT_OPENING", "BY_LEDGER", "Anchor", "EquitySource"]


class EquitySource(enum.Enum):
    """Who made a figure of equity.

    The wallet that opened the books, the ledger with its positions at mark, or the venue itself.
    """

    OPENING = "opening"
    LEDGER = "ledger"
    VENUE = "venue"


@attrs.frozen(kw_only=True)
class Anchor:
    """What a figure of equity stands on. ``basis`` counts the transfers that came before it."""

    source: EquitySource
    basis: int = 0

    def agrees_with(self, other: "Anchor") -> bool:
        """Tell whether figures of both may be compared: the ledger goes on from its opening."""
        is_same_kind = (self.source is EquitySource.VENUE) is (other.source is EquitySource.VENUE)
        return is_same_kind and self.basis == other.basis


BY_LEDGER = Anchor(source=EquitySource.LEDGER)
"""What a figure of books stands on whose wallet no transfer has moved."""
AT_OPENING = Anchor(source=EquitySource.OPENING)
"""What the first high-water mark stands on."""
