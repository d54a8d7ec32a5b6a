"""The scripted venue's market is what the script set, and it says what it has forgotten."""

import pytest
from tidegate.adapters.memory.options import ScriptError
from tidegate.adapters.memory.tape import BARS_KEPT, RATES_KEPT
from tidegate.domain.market import TRADES_MAX
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import Side, TriggerBy
from tidegate.ports.exchange import TimeRange

from .scenes import SYMBOL, Scene, price

MINUTE_MS = 60_000


def test_a_new_last_price_is_a_trade_and_other_prices_are_none() -> None:
    scene = Scene()
    scene.script.move(SYMBOL, last=price("60100"), ask_size=Qty.of(3))
    scene.script.move(SYMBOL, mark=price("60050"))
    scene.script.move(SYMBOL, last=price("60000"))
    trades = scene.venue.recent_trades(SYMBOL, count=2)
    assert [(t.side, t.price) for t in trades] == [
        (Side.BUY, price("60100")),
        (Side.SELL, price("60000")),
    ]
    assert trades[0].qty == Qty.of(3)


def test_a_side_without_a_size_is_empty() -> None:
    scene = Scene()
    scene.script.move(SYMBOL, bid_size=Qty.of(0), ask_size=Qty.of(2))
    book = scene.venue.order_book(SYMBOL, depth=5)
    assert (book.bids, len(book.asks)) == ((), 1)


def test_only_the_last_trades_are_kept() -> None:
    scene = Scene()
    for number in range(TRADES_MAX + 10):
        scene.script.move(SYMBOL, last=Price.of(50_000 + number))
    trades = scene.venue.recent_trades(SYMBOL, count=TRADES_MAX)
    assert len(trades) == TRADES_MAX
    assert trades[0].price == Price.of(50_010)


def test_bars_that_were_forgotten_are_not_covered() -> None:
    scene = Scene()
    began_ms = scene.venue.now_ms()
    for number in range(BARS_KEPT + 3):
        scene.script.advance(MINUTE_MS)
        scene.script.move(SYMBOL, last=Price.of(50_000 + number))
    within = TimeRange(start_ms=began_ms, end_ms=scene.venue.now_ms())
    found = scene.venue.bars(SYMBOL, interval_ms=MINUTE_MS, within=within)
    assert not found.is_complete
    assert found.covers.start_ms == found.rows[0].start_ms > began_ms
    assert len(found.rows) == BARS_KEPT - 1
    later = TimeRange(start_ms=found.covers.start_ms, end_ms=within.end_ms)
    again = scene.venue.bars(SYMBOL, interval_ms=MINUTE_MS, within=later)
    assert (again.is_complete, again.rows) == (True, found.rows)
    hours = scene.venue.bars(SYMBOL, interval_ms=60 * MINUTE_MS, within=within)
    whole = [b for b in found.rows if b.start_ms >= hours.rows[0].start_ms]
    assert hours.rows[0].open == whole[0].open
    assert hours.covers.start_ms == hours.rows[0].start_ms


def test_rates_that_were_forgotten_are_not_covered() -> None:
    scene = Scene()
    began_ms = scene.venue.now_ms()
    for number in range(RATES_KEPT + 1):
        scene.script.advance(1)
        scene.script.pay_funding(SYMBOL, Rate.of(number))
    within = TimeRange(start_ms=began_ms, end_ms=scene.venue.now_ms())
    found = scene.venue.funding_rates(SYMBOL, within)
    assert (found.is_complete, found.covers.start_ms) == (False, found.rows[0].time_ms)
    assert found.rows[0].rate == Rate.of(1)


def test_an_index_moves_its_own_bars() -> None:
    scene = Scene()
    scene.script.move(SYMBOL, index=price("59000"))
    within = TimeRange(start_ms=0, end_ms=scene.venue.now_ms())
    closes = {
        by: scene.venue.bars(SYMBOL, interval_ms=MINUTE_MS, within=within, by=by).rows[-1].close
        for by in TriggerBy
    }
    assert closes == {
        TriggerBy.LAST: price("60000"),
        TriggerBy.MARK: price("60000"),
        TriggerBy.INDEX: price("59000"),
    }


@pytest.mark.parametrize(("text", "words"), [("0", "nothing"), ("-20001", "cannot take 20001")])
def test_a_script_moves_no_money_that_is_not_there(text: str, words: str) -> None:
    scene = Scene()
    with pytest.raises(ScriptError, match=words):
        scene.script.transfer(Money.of(text))
    assert scene.venue.account_changes(scene.always()).rows == ()
    assert scene.wallet() == Money.of(20_000)
