"""What is not known is a refusal, and every field that may be unknown is somebody's business."""

import typing

import pytest
from tidegate.domain.money import ZERO_MONEY
from tidegate.domain.risk.judge import Refused, judge
from tidegate.domain.risk.snapshot import Proposal, RiskSnapshot
from tidegate.domain.risk.verdict import Missing, Rule

from .cases import BASE, ORDER, PROPOSAL, changed

NEEDED_BY = {
    "instrument": {
        Rule.SYMBOL_TRADING,
        Rule.VIABLE_SIZE,
        Rule.VENUE_LIMITS,
        Rule.LEVERAGE,
        Rule.POSITION_SIZE,
        Rule.EXPOSURE,
        Rule.CONCENTRATION,
        Rule.TRADE_RISK,
        Rule.INITIAL_MARGIN,
        Rule.MAINTENANCE_MARGIN,
        Rule.AVAILABLE_MARGIN,
    },
    "market_time_ms": {Rule.MARKET_FRESH},
    "mark": {Rule.PRICE_DEVIATION},
    "margin_mode": {Rule.INITIAL_MARGIN, Rule.MAINTENANCE_MARGIN},
    "wallet": {Rule.BALANCE},
    "equity": {
        Rule.DRAWDOWN,
        Rule.EXPOSURE,
        Rule.CONCENTRATION,
        Rule.TRADE_RISK,
        Rule.INITIAL_MARGIN,
        Rule.MAINTENANCE_MARGIN,
    },
    "available": {Rule.AVAILABLE_MARGIN},
    "initial_margin": {Rule.INITIAL_MARGIN},
    "maintenance_margin": {Rule.MAINTENANCE_MARGIN},
    "day_opening_equity": {Rule.DAY_LOSS},
    "day_profit": {Rule.DAY_LOSS},
    "high_water_equity": {Rule.DRAWDOWN},
    "trade_loss": {Rule.TRADE_RISK},
}

WORDS_FOR = {
    "instrument": "the instrument's specification",
    "market_time_ms": "the time of the last price",
    "mark": "a mark price above zero",
    "margin_mode": "the account's margin mode",
    "wallet": "the wallet balance",
    "equity": "the account's equity",
    "available": "the available margin",
    "initial_margin": "the account's initial margin",
    "maintenance_margin": "the account's maintenance margin",
    "day_opening_equity": "the equity at the day's opening",
    "day_profit": "the day's profit",
    "high_water_equity": "a high-water mark of equity above zero",
    "trade_loss": "the worst loss of what is held and in flight",
}

ABSENT_IS_AN_ANSWER = {
    "stream_down_since_ms": "the stream is up",
    "symbol_side": "flat",
    "last_loss_ms": "no trade has lost yet",
    "symbol_last_loss_ms": "no trade of the symbol has lost yet",
    "high_water_anchor": "nobody says where the mark comes from",
    "equity_anchor": "nobody says where the equity comes from",
}


def optional_fields(kind: type) -> set[str]:
    hints = typing.get_type_hints(kind)
    return {name for name, hint in hints.items() if type(None) in typing.get_args(hint)}


def test_every_field_that_may_be_unknown_has_a_rule_or_a_meaning() -> None:
    assert optional_fields(RiskSnapshot) == NEEDED_BY.keys() | ABSENT_IS_AN_ANSWER.keys()
    assert not NEEDED_BY.keys() & ABSENT_IS_AN_ANSWER.keys()


@pytest.mark.parametrize("field", sorted(NEEDED_BY))
def test_an_unknown_value_is_refused_by_every_rule_that_needs_it(field: str) -> None:
    snapshot = changed(BASE.snapshot, {field: None})
    refused = judge(ORDER, PROPOSAL, snapshot, BASE.limits)
    assert isinstance(refused, Refused)
    assert {missing.rule for missing in refused.missing} == NEEDED_BY[field]
    assert {missing.what for missing in refused.missing} == {WORDS_FOR[field]}
    assert refused.breaches == ()
    assert refused.largest is None


@pytest.mark.parametrize("field", sorted(ABSENT_IS_AN_ANSWER))
def test_an_absent_event_is_no_unknown_value(field: str) -> None:
    assert BASE.with_(**{field: None}).failing == ()


def test_a_locked_symbol_whose_last_loss_has_no_time_is_refused() -> None:
    case = BASE.with_(symbol_losses_in_row=4, symbol_last_loss_ms=None)
    assert case.verdict(Rule.LOSING_SYMBOL) == Missing(
        rule=Rule.LOSING_SYMBOL, what="the time of BTCUSDT's last loss"
    )


@pytest.mark.parametrize(
    ("field", "failing"),
    [
        # Without a stop all 5000 of notional are at risk, where 200 may be.
        ("stop", (Rule.PROTECTIVE_STOP, Rule.TRADE_RISK)),
        ("worst_loss_per_unit", (Rule.TRADE_RISK,)),
        ("reward_to_risk_net", ()),
        ("liquidation_price", ()),
    ],
)
def test_what_a_plan_leaves_open_is_judged_for_what_it_means(
    field: str, failing: tuple[Rule, ...]
) -> None:
    assert BASE.with_(**{field: None}).failing == failing


def test_the_plan_has_no_other_open_fields() -> None:
    assert optional_fields(Proposal) == {
        "stop",
        "worst_loss_per_unit",
        "reward_to_risk_net",
        "liquidation_price",
    }


def test_an_empty_account_is_refused_by_each_rule_about_money() -> None:
    nothing = BASE.with_(wallet=ZERO_MONEY, equity=ZERO_MONEY, available=ZERO_MONEY)
    assert set(nothing.failing) == {
        Rule.DRAWDOWN,
        Rule.BALANCE,
        Rule.EXPOSURE,
        Rule.CONCENTRATION,
        Rule.TRADE_RISK,
        Rule.INITIAL_MARGIN,
        Rule.MAINTENANCE_MARGIN,
        Rule.AVAILABLE_MARGIN,
    }
