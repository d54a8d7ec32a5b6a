"""The scripted venue's money: worked by hand, and exact to the last digit.

Rates of the samples: taker 0.00055, maker 0.0002. Leverage 10, isolated, unless said otherwise.
"""

from decimal import Decimal

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tidegate.adapters.memory.options import MemoryOptions
from tidegate.domain.instrument import InstrumentStatus
from tidegate.domain.money import ZERO_MONEY, ZERO_QTY, Money, Rate
from tidegate.domain.orders import Side
from tidegate.domain.reports import MarginMode, Origin, RejectReason
from tidegate.ports.exchange import Accepted, QueryFailed, Rejected

from tests.domain.samples import BTCUSDT

from .scenes import SYMBOL, Scene, price, qty


def test_a_round_trip_by_hand() -> None:
    """Buy 0.1 at 60,000 as taker, sell at a limit of 61,000 as maker.

    Fee in: 6,000 x 0.00055 = 3.3; profit: 0.1 x 1,000 = 100; fee out: 6,100 x 0.0002 = 1.22.
    Wallet: 20,000 - 3.3 + 100 - 1.22 = 20,095.48.
    """
    scene = Scene()
    scene.buy("0.1")
    assert scene.wallet() == Money.of("19996.7")
    scene.place(scene.order(Side.SELL, "0.1", "61000", reduce_only=True))
    scene.script.move(SYMBOL, last=price("61000"))
    assert scene.held() == ZERO_QTY
    assert scene.wallet() == Money.of("20095.48")


def test_margin_by_hand() -> None:
    """Long 0.1 at 60,000 and leverage 10, isolated (Bybit help centre, initial margin).

    Bankruptcy: 54,000; fee to close: 0.1 x 54,000 x 0.00055 = 2.97; margin: 600 + 2.97 = 602.97.
    Available: 20,000 - 3.3 - 602.97 = 19,393.73. Maintenance: 6,000 x 0.0033 + 2.97 = 22.77.
    """
    scene = Scene()
    scene.buy("0.1")
    report, account = scene.venue.position(SYMBOL), scene.venue.account()
    assert report.initial_margin == Money.of("602.97")
    assert report.maintenance_margin == Money.of("22.77")
    assert account.available == Money.of("19393.73")
    assert account.initial_margin_rate is None
    assert report.liquidation_price is not None
    assert round(report.liquidation_price.value, 2) == Decimal("54178.79")


def test_a_resting_order_locks_its_cost() -> None:
    """0.1 at 50,000: margin 500, fees 2.75 in and 0.1 x 45,000 x 0.00055 = 2.475 out: 505.225."""
    scene = Scene()
    order = scene.buy("0.1", "50000")
    assert scene.venue.account().available == Money.of("19494.775")
    scene.venue.cancel(SYMBOL, order)
    assert scene.venue.account().available == Money.of("20000")


def test_cross_margin_has_rates_of_the_account() -> None:
    """Margins count from the mark: at 66,000, 0.1 long locks 660 + 0.1 x 59,400 x 0.00055.

    That is 663.267; equity is 20,000 - 3.3 + 600 = 20,596.7.
    """
    scene = Scene(MemoryOptions(margin_mode=MarginMode.CROSS))
    scene.buy("0.1")
    scene.script.move(SYMBOL, last=price("66000"))
    account = scene.venue.account()
    assert account.equity == Money.of("20596.7")
    assert account.initial_margin_rate == Money.of("663.267") / Money.of("20596.7")
    assert account.available == Money.of("20596.7") - Money.of("663.267")


def test_open_profit_is_no_margin_when_isolated() -> None:
    scene = Scene()
    scene.buy("0.1")
    before = scene.venue.account().available
    scene.script.move(SYMBOL, last=price("66000"))
    assert scene.venue.account().available == before


def test_liquidation_takes_the_margin() -> None:
    """Taken over at the bankruptcy price 54,000: 0.1 x 6,000 = 600 lost, fee 2.97 on top."""
    scene = Scene()
    scene.buy("0.1")
    scene.script.liquidate(SYMBOL)
    assert scene.held() == ZERO_QTY
    assert scene.wallet() == Money.of("20000") - Money.of("3.3") - Money.of("602.97")
    execution = scene.venue.executions(SYMBOL, scene.always()).rows[-1]
    assert (execution.origin, execution.price) == (Origin.LIQUIDATION, price("54000"))


def test_funding_by_hand() -> None:
    """Short 0.1 at mark 60,000 and rate 0.0001 receives 0.6."""
    scene = Scene()
    scene.place(scene.order(Side.SELL, "0.1"))
    before = scene.wallet()
    scene.script.pay_funding(SYMBOL, Rate.of("0.0001"))
    assert scene.wallet() == before + Money.of("0.6")


def test_lower_leverage_needs_margin_that_is_there() -> None:
    """A position that fills the account at leverage 10 cannot be held at leverage 1."""
    scene = Scene()
    scene.buy("3")
    refused = scene.venue.set_leverage(SYMBOL, Rate.of(1))
    assert isinstance(refused, Rejected)
    assert refused.reason is RejectReason.INSUFFICIENT_MARGIN
    assert scene.venue.position(SYMBOL).leverage == Rate.of(10)


def test_a_closing_order_needs_no_margin() -> None:
    scene = Scene()
    scene.buy("3")
    scene.place(scene.order(Side.SELL, "3"))
    assert scene.held() == ZERO_QTY


@pytest.mark.parametrize("status", [InstrumentStatus.REDUCE_ONLY, InstrumentStatus.CLOSED])
def test_a_symbol_that_does_not_trade_takes_no_entry(status: InstrumentStatus) -> None:
    scene = Scene(instrument=attrs.evolve(BTCUSDT, status=status))
    refused = scene.send(scene.order(Side.BUY))
    assert isinstance(refused, Rejected)
    assert refused.reason is RejectReason.TRADING_HALTED


def test_without_a_price_there_is_no_ticker_and_no_mark() -> None:
    scene = Scene(instrument=BTCUSDT)
    fresh = type(scene.venue)(
        instruments={SYMBOL: BTCUSDT},
        fees=scene.venue.fee_rates(SYMBOL),
        wallet=Money.of("1"),
    )
    for query in (fresh.ticker, fresh.position):
        with pytest.raises(QueryFailed, match="no price"):
            query(SYMBOL)
    assert fresh.positions() == ()
    assert fresh.account().wallet == Money.of("1")


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["buy", "sell", "limit", "move", "fund", "close"]),
        st.integers(min_value=1, max_value=200),
    ),
    max_size=30,
)


def _play(scene: Scene, steps: list[tuple[str, int]]) -> None:
    for step, size in steps:
        amount = str(Decimal(size) / 1000)
        match step:
            case "buy":
                scene.send(scene.order(Side.BUY, amount, stop="1000"))
            case "sell":
                scene.send(scene.order(Side.SELL, amount))
            case "limit":
                scene.send(scene.order(Side.BUY, amount, str(59_000 + size * 10)))
            case "move":
                scene.script.move(SYMBOL, last=price(str(58_000 + size * 20)))
            case "fund":
                scene.script.pay_funding(SYMBOL, Rate.of(Decimal(size - 100) / 1_000_000))
            case _:
                if scene.held() != ZERO_QTY:
                    scene.script.close_by_hand(SYMBOL)


@given(STEPS)
@settings(max_examples=60, deadline=None)
def test_the_books_balance_to_the_last_digit(steps: list[tuple[str, int]]) -> None:
    """Equity is the opening wallet plus all cash flows of executions, plus the position at mark.

    The flows are summed with plain integers and fractions of the reports, not with the books.
    """
    scene = Scene()
    _play(scene, steps)
    always = scene.always()
    cash, held = Decimal(20_000), Decimal(0)
    for row in scene.venue.executions(SYMBOL, always).rows:
        signed = row.qty.value if row.side is Side.BUY else -row.qty.value
        held += signed
        cash -= signed * row.price.value + row.fee.value
    for payment in scene.venue.funding_payments(SYMBOL, always).rows:
        cash -= payment.amount.value
    mark = scene.venue.ticker(SYMBOL).mark.value
    account = scene.venue.account()
    assert scene.held().value == held
    assert account.equity.value == cash + held * mark
    unrealised = sum((p.unrealised for p in scene.venue.positions()), start=ZERO_MONEY)
    assert account.equity == account.wallet + unrealised


@given(STEPS)
@settings(max_examples=50, deadline=None)
def test_the_same_script_tells_the_same_story(steps: list[tuple[str, int]]) -> None:
    """Ids, times, order and digits of every message are the same in a second run."""
    stories = []
    for _ in range(2):
        scene = Scene()
        _play(scene, steps)
        stories.append(scene.heard)
    assert stories[0] == stories[1]


def test_a_stop_has_the_size_of_its_position_whatever_happened() -> None:
    scene = Scene()
    scene.place(scene.order(Side.BUY, "0.3", stop="50000"))
    for change in ("0.1", "0.05"):
        scene.place(scene.order(Side.SELL, change, reduce_only=True))
        (leg,) = scene.venue.open_orders(SYMBOL)
        assert leg.qty == scene.held()
    assert scene.held() == qty("0.15")


def test_a_rest_below_the_least_quantity_is_closed_at_market() -> None:
    scene = Scene(instrument=attrs.evolve(BTCUSDT, qty_min=qty("0.005")))
    entry = scene.buy("0.006", "50000")
    scene.script.fill(entry, qty=qty("0.003"))
    assert isinstance(scene.venue.cancel(SYMBOL, entry), Accepted)
    refused = scene.send(scene.order(Side.SELL, "0.003", "61000", reduce_only=True))
    assert isinstance(refused, Rejected)
    assert refused.reason is RejectReason.QTY_OUT_OF_RANGE
    scene.place(scene.order(Side.SELL, "0.003", reduce_only=True))
    assert scene.held() == ZERO_QTY
