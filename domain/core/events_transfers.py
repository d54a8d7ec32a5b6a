"""Events about money that came or went by other ways than trading."""

import attrs
from tidegate.domain.money import Money

__all__ = ["TransferBooked"]


@attrs.frozen(kw_only=True)
class TransferBooked:
    """The venue's log explains a difference of the wallets: ``amount`` is USDT, positive when in.

    ``word`` is the venue's own name of it, ``change_id`` its row. ``equity_before`` is the equity
    at mark that it met: the high-water mark moves in proportion, so that no fall comes of it.
    """

    change_id: str
    amount: Money
    word: str
    equity_before: Money
    time_ms: int
