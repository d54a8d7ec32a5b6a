"""The scripted prices of one symbol."""

import attrs
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import Side

__all__ = ["Quote"]


@attrs.frozen(kw_only=True)
class Quote:
    """The scripted prices of one symbol, and the size that one order finds on each side."""

    last: Price
    mark: Price
    index: Price
    bid: Price
    ask: Price
    bid_size: Qty
    ask_size: Qty

    @classmethod
    def at(cls, price: Price, *, depth: Qty) -> "Quote":
        """Return a quote with every price the same and ``depth`` on both sides."""
        return cls(
            last=price,
            mark=price,
            index=price,
            bid=price,
            ask=price,
            bid_size=depth,
            ask_size=depth,
        )

    def offered_to(self, side: Side) -> tuple[Price, Qty]:
        """Return the best price and size for a taker of ``side``."""
        if side is Side.BUY:
            return self.ask, self.ask_size
        return self.bid, self.bid_size
