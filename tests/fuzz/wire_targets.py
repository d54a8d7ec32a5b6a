"""What the venue sends and what is sent to it: each reader on its own, whole answers, streams."""

import json
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import orjson
from tidegate.adapters.bybit.streams.private import PrivateFeed
from tidegate.adapters.bybit.streams.public import PublicFeed
from tidegate.adapters.bybit.wire.accounts import (
    borrowing,
    coin_balance,
    collateral,
    position_mode,
)
from tidegate.adapters.bybit.wire.envelope import envelope, limit_headers
from tidegate.adapters.bybit.wire.executions import execution_or_funding, execution_sort_key
from tidegate.adapters.bybit.wire.fields import Unreadable, rows_of
from tidegate.adapters.bybit.wire.instruments import fee_rates, instrument, risk_tiers
from tidegate.adapters.bybit.wire.markets import (
    bar_of_row,
    bar_of_stream,
    funding_rate_of_row,
    funding_rate_of_ticker,
    order_book,
    public_trade,
    ticker,
)
from tidegate.adapters.bybit.wire.orders import order_report
from tidegate.adapters.bybit.wire.positions import position_report
from tidegate.adapters.bybit.wire.records import account_change, api_key, closed_profit
from tidegate.adapters.bybit.wire.wallets import account_report, margin_mode
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import MarginMode

from tests.adapters.bybit.wire import rows
from tests.domain.samples import TIERS

from .mutating import mutate_json, mutate_json_text
from .served import served
from .target import Target

__all__ = ["wire_targets"]

Json = Any
Read = Callable[[Json], object]
BTC = Symbol("BTCUSDT")
_MINUTE_MS = 60_000

_CONDITIONAL = {**rows.ORDER, "triggerPrice": "1", "triggerDirection": 2, "createType": ""}
_ENDED = {**rows.ORDER, "orderStatus": "Cancelled", "cancelType": "CancelByUser"}
_REJECTED = {
    **rows.ORDER,
    "orderStatus": "Rejected",
    "rejectReason": "EC_PostOnlyWillTakeLiquidity",
}
_TRAILING = {**_CONDITIONAL, "stopOrderType": "TrailingStop", "triggerPrice": ""}
_COLLATERAL = {
    "currency": "BTC",
    "marginCollateral": True,
    "collateralSwitch": True,
    "collateralRatio": "0.95",
}
_BORROWING = {
    "currency": "USDT",
    "InterestBearingBorrowSize": "120.5",
    "borrowCost": "0.01",
    "hourlyBorrowRate": "0.000001",
    "createdTime": "1672288784000",
}


def _answers() -> Mapping[str, Json]:
    return {str(one["path"]): one for one in served()["answers"]}


def _rows(path: str) -> list[Json]:
    result: Json = _answers()[path]["answer"]["result"]
    found: list[Json] = result["list"]
    return found


def _pushed(topic: str) -> list[Json]:
    kept = served()
    messages = [*kept["private"], *kept["public"]]
    return [one for one in messages if one.get("topic") == topic]


def _wallet(mode: MarginMode) -> Read:
    return lambda row: account_report(row, mode=mode, time_ms=0)


def _order(row: Json) -> object:
    return order_report(row)


def _execution(row: Json) -> object:
    return execution_or_funding(row), execution_sort_key(row)


_ROW_READERS: Mapping[str, tuple[Callable[[], list[Json]], Read]] = MappingProxyType(
    {
        "order": (
            lambda: [
                *(rows.ORDER, _CONDITIONAL, _ENDED, _REJECTED, _TRAILING),
                *_rows("/v5/order/history"),
                *(row for push in _pushed("order") for row in push["data"]),
            ],
            _order,
        ),
        "execution": (
            lambda: [rows.EXECUTION, rows.FUNDING, *_rows("/v5/execution/list")],
            _execution,
        ),
        "position": (
            lambda: [rows.POSITION, *_rows("/v5/position/list")],
            lambda row: position_report(row, time_ms=0),
        ),
        "wallet-cross": (
            lambda: [rows.WALLET],
            _wallet(MarginMode.CROSS),
        ),
        "wallet-isolated": (
            lambda: [rows.WALLET, *_rows("/v5/account/wallet-balance")],
            _wallet(MarginMode.ISOLATED),
        ),
        "coin": (lambda: _rows("/v5/account/wallet-balance")[0]["coin"], coin_balance),
        "collateral": (lambda: [_COLLATERAL], collateral),
        "borrowing": (lambda: [_BORROWING], borrowing),
        "margin-mode": (lambda: [{"marginMode": "ISOLATED_MARGIN"}], margin_mode),
        "instrument": (
            lambda: [rows.INSTRUMENT, *_rows("/v5/market/instruments-info")],
            lambda row: instrument(row, tiers=TIERS),
        ),
        "fees": (lambda: _rows("/v5/account/fee-rate"), fee_rates),
        "ticker": (
            lambda: [rows.TICKER, *_rows("/v5/market/tickers")],
            lambda row: (ticker(row, time_ms=0), funding_rate_of_ticker(row)),
        ),
        "book": (
            lambda: [_answers()["/v5/market/orderbook"]["answer"]["result"]],
            order_book,
        ),
        "trade": (lambda: _rows("/v5/market/recent-trade"), public_trade),
        "funding-rate": (lambda: _rows("/v5/market/funding/history"), funding_rate_of_row),
        "stream-bar": (
            lambda: [row for push in _pushed("kline.1.BTCUSDT") for row in push["data"]],
            lambda row: bar_of_stream(BTC, row),
        ),
        "profit": (lambda: [rows.PNL, *_rows("/v5/position/closed-pnl")], closed_profit),
        "log": (lambda: [rows.LOG, *_rows("/v5/account/transaction-log")], account_change),
        "key": (
            lambda: [rows.QUERY_API, _answers()["/v5/user/query-api"]["answer"]["result"]],
            api_key,
        ),
    }
)
"""Readers of one object: valid rows, and the reader."""

_VALUE_READERS: Mapping[str, tuple[Callable[[], list[Json]], Read]] = MappingProxyType(
    {
        "tiers": (lambda: [rows.TIERS, _rows("/v5/market/risk-limit")], risk_tiers),
        "position-mode": (
            lambda: [[rows.POSITION], [{"positionIdx": 1}, {"positionIdx": 2}]],
            lambda value: position_mode(rows_of("position", value)),
        ),
        "bar": (
            lambda: _rows("/v5/market/kline") + _rows("/v5/market/mark-price-kline"),
            lambda value: bar_of_row(BTC, value, span_ms=_MINUTE_MS),
        ),
        "envelope": (lambda: [one["answer"] for one in served()["answers"]], envelope),
    }
)
"""Readers of any JSON value."""


def _of_row(read: Read) -> Callable[[bytes], None]:
    def check(data: bytes) -> None:
        value = json.loads(data)
        # What is no object never reaches a reader of rows: the list is taken apart by this.
        (row,) = rows_of("fuzz", [value])
        read(row.fields)

    return check


def _of_value(read: Read) -> Callable[[bytes], None]:
    def check(data: bytes) -> None:
        read(json.loads(data))

    return check


def _dumped(values: list[Json]) -> tuple[bytes, ...]:
    return tuple(json.dumps(value).encode() for value in values)


_READER_OF: Mapping[str, str] = MappingProxyType(
    {
        "/v5/order/history": "order",
        "/v5/execution/list": "execution",
        "/v5/position/list": "position",
        "/v5/position/closed-pnl": "profit",
        "/v5/account/transaction-log": "log",
        "/v5/account/wallet-balance": "wallet-isolated",
        "/v5/account/fee-rate": "fees",
        "/v5/market/tickers": "ticker",
        "/v5/market/recent-trade": "trade",
        "/v5/market/instruments-info": "instrument",
        "/v5/market/funding/history": "funding-rate",
    }
)


def _whole_answer(data: bytes) -> None:
    """Read an answer as it came: its headers, its envelope, and each row of its list."""
    head, _, body = data.partition(b"\n")
    path, _, limits = head.decode(errors="replace").partition(" ")
    limit_headers(dict(part.partition("=")[::2] for part in limits.split("&")))
    result = envelope(orjson.loads(body)).result
    reader = _READER_OF.get(path)
    if reader is not None:
        for row in rows_of(path, result.get("list")):
            _ROW_READERS[reader][1](row.fields)


def _answer_corpus() -> tuple[bytes, ...]:
    return tuple(_with_head(one) for one in served()["answers"])


def _with_head(kept: Json) -> bytes:
    limits = "&".join(f"{name}={value}" for name, value in kept["headers"].items())
    return f"{kept['path']} {limits}\n{json.dumps(kept['answer'])}".encode()


def _mutated_answer(data: bytes, chance: Any) -> bytes:
    head, _, body = data.partition(b"\n")
    if chance.random() < 0.1:
        head = bytes(chance.choice((head[:-1], head + b"x", head.replace(b"=", b"=-"))))
    return head.replace(b"\n", b"") + b"\n" + mutate_json_text(body, chance)


def _private(data: bytes) -> None:
    """A message of the account's stream never raises, whatever it holds."""
    feed = PrivateFeed(lambda _: None, now_ms=lambda: 0, margin_mode=lambda: MarginMode.ISOLATED)
    message = orjson.loads(data)
    if isinstance(message, dict):
        feed.take(message)
    else:
        feed.unreadable(str(message))


def _public_feed() -> PublicFeed:
    feed = PublicFeed(
        lambda _: None,
        now_ms=lambda: 0,
        monotonic_ms=lambda: 0,
        age_ms_max=5_000,
        renew=lambda *_: None,
    )
    feed.watch_ticker(BTC, lambda _: None)
    feed.watch_book(BTC)
    feed.watch_trades(BTC, lambda _: None)
    feed.watch_bars(BTC, "1", lambda _: None)
    feed.went_up()
    return feed


def _public(data: bytes) -> None:
    """A message of the market's stream never raises, and leaves a feed that can be asked."""
    feed, good = _public_feed(), _first_pushes()
    for message in good:
        feed.take(message)
    message = orjson.loads(data)
    if isinstance(message, dict):
        feed.take(message)
    else:
        feed.unreadable(str(message))
    feed.ticker(BTC), feed.book(BTC), feed.trades(BTC), feed.bars(BTC, "1"), feed.best(BTC)


def _first_pushes() -> Iterator[Json]:
    seen = set()
    for message in _PUBLIC:
        if message.get("topic") not in seen:
            seen.add(message.get("topic"))
            yield message


_PUBLIC = [one for one in served()["public"] if "topic" in one]
_PRIVATE = [one for one in served()["private"] if "topic" in one]


def wire_targets() -> tuple[Target, ...]:
    """Return the targets of the wire: readers, whole answers, and both streams."""
    bad_json = (Unreadable, json.JSONDecodeError, UnicodeDecodeError)
    readers = [
        Target(
            name=f"wire.{name}",
            corpus=_dumped(valid()),
            mutate=mutate_json,
            check=(_of_row if name in _ROW_READERS else _of_value)(read),
            refusals=(Unreadable,),
            share=2,
            is_wire=True,
        )
        for name, (valid, read) in {**_ROW_READERS, **_VALUE_READERS}.items()
    ]
    return (
        *readers,
        Target(
            name="wire.answer",
            corpus=_answer_corpus(),
            mutate=_mutated_answer,
            check=_whole_answer,
            refusals=bad_json,
            share=2,
            is_wire=True,
        ),
        Target(
            name="stream.private",
            corpus=_dumped(_PRIVATE),
            mutate=mutate_json_text,
            check=_private,
            refusals=(json.JSONDecodeError,),
            share=2,
            is_wire=True,
        ),
        Target(
            name="stream.public",
            corpus=_dumped(_PUBLIC),
            mutate=mutate_json_text,
            check=_public,
            refusals=(json.JSONDecodeError,),
            share=1,
            is_wire=True,
        ),
    )
