"""Public messages as they go over the wire (Bybit V5 websocket/public)."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from uuid import NAMESPACE_OID, uuid5

import attrs
from tidegate.domain.instrument import Instrument
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import Side

from .market_book import Rows
from .market_klines import Kline
from .market_text import price_text, text

__all__ = [
    "SIDE_TEXT",
    "PublicPush",
    "PublicTrade",
    "book_push",
    "kline_push",
    "liquidation_push",
    "price_limit_push",
    "ticker_push",
    "trade_push",
]

SIDE_TEXT = MappingProxyType({Side.BUY: "Buy", Side.SELL: "Sell"})


@attrs.frozen
class PublicPush:
    """One message for those who subscribed to ``topic``."""

    topic: str
    frame: Mapping[str, object]


@attrs.frozen(kw_only=True)
class PublicTrade:
    """One public trade; ``direction`` compares its price with the one before."""

    time_ms: int
    side: Side
    price: Price
    qty: Qty
    direction: str
    seq: int

    def execution_id(self, symbol: str) -> str:
        """Return an id that is the same for the same trade, over REST and over the stream."""
        return str(uuid5(NAMESPACE_OID, f"{symbol}:{self.seq}"))

    def row(self, instrument: Instrument) -> dict[str, object]:
        """Return the row of market/recent-trade."""
        return {
            "execId": self.execution_id(instrument.symbol),
            "symbol": instrument.symbol,
            "price": price_text(self.price, instrument.tick),
            "size": text(self.qty),
            "side": SIDE_TEXT[self.side],
            "time": str(self.time_ms),
            "isBlockTrade": False,
            "isRPITrade": False,
            "seq": str(self.seq),
        }


def book_push(
    symbol: str, levels: int, kind: str, rows: tuple[Rows, Rows], numbers: tuple[int, int, int, int]
) -> PublicPush:
    """Return a book message; ``numbers`` are ``u``, ``seq``, the time sent and the engine's."""
    u, seq, ts, cts = numbers
    topic = f"orderbook.{levels}.{symbol}"
    data = {"s": symbol, "b": rows[0], "a": rows[1], "u": u, "seq": seq}
    return PublicPush(topic, {"topic": topic, "type": kind, "ts": ts, "data": data, "cts": cts})


def trade_push(trade: PublicTrade, instrument: Instrument, ts: int) -> PublicPush:
    """Return the message of one trade."""
    symbol = instrument.symbol
    topic = f"publicTrade.{symbol}"
    row = {
        "T": trade.time_ms,
        "s": symbol,
        "S": SIDE_TEXT[trade.side],
        "v": text(trade.qty),
        "p": price_text(trade.price, instrument.tick),
        "L": trade.direction,
        "i": trade.execution_id(symbol),
        "BT": False,
        "RPI": False,
        "seq": trade.seq,
    }
    return PublicPush(topic, {"topic": topic, "type": "snapshot", "ts": ts, "data": [row]})


def ticker_push(symbol: str, kind: str, fields: Mapping[str, str], seq: int, ts: int) -> PublicPush:
    """Return a ticker message: everything in a snapshot, what changed in a delta."""
    topic = f"tickers.{symbol}"
    data = {"symbol": symbol, **fields}
    return PublicPush(topic, {"topic": topic, "type": kind, "data": data, "cs": seq, "ts": ts})


def kline_push(
    instrument: Instrument, interval: str, kline: Kline, *, is_closed: bool, ts: int
) -> PublicPush:
    """Return the message of one candle; ``confirm`` tells that it is closed."""
    topic = f"kline.{interval}.{instrument.symbol}"
    tick = instrument.tick
    row = {
        "start": kline.start_ms,
        "end": kline.end_ms,
        "interval": interval,
        "open": price_text(kline.open, tick),
        "close": price_text(kline.close, tick),
        "high": price_text(kline.high, tick),
        "low": price_text(kline.low, tick),
        "volume": text(kline.volume),
        "turnover": text(kline.turnover),
        "confirm": is_closed,
        "timestamp": kline.updated_ms,
    }
    return PublicPush(topic, {"topic": topic, "data": [row], "ts": ts, "type": "snapshot"})


def liquidation_push(
    instrument: Instrument, rows: Sequence[tuple[Side, Qty, Price, int]], ts: int
) -> PublicPush:
    """Return the message of liquidations: side of the position, size, bankruptcy price, time."""
    symbol = instrument.symbol
    topic = f"allLiquidation.{symbol}"
    data = [
        {
            "T": time_ms,
            "s": symbol,
            "S": SIDE_TEXT[side],
            "v": text(qty),
            "p": price_text(price, instrument.tick),
        }
        for side, qty, price, time_ms in rows
    ]
    return PublicPush(topic, {"topic": topic, "type": "snapshot", "ts": ts, "data": data})


def price_limit_push(symbol: str, limits: Mapping[str, str], ts: int) -> PublicPush:
    """Return the message of the highest bid and the lowest ask that are allowed."""
    topic = f"priceLimit.{symbol}"
    data = {"symbol": symbol, "buyLmt": limits["buyLmt"], "sellLmt": limits["sellLmt"]}
    return PublicPush(topic, {"topic": topic, "data": data, "ts": ts})
