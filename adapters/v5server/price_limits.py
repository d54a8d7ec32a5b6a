"""The highest price of a buy and the lowest of a sell that the venue takes now."""

from tidegate.domain.grid import price_down, price_up
from tidegate.domain.instrument import Instrument
from tidegate.domain.money import ONE, Price
from tidegate.domain.orders import Side
from tidegate.domain.reports import Ticker

__all__ = ["price_limit", "within_price_limit"]


def price_limit(instrument: Instrument, ticker: Ticker, side: Side) -> Price:
    """Return the limit of one side, on the grid.

    With M the mark and I the index: ``min(M (1 + Y), max(I, M (1 + X)))`` for a buy and
    ``max(M (1 - Y), min(I, M (1 - X)))`` for a sell, the venue's rule of 26 May 2026 with the
    average premium of the book taken as none.
    """
    near = Price((ticker.mark * (ONE + instrument.price_band_x.times(side.sign))).value)
    far = Price((ticker.mark * (ONE + instrument.price_band_y.times(side.sign))).value)
    if side is Side.BUY:
        return price_down(min(far, max(ticker.index, near)), instrument.tick)
    return price_up(max(far, min(ticker.index, near)), instrument.tick)


def within_price_limit(instrument: Instrument, ticker: Ticker, side: Side, price: Price) -> Price:
    """Return ``price``, or the limit where it is beyond that."""
    limit = price_limit(instrument, ticker, side)
    return min(price, limit) if side is Side.BUY else max(price, limit)
