"""For every risk rule: a desk at its limit, and one beyond it, by what happened to it before.

The market is 64999.9 to 65000.1, so a buy is judged at 65000.1 x 1.0005 = 65032.60005.
"""

from collections.abc import Callable
from decimal import Decimal

import attrs
from tidegate.application.recovery import reconcile
from tidegate.domain.instrument import InstrumentStatus
from tidegate.domain.mode import TradingState, VenueKind
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import (
    OrderKind,
    Side,
)
from tidegate.domain.reports import MarginMode, StreamReport, StreamState
from tidegate.domain.risk.verdict import Rule
from tidegate.domain.signal import Entry, ExactQty, RungSpec, Signal, StopAtPrice
from tidegate.ports.exchange import Done

from tests.application.bench import signal
from tests.application.threaded_bench import ETH

from .rules_bench import BTC, ETHER, LiveDesk, live_desk

__all__ = ["CASES", "Case", "ether", "sized"]

Prepared = tuple[LiveDesk, Signal]


@attrs.frozen
class Case:
    """``prepare(beyond)`` brings a desk to its limit or beyond, and gives the signal to judge."""

    prepare: Callable[[bool], Prepared]
    observed: str
    limit: str


def sized(name: str, qty: str, *, stop: str = "60000", leverage: str = "3") -> Signal:
    return signal(
        name,
        sizing=ExactQty(Qty(Decimal(qty))),
        stop=StopAtPrice(Price.of(stop)),
        leverage=leverage,
    )


def ether(name: str, qty: str = "1") -> Signal:
    return signal(
        name,
        symbol=ETHER,
        sizing=ExactQty(Qty(Decimal(qty))),
        stop=StopAtPrice(Price.of("3300")),
    )


def _resting(name: str, price: str) -> Signal:
    entry = Entry(kind=OrderKind.LIMIT, price=Price.of(price))
    return attrs.evolve(sized(name, "0.01"), entry=entry)


def _panic(beyond: bool) -> Prepared:
    live = live_desk()
    live.desk.panic("a test")
    if not beyond:
        live.desk.reset_panic(confirmation="RESET")
    return live, signal()


def _trading_state(beyond: bool) -> Prepared:
    live = live_desk()
    live.desk.set_trading_state(TradingState.REDUCING, "operator")
    if not beyond:
        live.desk.set_trading_state(TradingState.ACTIVE, "operator")
    return live, signal()


def _trading_mode(beyond: bool) -> Prepared:
    """A desk with a wrong venue cannot be built, so its settings change under a built one."""
    live = live_desk()
    if beyond:
        engine = live.runner.engine
        engine.config = attrs.evolve(engine.config, venue=VenueKind.BYBIT_DEMO)
    return live, signal()


def _symbol_allowed(beyond: bool) -> Prepared:
    return live_desk(symbols_allowed=frozenset({BTC})), ether("s") if beyond else signal()


def _symbol_trading(beyond: bool) -> Prepared:
    reducing = attrs.evolve(ETH, status=InstrumentStatus.REDUCE_ONLY)
    return live_desk(ether=reducing), ether("s") if beyond else signal()


def _protective_stop(beyond: bool) -> Prepared:
    return live_desk(), attrs.evolve(signal(), stop=None) if beyond else signal()


def _market_fresh(beyond: bool) -> Prepared:
    live = live_desk()
    live.quote(ETHER, "3500", after_ms=5_001 if beyond else 5_000)
    return live, signal()


def _stream_healthy(beyond: bool) -> Prepared:
    live = live_desk(streams_needed=True)
    live.runner.sink(StreamReport(state=StreamState.DOWN, time_ms=live.venue.now_ms()))
    live.runner.drain()
    live.pass_time(15_001 if beyond else 15_000)
    return live, signal()


def _findings(beyond: bool) -> Prepared:
    # The operator states a deposit, which the venue's wallet has received, or has not.
    live = live_desk(wallet_moved=Money.of(50))
    if not beyond:
        moved = live.venue.adjust_wallet(Money.of(50))
        assert isinstance(moved, Done), moved
    reconcile(live.runner)
    return live, signal()


def _duplicate(beyond: bool) -> Prepared:
    live = live_desk()
    live.must_open(signal("first"))
    return live, signal("first" if beyond else "second")


def _opposite(beyond: bool) -> Prepared:
    live = live_desk()
    live.must_open(signal("long"))
    if not beyond:
        live.desk.close_position(BTC)
    return live, signal("short", side=Side.SELL, stop=StopAtPrice(Price.of("66000")))


def _underwater(live: LiveDesk, *, beyond: bool) -> Prepared:
    """Hold 0.1 BTC under water.

    Fee 0.1 x 65000.1 x 0.00055 = 3.5750055. At a mark of 64036 the loss is 96.41 + 3.5750055 =
    99.9850055, at 64035 it is 96.51 + 3.5750055 = 100.0850055; one per cent of 10000 is 100.
    """
    live.must_open(sized("held", "0.1"))
    live.quote(BTC, "64035" if beyond else "64036")
    return live, ether("next")


def _day_loss(beyond: bool) -> Prepared:
    return _underwater(live_desk(day_loss_max=Rate.of("0.01")), beyond=beyond)


def _drawdown(beyond: bool) -> Prepared:
    return _underwater(live_desk(drawdown_max=Rate.of("0.01")), beyond=beyond)


def _cooldown(beyond: bool) -> Prepared:
    live = live_desk(loss_cooldown_ms=60_000)
    live.lose(ether("lost"))
    live.pass_time(59_999 if beyond else 60_000)
    return live, signal()


def _stop_guard(beyond: bool) -> Prepared:
    live = live_desk(stops_in_window_max=1)
    for number in range(2 if beyond else 1):
        live.must_open(signal(f"stopped {number}"))
        live.quote(BTC, "63990")
        assert live.runner.state.books.position(BTC).is_flat
        live.quote(BTC, "65000")
    return live, signal()


def _losing_symbol(beyond: bool) -> Prepared:
    live = live_desk(symbol_losses_in_row_max=1)
    live.lose(signal("lost 1"))
    if beyond:
        live.lose(signal("lost 2"))
    return live, signal()


def _rate(live: LiveDesk, *, beyond: bool, apart_ms: int) -> Prepared:
    for number in range(2 if beyond else 1):
        live.must_open(signal(f"sent {number}"))
        live.pass_time(apart_ms)
    return live, signal()


def _rate_second(beyond: bool) -> Prepared:
    return _rate(live_desk(orders_per_second_max=2), beyond=beyond, apart_ms=499)


def _rate_minute(beyond: bool) -> Prepared:
    return _rate(live_desk(orders_per_minute_max=2), beyond=beyond, apart_ms=29_999)


def _rate_day(beyond: bool) -> Prepared:
    return _rate(live_desk(orders_per_day_max=2), beyond=beyond, apart_ms=61_000)


def _pending(beyond: bool) -> Prepared:
    live = live_desk(pending_orders_max=2)
    for number in range(2 if beyond else 1):
        live.must_open(_resting(f"rests {number}", f"6400{number}"))
    return live, signal()


def _balance(beyond: bool) -> Prepared:
    """0.1 BTC costs a fee of 3.5750055, 0.2 BTC one of 7.150011: 10000 - 7.150011 = 9992.849989."""
    live = live_desk(balance_min=Money.of("9996"))
    live.must_open(sized("held", "0.2" if beyond else "0.1"))
    return live, ether("next")


def _viable(beyond: bool) -> Prepared:
    """0.01 BTC sold at the bid is worth 649.999, at its worst fill 64999.9 x 0.9995 x 0.01."""
    live = live_desk(notional_viable_min=Money.of("649.8" if beyond else "649.6"))
    return live, signal(side=Side.SELL, stop=StopAtPrice(Price.of("66000")))


def _venue_limits(beyond: bool) -> Prepared:
    return live_desk(), signal(leverage="3.005" if beyond else "3.01")


def _deviation(beyond: bool) -> Prepared:
    """Three per cent below 65000 is 63050; one tick more is 1950.1 / 65000 = 3.000153... %."""
    return live_desk(), _resting("far", "63049.9" if beyond else "63050")


def _leverage(beyond: bool) -> Prepared:
    return live_desk(leverage_max=Rate.of(5)), signal(leverage="6" if beyond else "5")


def _liquidation(beyond: bool) -> Prepared:
    """At 10 x the liquidation is (1 - 1 / 10) / (1 - 0.0033) of the entry, 9.702... % away."""
    live = live_desk(liquidation_distance_min=Rate.of("0.1"))
    return live, signal(leverage="10" if beyond else "9")


def _reward(beyond: bool) -> Prepared:
    """One R is 1000.1, so the target is 66000.2, and 1167.5327800275 is the worst loss of a coin.

    Gain: 66000.2 - 65032.60005 - 0.00055 x 65032.60005 - 0.0002 x 66000.2 = 918.63...; over the
    loss that is 0.7868...
    """
    live = live_desk(reward_to_risk_net_min=Rate.of("0.9" if beyond else "0.5"))
    return live, signal(ladder=(RungSpec(Rate.of(1)),))


def _positions(beyond: bool) -> Prepared:
    live = live_desk(positions_max=1)
    live.must_open(ether("held") if beyond else signal("held"))
    return live, signal()


def _held_btc(live: LiveDesk) -> Prepared:
    """Hold 0.01 BTC: 650 at mark; 0.01 more is 650.3260005 at its worst, 1300.3260005 together.

    Equity is 10000 - 0.01 x 65000.1 x 0.00055 - 0.01 x 0.1 = 9999.64149945.
    """
    live.must_open(signal("held"))
    return live, signal()


def _position_size(beyond: bool) -> Prepared:
    return _held_btc(live_desk(position_notional_max=Money.of("1300" if beyond else "1301")))


def _exposure(beyond: bool) -> Prepared:
    """0.13 x 9999.64149945 = 1299.9533949285, written down to 8 decimals."""
    return _held_btc(live_desk(exposure_max=Rate.of("0.13" if beyond else "0.131")))


def _concentration(beyond: bool) -> Prepared:
    return _held_btc(live_desk(concentration_max=Rate.of("0.13" if beyond else "0.131")))


def _trade_risk(beyond: bool) -> Prepared:
    """Worst loss of a coin: entry 65032.60005, stop 64000 x 0.999 = 63936, fees on both.

    1096.60005 + 0.00055 x (65032.60005 + 63936) = 1167.5327800275; 0.172 of it is above 200.
    """
    live = live_desk(risk_per_trade_max=Rate.of("0.02"))
    return live, sized("s", "0.172" if beyond else "0.171", stop="64000")


def _initial_margin(beyond: bool) -> Prepared:
    """Of the position: 650 / 3 + the fee to close at bankruptcy 650 x 2/3 x 0.00055 = 216.905.

    Of the order, at 650.3260005: the same two, and the opening fee of 0.35767930: 217.37146567.
    Four per cent of 9999.64149945 is 399.985659978.
    """
    limit = Rate.of("0.04" if beyond else "0.05")
    return _held_btc(live_desk(margin_mode=MarginMode.CROSS, initial_margin_rate_max=limit))


def _maintenance_margin(beyond: bool) -> Prepared:
    """Of each 0.0033 of the value and the fee to close: 2.38333333 held, 2.38452867 of the order.

    0.0004 x 9999.64149945 is 3.99985659978.
    """
    limit = Rate.of("0.0004" if beyond else "0.0006")
    return _held_btc(live_desk(margin_mode=MarginMode.CROSS, maintenance_margin_rate_max=limit))


def _available(beyond: bool) -> Prepared:
    """10000 less a fee of 3.5750055 and a margin of 6500.01 leaves 3496.4149945.

    At 1 x an order of 6503.260005 locks its value and the opening fee of 3.57679301.
    """
    live = live_desk()
    live.must_open(sized("held", "0.1", leverage="1"))
    return live, sized("next", "0.1" if beyond else "0.05", leverage="1")


CASES: dict[Rule, Case] = {
    Rule.PANIC: Case(_panic, "panic", "no panic"),
    Rule.TRADING_STATE: Case(_trading_state, "REDUCING", "ACTIVE"),
    Rule.TRADING_MODE: Case(
        _trading_mode, "mode paper on bybit demo", "mode paper on memory or paper"
    ),
    Rule.SYMBOL_ALLOWED: Case(_symbol_allowed, "ETHUSDT", "BTCUSDT"),
    Rule.SYMBOL_TRADING: Case(_symbol_trading, "ETHUSDT is reduce_only", "trading"),
    Rule.PROTECTIVE_STOP: Case(_protective_stop, "no stop", "a protective stop"),
    Rule.MARKET_FRESH: Case(_market_fresh, "5.001 s old", "5 s"),
    Rule.STREAM_HEALTHY: Case(_stream_healthy, "down for 15.001 s", "15 s"),
    Rule.FINDINGS_SETTLED: Case(_findings, "unsettled differences from the venue", "none"),
    Rule.DUPLICATE_SIGNAL: Case(_duplicate, "signal first was acted on before", "each signal once"),
    Rule.OPPOSITE_POSITION: Case(_opposite, "sell against a buy position", "flat or sell"),
    Rule.DAY_LOSS: Case(_day_loss, "100.0850055 USDT", "100 USDT"),
    Rule.DRAWDOWN: Case(_drawdown, "1.0009 %", "1 %"),
    Rule.LOSS_COOLDOWN: Case(_cooldown, "59.999 s since the last loss", "60 s"),
    Rule.STOP_GUARD: Case(_stop_guard, "2 stop-outs in 86400 s", "1 stop-outs in 86400 s"),
    Rule.LOSING_SYMBOL: Case(_losing_symbol, "2 losses in a row in BTCUSDT", "1 losses in a row"),
    Rule.ORDER_RATE_SECOND: Case(_rate_second, "3 orders", "2 orders"),
    Rule.ORDER_RATE_MINUTE: Case(_rate_minute, "3 orders", "2 orders"),
    Rule.ORDER_RATE_DAY: Case(_rate_day, "3 orders", "2 orders"),
    Rule.PENDING_ORDERS: Case(_pending, "3 orders", "2 orders"),
    Rule.BALANCE: Case(_balance, "9992.849989 USDT", "9996 USDT"),
    Rule.VIABLE_SIZE: Case(_viable, "649.6740005 USDT", "649.8 USDT"),
    Rule.VENUE_LIMITS: Case(_venue_limits, "leverage 3.005 x", "a multiple of 0.01 x"),
    Rule.PRICE_DEVIATION: Case(_deviation, "3.0002 %", "3 %"),
    Rule.LEVERAGE: Case(_leverage, "6 x", "5 x"),
    Rule.LIQUIDATION_DISTANCE: Case(_liquidation, "9.702 %", "10 %"),
    Rule.REWARD_TO_RISK: Case(_reward, "0.7868 R", "0.9 R"),
    Rule.POSITIONS: Case(_positions, "2 symbols", "1 symbols"),
    Rule.POSITION_SIZE: Case(_position_size, "1300.3260005 USDT", "1300 USDT"),
    Rule.EXPOSURE: Case(_exposure, "1300.3260005 USDT", "1299.95339492 USDT"),
    Rule.CONCENTRATION: Case(_concentration, "1300.3260005 USDT", "1299.95339492 USDT"),
    Rule.TRADE_RISK: Case(_trade_risk, "200.81563817 USDT", "200 USDT"),
    Rule.INITIAL_MARGIN: Case(_initial_margin, "434.27646567 USDT", "399.98565997 USDT"),
    Rule.MAINTENANCE_MARGIN: Case(_maintenance_margin, "4.76786201 USDT", "3.99985659 USDT"),
    Rule.AVAILABLE_MARGIN: Case(_available, "6506.83679801 USDT", "3496.4149945 USDT"),
}
