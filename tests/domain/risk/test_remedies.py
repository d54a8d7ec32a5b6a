"""What a refusal tells its reader to do: one row for each way in which a rule can refuse.

The plan buys 0.5 BTC at 10000 on a step of 0.01; what the rows change is all that is wrong with it.
"""

import attrs
import pytest
from tidegate.domain.instrument import InstrumentStatus
from tidegate.domain.mode import TradingState, VenueKind
from tidegate.domain.orders import Side, Symbol
from tidegate.domain.reports import MarginMode
from tidegate.domain.risk.verdict import Rule

from .cases import BASE, ETH, INSTRUMENT, NOW_MS, SOL, money, price, qty, rate

Changes = dict[str, object]

FIVE_OTHERS = frozenset({ETH, SOL, *map(Symbol, ("XRPUSDT", "ADAUSDT", "DOGEUSDT"))})
SYMBOL_LOST: Changes = {"symbol_losses_in_row": 4, "symbol_last_loss_ms": NOW_MS - 86_397_500}

DESK: list[tuple[Rule, Changes, str]] = [
    (
        Rule.PANIC,
        {"is_panicked": True},
        "reset the panic with its literal confirmation",
    ),
    (
        Rule.TRADING_STATE,
        {"trading_state": TradingState.HALTED},
        "remove what holds the desk back, then resume trading",
    ),
    (
        Rule.TRADING_MODE,
        {"venue": VenueKind.BYBIT_MAINNET},
        "configure the mode and the venue so that they agree",
    ),
    (
        Rule.STREAM_HEALTHY,
        {"stream_down_since_ms": NOW_MS - 15_001},
        "wait until the stream is up again and reconciled",
    ),
    (
        Rule.FINDINGS_SETTLED,
        {"has_unsettled_findings": True},
        "reconcile, and settle every finding",
    ),
    (Rule.DUPLICATE_SIGNAL, {"signal_seen": True}, "give a new signal a new id"),
    (
        Rule.OPPOSITE_POSITION,
        {"symbol_side": Side.SELL},
        "close the position in BTCUSDT first",
    ),
]

HISTORY: list[tuple[Rule, Changes, str]] = [
    (Rule.DAY_LOSS, {"day_profit": money("-301")}, "wait for the next trading day"),
    (
        Rule.DRAWDOWN,
        {"equity": money("7499.99"), "high_water_equity": money("10000.5")},
        "review the strategy; equity was 10000.5 USDT at its highest",
    ),
    (Rule.LOSS_COOLDOWN, {"last_loss_ms": NOW_MS - 58_500}, "wait 1.5 s"),
    (
        Rule.STOP_GUARD,
        {"stops_in_window": 5},
        "wait until the oldest stop-outs leave the window",
    ),
    (Rule.LOSING_SYMBOL, SYMBOL_LOST, "wait 2.5 s, or trade another symbol"),
    # A loss that the venue dates ahead of this clock was made just now.
    (
        Rule.LOSING_SYMBOL,
        {"symbol_losses_in_row": 4, "symbol_last_loss_ms": NOW_MS + 300},
        "wait 86400 s, or trade another symbol",
    ),
    (Rule.ORDER_RATE_SECOND, {"orders_last_second": 8}, "wait a second, then ask again"),
    (Rule.ORDER_RATE_MINUTE, {"orders_last_minute": 118}, "wait a minute, then ask again"),
    (Rule.ORDER_RATE_DAY, {"orders_today": 4_998}, "wait for the next trading day"),
    (Rule.PENDING_ORDERS, {"pending_orders": 398}, "cancel orders, or let them finish"),
]

MARKET: list[tuple[Rule, Changes, str]] = [
    (
        Rule.SYMBOL_ALLOWED,
        {"symbols_allowed": frozenset({SOL})},
        "add the symbol to the allowed ones, or trade one of them",
    ),
    (
        Rule.SYMBOL_TRADING,
        {"instrument": attrs.evolve(INSTRUMENT, status=InstrumentStatus.REDUCE_ONLY)},
        "wait until the venue trades the symbol, or trade another",
    ),
    (Rule.PROTECTIVE_STOP, {"stop": None}, "give the signal a stop"),
    (
        Rule.PROTECTIVE_STOP,
        {"stop": price("10000.5")},
        "put the stop of a buy below 10000 USDT",
    ),
    (
        Rule.PROTECTIVE_STOP,
        {"side": Side.SELL, "stop": price("9999.5")},
        "put the stop of a sell above 10000 USDT",
    ),
    (Rule.MARKET_FRESH, {"market_time_ms": NOW_MS - 5_001}, "wait for a fresh price"),
    (Rule.MARKET_FRESH, {"market_time_ms": NOW_MS + 1_001}, "set this machine's clock right"),
    (
        Rule.PRICE_DEVIATION,
        {"reference_price": price("11000")},
        "ask for a price nearer to the mark of 10000 USDT",
    ),
    (
        Rule.LIQUIDATION_DISTANCE,
        {"liquidation_price": price("9750")},
        "lower the leverage: 9750 USDT would liquidate the position",
    ),
    (
        Rule.LIQUIDATION_DISTANCE,
        {"liquidation_price": price("9500"), "stop": price("9400")},
        "move the stop nearer to the entry, or lower the leverage",
    ),
    (
        Rule.REWARD_TO_RISK,
        {"reward_to_risk_net": rate("-0.1")},
        "set farther targets, a nearer stop, or cheaper execution",
    ),
]

SIZE: list[tuple[Rule, Changes, str]] = [
    (
        Rule.VIABLE_SIZE,
        {"notional_viable_min": money("5000.01")},
        "raise the quantity to 0.51 BTC or more",
    ),
    (Rule.VENUE_LIMITS, {"qty": qty("0.505")}, "round it down to 0.5 BTC"),
    (Rule.VENUE_LIMITS, {"qty": qty("0.01")}, "raise the quantity to 0.02 BTC or more"),
    (
        Rule.VENUE_LIMITS,
        {"instrument": attrs.evolve(INSTRUMENT, notional_min=money("5000.01"))},
        "raise the quantity to 0.51 BTC or more",
    ),
    (Rule.VENUE_LIMITS, {"qty": qty("100.01")}, "reduce the quantity to 100 BTC or less"),
    (Rule.VENUE_LIMITS, {"leverage": rate("60")}, "choose a leverage from 1 x to 50 x"),
    (Rule.VENUE_LIMITS, {"leverage": rate("5.005")}, "round the leverage to a multiple of 0.01 x"),
    (
        Rule.VENUE_LIMITS,
        {"leverage": rate("60.005"), "qty": qty("0.005")},
        "; ".join(
            (
                "choose a leverage from 1 x to 50 x",
                "round the leverage to a multiple of 0.01 x",
                "round it down to 0 BTC",
                "raise the quantity to 0.02 BTC or more",
            )
        ),
    ),
    (
        Rule.POSITIONS,
        {"symbols_open": FIVE_OTHERS},
        "close a position, or add to a symbol that is open already",
    ),
    (Rule.POSITION_SIZE, {"qty": qty("9.81")}, "reduce the quantity to 9.8 BTC or less"),
    (
        Rule.POSITION_SIZE,
        {"position_notional_max": money("2000")},
        "reduce what is held or in flight in BTCUSDT",
    ),
    (Rule.EXPOSURE, {"qty": qty("4.51")}, "reduce the quantity to 4.5 BTC or less"),
    (
        Rule.EXPOSURE,
        {"exposure_total": money("50000")},
        "reduce positions, or cancel entries in flight",
    ),
    (Rule.CONCENTRATION, {"qty": qty("3.81")}, "reduce the quantity to 3.8 BTC or less"),
    (
        Rule.CONCENTRATION,
        {"concentration_max": rate("0.2")},
        "reduce what is held or in flight in BTCUSDT",
    ),
    (Rule.TRADE_RISK, {"qty": qty("1.67")}, "reduce the quantity to 1.66 BTC or less"),
    (
        Rule.TRADE_RISK,
        {"worst_loss_per_unit": money("20001")},
        "set a nearer stop: even the smallest step would risk too much",
    ),
]

MARGIN: list[tuple[Rule, Changes, str]] = [
    (Rule.BALANCE, {"wallet": money("9.99")}, "add funds"),
    (Rule.LEVERAGE, {"leverage": rate("10.01")}, "lower the leverage to 10 x"),
    (
        Rule.LEVERAGE,
        {"leverage": rate("10"), "qty": qty("79.81")},
        "reduce the quantity to 79.8 BTC or less",
    ),
    (
        Rule.LEVERAGE,
        {"exposure_symbol": money("900000"), "exposure_total": money("900000")},
        "lower the leverage: no size fits the risk tiers at this one",
    ),
    (Rule.INITIAL_MARGIN, {"qty": qty("4.01")}, "reduce the quantity to 4 BTC or less"),
    (
        Rule.INITIAL_MARGIN,
        {"initial_margin": money("9000")},
        "reduce positions, or lower the leverage of what is open",
    ),
    (Rule.MAINTENANCE_MARGIN, {"qty": qty("98.01")}, "reduce the quantity to 98 BTC or less"),
    (Rule.MAINTENANCE_MARGIN, {"maintenance_margin": money("5000")}, "reduce positions"),
    (
        Rule.MAINTENANCE_MARGIN,
        {
            "margin_mode": MarginMode.ISOLATED,
            "maintenance_margin_per_unit": money("1000.01"),
        },
        "lower the leverage",
    ),
    (Rule.AVAILABLE_MARGIN, {"qty": qty("4.51")}, "reduce the quantity to 4.5 BTC or less"),
    (
        Rule.AVAILABLE_MARGIN,
        {"available": money("0")},
        "add funds, or free margin by reducing positions",
    ),
]

ROWS = DESK + HISTORY + MARKET + SIZE + MARGIN


@pytest.mark.parametrize(("rule", "changes", "remedy"), ROWS)
def test_a_refusal_says_what_would_help(rule: Rule, changes: Changes, remedy: str) -> None:
    assert BASE.with_(**changes).breach(rule).remedy == remedy


def test_every_rule_has_a_remedy() -> None:
    assert {rule for rule, _, _ in ROWS} == set(Rule)
