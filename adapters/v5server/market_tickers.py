"""The ticker of one symbol as market/tickers and the ``tickers`` topic show it."""

from collections.abc import Mapping, Sequence

from tidegate.domain.instrument import Instrument
from tidegate.domain.money import ZERO_MONEY, ZERO_QTY, ZERO_RATE, Price, Rate
from tidegate.domain.reports import Ticker

from .market_klines import Kline
from .market_text import price_text, text

__all__ = ["DAY_MS", "HOUR_MS", "changed_fields", "next_funding_ms", "ticker_fields"]

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

_MINUTE_MS = 60_000
_PLACES = 6

_NOT_FOR_PERPETUALS = (
    "predictedDeliveryPrice",
    "basisRate",
    "basis",
    "basisRateYear",
    "deliveryFeeRate",
    "preOpenPrice",
    "preQty",
    "curPreListingPhase",
)


def next_funding_ms(instrument: Instrument, now_ms: int) -> int:
    """Return the next multiple of the funding interval after ``now_ms``."""
    width = instrument.funding_interval_minutes * _MINUTE_MS
    return (now_ms // width + 1) * width


def ticker_fields(
    instrument: Instrument,
    ticker: Ticker,
    *,
    funding_rate: Rate,
    day: Sequence[Kline],
    hour: Sequence[Kline],
    now_ms: int,
) -> dict[str, str]:
    """Return every field but the symbol.

    ``day`` and ``hour`` are the candles of the last 24 hours and of the last hour, oldest first.
    Open interest is not simulated: it is zero.
    """

    def price(value: Price) -> str:
        return price_text(value, instrument.tick)

    day_before = _price_at(day, now_ms - DAY_MS, ticker.last)
    hour_before = _price_at(hour, now_ms - HOUR_MS, ticker.last)
    volume = sum((kline.volume for kline in day), ZERO_QTY)
    turnover = sum((kline.turnover for kline in day), ZERO_MONEY)
    return {
        "lastPrice": price(ticker.last),
        "indexPrice": price(ticker.index),
        "markPrice": price(ticker.mark),
        "prevPrice24h": price(day_before),
        "price24hPcnt": _change(day_before, ticker.last),
        "highPrice24h": price(max((kline.high for kline in day), default=ticker.last)),
        "lowPrice24h": price(min((kline.low for kline in day), default=ticker.last)),
        "prevPrice1h": price(hour_before),
        "openInterest": "0",
        "openInterestValue": "0",
        "singleOpenInterest": "0",
        "singleOpenInterestValue": "0",
        "turnover24h": text(turnover),
        "volume24h": text(volume),
        "fundingRate": text(funding_rate),
        "nextFundingTime": str(next_funding_ms(instrument, now_ms)),
        **dict.fromkeys(_NOT_FOR_PERPETUALS, ""),
        "deliveryTime": "0",
        "bid1Price": price(ticker.bid),
        "bid1Size": text(ticker.bid_size),
        "ask1Price": price(ticker.ask),
        "ask1Size": text(ticker.ask_size),
        "fundingIntervalHour": _hours(instrument),
        "fundingCap": text(instrument.funding_rate_max),
    }


def _price_at(klines: Sequence[Kline], ms: int, otherwise: Price) -> Price:
    """Return the price at a time: the close of its candle, or where the data begins after it."""
    if not klines:
        return otherwise
    return klines[0].close if klines[0].start_ms <= ms else klines[0].open


def _change(before: Price, after: Price) -> str:
    if before.value == 0:
        return text(ZERO_RATE)
    rate = (after - before) / before
    return format(rate.value, f".{_PLACES}f")


def _hours(instrument: Instrument) -> str:
    hours, minutes = divmod(instrument.funding_interval_minutes, 60)
    return str(hours) if minutes == 0 else f"{hours}.{minutes * 100 // 60:02d}".rstrip("0")


def changed_fields(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    """Return the fields of a delta: those whose text is not the same any more."""
    return {name: value for name, value in after.items() if before.get(name) != value}
