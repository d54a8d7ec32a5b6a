"""The figures that the rules look at, to the last digit, and what exposure is made of."""

from typing import Any

import attrs
import pytest
from tidegate.domain.core import events as ev
from tidegate.domain.core import exposure
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.core.inputs import OpenRequest
from tidegate.domain.core.order_state import Amendment
from tidegate.domain.core.snapshots import equity_now, risk_snapshot
from tidegate.domain.core.state import Order, State
from tidegate.domain.core.step import step
from tidegate.domain.lifecycle import Status
from tidegate.domain.margin import bankruptcy_price, fee_to_close
from tidegate.domain.money import ZERO_MONEY, Money, Price, Qty, Rate
from tidegate.domain.orders import ClientId, Side, Symbol
from tidegate.domain.position import Position
from tidegate.domain.reports import MarginMode
from tidegate.domain.risk.snapshot import RiskSnapshot
from tidegate.domain.signal import StopAtPrice

from tests.application.bench import BTC, Bench, make_bench, signal
from tests.domain.samples import BTCUSDT, FEES

from .scenes import config, limit, opened, placed, scripted

T0 = 1_700_000_000_000
ETH = Symbol("ETHUSDT")
KEY = "value01234567890"


def snapshot(state: State, at: int = 0, settings: CoreConfig | None = None) -> RiskSnapshot:
    return risk_snapshot(state, BTC, "s1", settings or config(), T0 + at)


def in_books(state: State, **changes: Any) -> State:
    return attrs.evolve(state, books=attrs.evolve(state.books, **changes))


def in_view(state: State, **changes: Any) -> State:
    return attrs.evolve(state, view=attrs.evolve(state.view, **changes))


def intended(side: Side = Side.BUY) -> State:
    """Return a fresh desk with one market entry of 0.010 recorded and not at the venue."""
    bench = make_bench(config=config())
    stop = StopAtPrice(Price.of("64000" if side is Side.BUY else "66000"))
    wish = OpenRequest(signal=signal(side=side, stop=stop), key=KEY)
    return step(bench.runner.state, wish, config(), T0).state


def two_positions() -> State:
    """Return 0.010 bitcoin from 65,000, marked at 65,100, and -0.2 ether for 600, at 2,900."""
    bench = opened(ladder=())
    bench.move("65100")
    state = bench.runner.state
    ticker = attrs.evolve(state.view.tickers[BTC], symbol=ETH, mark=Price.of("2900"))
    report = attrs.evolve(
        state.view.positions[BTC],
        symbol=ETH,
        qty=Qty.of("-0.2"),
        initial_margin=Money.of("60"),
        maintenance_margin=Money.of("3"),
    )
    ether = Position(qty=Qty.of("-0.2"), cost=Money.of("-600"))
    held = in_books(state, positions={**state.books.positions, ETH: ether})
    return in_view(
        held,
        tickers={**state.view.tickers, ETH: ticker},
        positions={**state.view.positions, ETH: report},
    )


def test_equity_is_the_wallet_and_every_position_at_its_mark() -> None:
    """9,999.6425 after the fee, 1 gained in bitcoin and 20 in ether."""
    state = two_positions()
    assert equity_now(state.books, state.view) == Money.of("10020.6425")
    seen = snapshot(state)
    assert seen.equity == Money.of("10020.6425")
    assert seen.wallet == Money.of("9999.6425")
    assert seen.day_profit == Money.of("20.6425")
    assert seen.day_opening_equity == Money.of("10000")
    for symbol in (BTC, ETH):
        tickers = {key: value for key, value in state.view.tickers.items() if key != symbol}
        unmarked = in_view(state, tickers=tickers)
        assert equity_now(unmarked.books, unmarked.view) is None
        assert snapshot(unmarked).equity is None
    bare = State()
    assert equity_now(bare.books, bare.view) is None
    assert (snapshot(bare).day_profit, snapshot(bare).high_water_equity) == (None, None)


def test_a_mark_is_fresh_up_to_its_age_and_only_positions_need_one() -> None:
    settings = config()
    limits = attrs.evolve(settings.limits, market_age_ms_max=1_000)
    strict = attrs.evolve(settings, limits=limits)
    state = opened(ladder=()).runner.state
    assert snapshot(state, 1_000, strict).equity is not None
    assert snapshot(state, 1_001, strict).equity is None
    assert snapshot(state, 1_001, strict).day_profit is None
    flat = make_bench(config=config()).runner.state
    assert snapshot(flat, 99_000, strict).equity == Money.of("10000")


def test_exposure_is_positions_at_mark_and_entries_at_their_worst() -> None:
    """651 of bitcoin, 580 of ether, and 0.010 in flight at 65,065 or 64,900."""
    state = two_positions()
    assert exposure.total(state.books, state.view) == Money.of("1231")
    assert exposure.of_symbol(state.books, state.view, BTC) == Money.of("651")
    assert exposure.of_symbol(state.books, state.view, ETH) == Money.of("580")
    bench = opened(ladder=())
    placed(bench, "s2", entry=limit("64900"))
    both = bench.runner.state
    assert exposure.total(both.books, both.view) == Money.of("1299")
    assert exposure.of_symbol(both.books, both.view, BTC) == Money.of("1299")
    assert exposure.of_symbol(both.books, both.view, ETH) == ZERO_MONEY
    seen = snapshot(both)
    assert (seen.exposure_total, seen.exposure_symbol) == (Money.of(1299), Money.of(1299))


def test_without_a_mark_a_position_counts_at_its_cost_and_profit_is_not_known() -> None:
    state = in_view(two_positions(), tickers={})
    assert exposure.total(state.books, state.view) == Money.of("1250")
    assert exposure.of_symbol(state.books, state.view, ETH) == Money.of("600")
    assert exposure.unrealised(state.books, state.view) is None
    marked = two_positions()
    assert exposure.unrealised(marked.books, marked.view) == Money.of("21")


def test_what_only_reduces_is_no_exposure() -> None:
    state = opened().runner.state
    assert len(state.books.orders) == 2
    assert exposure.total(state.books, state.view) == Money.of("650")
    name, rung = next(iter(state.books.orders.items()))
    bounded = attrs.evolve(rung, worst_price=Price.of("1"))
    odd = in_books(state, orders={name: bounded})
    assert exposure.total(odd.books, odd.view) == Money.of("650")


def test_an_entry_counts_for_what_of_it_may_still_fill() -> None:
    bench = scripted()
    name = placed(bench, entry=limit("64900"))
    state = bench.runner.state
    part = attrs.evolve(state.books.orders[name], qty_filled=Qty.of("0.004"))
    assert exposure.total(in_books(state, orders={name: part}).books, state.view) == (
        Money.of("389.4")
    )
    unbounded = attrs.evolve(part, worst_price=None)
    assert exposure.total(in_books(state, orders={name: unbounded}).books, state.view) == (
        ZERO_MONEY
    )


def test_a_symbol_is_open_with_a_position_or_an_entry_and_has_its_side() -> None:
    entering = intended(Side.SELL)
    assert exposure.symbols_open(entering.books) == {BTC}
    assert exposure.side_of(entering.books, BTC) is Side.SELL
    assert exposure.side_of(entering.books, ETH) is None
    held = two_positions()
    assert exposure.symbols_open(held.books) == {BTC, ETH}
    assert exposure.side_of(held.books, ETH) is Side.SELL
    assert exposure.side_of(held.books, BTC) is Side.BUY
    rungs = in_books(opened().runner.state, positions={})
    assert exposure.symbols_open(rungs.books) == frozenset()
    assert exposure.side_of(rungs.books, BTC) is None


# Margins


def test_what_the_venue_cannot_know_of_yet_is_taken_off_and_added() -> None:
    """0.010 at 65,032.5 worst is 650.325, 0.33 % of it and the fee to close to maintain.

    To open it locks 650.325 / 3 = 216.775, the fee of 0.3576..., and the fee to close.
    """
    state = intended()
    base, seen = snapshot(make_bench(config=config()).runner.state), snapshot(state)
    assert base.available is not None
    assert seen.available is not None
    locked = base.available - seen.available
    # the fee to close is at the bankruptcy price: 650.325 x (1 - 1/3) x 0.00055 = 0.2384525
    assert locked == Money.of("217.37113125")
    assert seen.initial_margin == locked
    assert seen.maintenance_margin == Money.of("650.325") * Rate.of("0.0033") + Money.of(
        "0.2384525"
    )
    assert (base.initial_margin, base.maintenance_margin) == (ZERO_MONEY, ZERO_MONEY)


@pytest.mark.parametrize(
    ("status", "is_known_there"),
    [
        (Status.INTENDED, False),
        (Status.UNKNOWN, False),
        (Status.ACKNOWLEDGED, False),
        (Status.NEW, True),
        (Status.PARTIALLY_FILLED, True),
    ],
)
def test_of_an_entry_that_the_venue_shows_it_reserved_the_initial_margin_only(
    status: Status, is_known_there: bool
) -> None:
    state = intended()
    ((name, order),) = state.books.orders.items()
    seen = snapshot(in_books(state, orders={name: attrs.evolve(order, status=status)}))
    assert (seen.initial_margin == ZERO_MONEY) is is_known_there
    assert seen.maintenance_margin == Money.of("2.384525")


def test_a_rung_on_its_way_locks_nothing() -> None:
    state = opened().runner.state
    orders: dict[Any, Order] = {
        name: attrs.evolve(order, status=Status.INTENDED)
        for name, order in state.books.orders.items()
    }
    assert snapshot(in_books(state, orders=orders)).available == snapshot(state).available


def test_an_order_that_reduces_hides_no_entry_behind_it() -> None:
    rungs, entering = opened().runner.state, intended()
    both = in_books(entering, orders={**rungs.books.orders, **entering.books.orders})
    assert list(both.books.orders)[-1] in entering.books.orders
    assert snapshot(both).available == snapshot(entering).available
    assert snapshot(both).initial_margin == Money.of("217.37113125")


@pytest.mark.parametrize(
    ("qty", "price", "worst", "locked", "maintained"),
    [
        # 0.020 at 64,000 is 1,280: 1,280 / 3, the fee of 0.704, and the fee to close.
        # To maintain: 0.33 % of it, 4.224, and the fee to close.
        ("0.020", "64000", None, "427.84", "4.224"),
        # At the worse of both worst fills: 0.020 at 66,000 is 1,320.
        ("0.020", "66000", None, "441.21", "4.356"),
        # The earlier one was worse: 0.010 at 64,900 is 649.
        ("0.010", "64500", "64900", "216.928", "2.1417"),
    ],
)
def test_an_entry_under_change_counts_as_it_is_wanted_and_at_the_worse_price(
    qty: str, price: str, worst: str | None, locked: str, maintained: str
) -> None:
    state = changing(qty, price, worst or price)
    account = state.view.account
    assert account is not None
    seen = snapshot(state)
    assert seen.available is not None
    assert seen.initial_margin == account.available - seen.available
    assert f"{seen.initial_margin.value:.3f}" == f"{Money.of(locked).value:.3f}"
    worse = max(Price.of(price), Price.of(worst or price))
    bankruptcy = bankruptcy_price(side=Side.BUY, entry=worse, leverage=Rate.of(3))
    to_close = fee_to_close(qty=Qty.of(qty), bankruptcy=bankruptcy, taker=FEES.taker)
    assert seen.maintenance_margin == Money.of(maintained) + to_close


def changing(qty: str, price: str, before_worst: str) -> State:
    """Return a desk whose entry of 0.010 at 64,500 is live, with a change of it under way."""
    bench = scripted()
    name: ClientId = placed(bench, entry=limit("64500"))
    order = bench.runner.state.books.orders[name]
    request = attrs.evolve(order.request, qty=Qty.of(qty), price=Price.of(price))
    change = Amendment(
        before=order.request,
        before_signal=order.signal,
        before_worst_price=Price.of(before_worst),
        request=request,
        signal=order.signal,
        worst_price=Price.of(price),
        sent_ms=T0,
    )
    live = attrs.evolve(order, status=Status.NEW, amendment=change)
    return in_books(bench.runner.state, orders={name: live})


def test_isolated_margins_are_the_sum_over_positions_and_cross_ones_a_rate_of_equity() -> None:
    state = two_positions()
    bitcoin = state.view.positions[BTC]
    seen = snapshot(state)
    assert seen.initial_margin == bitcoin.initial_margin + Money.of(60)
    assert seen.maintenance_margin == bitcoin.maintenance_margin + Money.of(3)
    account = state.view.account
    assert account is not None
    cross = attrs.evolve(
        account,
        equity=Money.of(8_000),
        margin_mode=MarginMode.CROSS,
        initial_margin_rate=Rate.of("0.10"),
        maintenance_margin_rate=Rate.of("0.02"),
    )
    shared = snapshot(in_view(state, account=cross))
    assert (shared.initial_margin, shared.maintenance_margin) == (Money.of(800), Money.of(160))
    with_entry = in_view(intended(), account=cross)
    both = snapshot(with_entry)
    assert both.initial_margin == Money.of("1017.37113125")
    assert both.maintenance_margin == Money.of(160) + Money.of("2.384525")
    none = snapshot(in_view(state, account=None))
    assert (none.initial_margin, none.maintenance_margin, none.available) == (None, None, None)
    assert none.margin_mode is None


# Counts


def test_orders_of_the_last_second_minute_and_day_are_counted() -> None:
    state = in_books(
        make_bench(config=config()).runner.state,
        sends=(T0 + 1, T0 + 40_000, T0 + 59_001, T0 + 60_000),
        sends_today=9,
    )
    seen = snapshot(state, 60_001)
    counted = (seen.orders_last_second, seen.orders_last_minute, seen.orders_today)
    assert counted == (1, 3, 9)
    assert snapshot(state, 60_000).orders_last_second == 2
    assert snapshot(state, 60_000).orders_last_minute == 4


def test_without_books_and_prices_nothing_is_guessed() -> None:
    seen = snapshot(State())
    assert (seen.wallet, seen.equity, seen.mark, seen.market_time_ms) == (None, None, None, None)
    assert (seen.last_loss_ms, seen.symbol_last_loss_ms, seen.instrument) == (None, None, None)
    assert (seen.stops_in_window, seen.symbol_losses_in_row) == (0, 0)
    assert (seen.pending_orders, seen.symbol_side, seen.signal_seen) == (0, None, False)
    assert seen.symbols_open == frozenset()
    assert (seen.is_panicked, seen.has_unsettled_findings) == (False, False)


def losing() -> Bench:
    bench = opened(ladder=())
    bench.pass_time(500)
    bench.move("63990")
    return bench


def test_losses_and_stops_are_remembered_with_their_times() -> None:
    state = losing().runner.state
    seen = snapshot(state, 900)
    assert (seen.last_loss_ms, seen.symbol_last_loss_ms) == (T0 + 500, T0 + 500)
    assert (seen.stops_in_window, seen.symbol_losses_in_row) == (1, 1)
    window = config().limits.stops_window_ms
    assert snapshot(state, 501 + window).stops_in_window == 0
    other = risk_snapshot(state, ETH, "s2", config(), T0 + 900)
    assert (other.symbol_losses_in_row, other.symbol_last_loss_ms) == (0, None)
    assert (other.last_loss_ms, other.signal_seen) == (T0 + 500, False)
    assert seen.signal_seen
    assert seen.high_water_equity == Money.of(10_000)


def test_a_finding_that_does_not_block_is_no_matter_for_the_rules() -> None:
    finding = ev.FindingRaised(
        finding_id="x", symbol=None, text="differs", blocks_entries=False, time_ms=1
    )
    state = in_books(make_bench(config=config()).runner.state, findings={"x": finding})
    assert not snapshot(state).has_unsettled_findings
    assert (snapshot(state).instrument, snapshot(state).mark) == (BTCUSDT, Price.of("65000"))
    assert snapshot(state).market_time_ms == T0
