"""The order book over a recorded market; the market's own best quotes are the judge."""

import bisect
import gzip
import json
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from tidegate.adapters.bybit.streams.book import OrderBook
from tidegate.domain.market import BookLevel
from tidegate.domain.money import Price, Qty

from tests.adapters.bybit.streams.bench import BTC, book_message

LINES_MAX = 20_000
_NAME = "btcusdt-perp-l2-2024-08-08.ndjson.gz"
_PATH = Path(__file__).parents[5] / "shared" / "data" / _NAME

pytestmark = pytest.mark.skipif(
    not _PATH.exists(),
    reason=f"recorded market data is absent: {_NAME} is not in the folder shared/data",
)


def _recorded() -> list[dict[str, Any]]:
    with gzip.open(_PATH, "rt") as lines:
        messages = [json.loads(line.split(" ", 1)[1]) for line in islice(lines, LINES_MAX)]
    return [message.get("data", message) for message in messages]


def _level(row: dict[str, Any], price: str, qty: str) -> BookLevel:
    return BookLevel(Price.of(row[price]), Qty.of(row[qty]))


def test_the_best_levels_are_the_markets_own_after_every_update() -> None:
    """Another venue's form: its one snapshot, then each depth update as a delta with the next u.

    Best quotes carry the id of the update that made them, so each has its place between the deltas.
    """
    recorded = _recorded()
    snapshot = next(one for one in recorded if "lastUpdateId" in one)
    quotes = sorted(
        (one for one in recorded if one.get("e") == "bookTicker"), key=lambda one: int(one["u"])
    )
    quote_ids = [one["u"] for one in quotes]
    book = OrderBook(BTC, depth=100_000)
    book.take(book_message("snapshot", 1, snapshot["bids"], snapshot["asks"]))
    compared = 0
    for one in recorded:
        if one.get("e") != "depthUpdate" or one["u"] < snapshot["lastUpdateId"]:
            continue
        if one["u"] > quote_ids[-1]:
            break
        compared += 1
        book.take(book_message("delta", compared + 1, one["b"], one["a"], ts=one["T"]))
        quote = quotes[bisect.bisect_right(quote_ids, one["u"]) - 1]
        assert book.best_bid() == _level(quote, "b", "B")
        assert book.best_ask() == _level(quote, "a", "A")
    assert compared > 1_000
