"""The ticker: a snapshot and what changed since."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.adapters.bybit.streams.ticker import TickerFold
from tidegate.adapters.bybit.wire.fields import Unreadable
from tidegate.adapters.bybit.wire.markets import ticker
from tidegate.domain.money import Price
from tidegate.domain.reports import Ticker

from tests.adapters.bybit.streams.bench import ticker_message, ticker_row


def _fold() -> TickerFold:
    return TickerFold(lambda row, time_ms: ticker(row, time_ms=time_ms))


def test_a_delta_changes_what_it_names_and_the_time() -> None:
    fold = _fold()
    first = fold.take(ticker_message(ts=1_000))
    second = fold.take(ticker_message("delta", ts=1_100, bid1Price="63999.5"))
    assert first == ticker(ticker_row(), time_ms=1_000)
    assert second == ticker(ticker_row(bid1Price="63999.5"), time_ms=1_100)


def test_a_delta_before_any_snapshot_says_nothing() -> None:
    fold = _fold()
    assert fold.take(ticker_message("delta", lastPrice="1")) is None
    fold.take(ticker_message())
    fold.reset()
    assert fold.take(ticker_message("delta", lastPrice="1")) is None


def test_a_row_that_becomes_readable_again_is_read() -> None:
    fold = _fold()
    fold.take(ticker_message())
    with pytest.raises(Unreadable):
        fold.take(ticker_message("delta", bid1Price=""))
    told = fold.take(ticker_message("delta", bid1Price="63000"))
    assert told is not None
    assert told.bid == Price.of(63000)


@pytest.mark.parametrize(
    "change", [{"type": "else"}, {"type": None}, {"data": []}, {"ts": "1"}, {"ts": None}]
)
def test_a_message_of_another_form_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        _fold().take(ticker_message() | change)


_names = st.sampled_from(["lastPrice", "markPrice", "indexPrice", "bid1Price", "ask1Size"])
_row = st.dictionaries(_names, st.integers(1, 99).map(str), max_size=4)


@given(st.lists(st.tuples(st.booleans(), _row), max_size=15))
def test_the_fold_equals_a_merge_of_dictionaries(steps: list[tuple[bool, dict[str, str]]]) -> None:
    fold = _fold()
    merged: dict[str, str] | None = None
    for time_ms, (is_snapshot, row) in enumerate(steps):
        message = ticker_message("snapshot" if is_snapshot else "delta", ts=time_ms, **row)
        if is_snapshot:
            merged = ticker_row(**row)
        elif merged is not None:
            merged = merged | row
        expected: Ticker | None = None if merged is None else ticker(merged, time_ms=time_ms)
        assert fold.take(message) == expected
