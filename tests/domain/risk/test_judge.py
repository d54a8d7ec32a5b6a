"""The judge: all rules in their order, all failures at once, and the only maker of an approval."""

import copy
from typing import Any

import attrs
import pytest
from tidegate.domain.mode import TradingState
from tidegate.domain.money import Qty
from tidegate.domain.orders import OrderKind, ProtectiveLeg, Purpose, Role, Side
from tidegate.domain.risk.approval import Approved
from tidegate.domain.risk.judge import RULES, Refused, evaluate, judge, recall
from tidegate.domain.risk.verdict import Breach, Missing, Passed, Rule

from .cases import (
    BASE,
    ETH,
    INSTRUMENT,
    LIMITS,
    ORDER,
    PROPOSAL,
    SNAPSHOT,
    changed,
    money,
    price,
    qty,
    rate,
)


def test_every_rule_is_judged_exactly_once_and_in_the_order_of_the_enum() -> None:
    assert len(RULES) == len(Rule)
    assert tuple(verdict.rule for verdict in BASE.verdicts) == tuple(Rule)


def test_a_plan_within_every_limit_is_approved_as_it_stands() -> None:
    approved = judge(ORDER, PROPOSAL, SNAPSHOT, LIMITS)
    assert isinstance(approved, Approved)
    assert approved.order == ORDER


def test_an_assessment_of_a_good_plan_passes_everything_and_names_the_largest_size() -> None:
    assessment = evaluate(PROPOSAL, SNAPSHOT, LIMITS)
    assert assessment.passes
    assert assessment.verdicts == tuple(Passed(rule=rule) for rule in Rule)
    # The tightest bound is the risk per trade: 200 / 120 = 1.666..., on the step 1.66.
    assert assessment.largest == qty("1.66")


def test_a_refusal_names_every_rule_that_fails_and_not_only_the_first() -> None:
    everything = BASE.with_(
        is_panicked=True,
        trading_state=TradingState.HALTED,
        stop=None,
        market_time_ms=None,
        signal_seen=True,
        day_profit=money("-301"),
        orders_today=5_000,
        wallet=money("1"),
        mark=None,
        leverage=rate("11"),
        exposure_symbol=money("45000"),
        exposure_total=money("60000"),
        available=money("0"),
    )
    order = attrs.evolve(ORDER, stop_loss=None)
    refused = judge(order, everything.proposal, everything.snapshot, everything.limits)
    assert isinstance(refused, Refused)
    assert tuple(breach.rule for breach in refused.breaches) == (
        Rule.PANIC,
        Rule.TRADING_STATE,
        Rule.PROTECTIVE_STOP,
        Rule.DUPLICATE_SIGNAL,
        Rule.DAY_LOSS,
        Rule.ORDER_RATE_DAY,
        Rule.BALANCE,
        Rule.LEVERAGE,
        Rule.EXPOSURE,
        Rule.CONCENTRATION,
        Rule.TRADE_RISK,
        Rule.AVAILABLE_MARGIN,
    )
    assert tuple(missing.rule for missing in refused.missing) == (
        Rule.MARKET_FRESH,
        Rule.PRICE_DEVIATION,
    )
    assert refused.largest is None


def test_a_refusal_and_an_assessment_say_the_same() -> None:
    case = BASE.with_(qty=qty("4.6"))
    order = attrs.evolve(ORDER, qty=qty("4.6"))
    assessment = evaluate(case.proposal, case.snapshot, case.limits)
    refused = judge(order, case.proposal, case.snapshot, case.limits)
    assert not assessment.passes
    assert refused == Refused(
        breaches=assessment.breaches, missing=assessment.missing, largest=assessment.largest
    )


def test_a_judgement_changes_nothing_and_is_the_same_every_time() -> None:
    before = copy.deepcopy((PROPOSAL, SNAPSHOT, LIMITS))
    assert evaluate(PROPOSAL, SNAPSHOT, LIMITS) == evaluate(PROPOSAL, SNAPSHOT, LIMITS)
    assert before == (PROPOSAL, SNAPSHOT, LIMITS)


@pytest.mark.parametrize(
    ("changes", "largest"),
    [
        # The smallest of 9.8, 4.5, 3.8, 1.66, 4, 98 and 4.5 counts.
        ({"qty": qty("4.6")}, qty("1.66")),
        # The tightest bound is now (50000 - 40000) / 10000 = 1.
        ({"qty": qty("4.6"), "exposure_total": money("40000")}, qty("1")),
        # Too small for the venue, yet the largest is what the rules leave.
        ({"qty": qty("0.01")}, qty("1.66")),
        ({"qty": qty("0.505")}, qty("1.66")),
        # A risk of 200 USDT at 12000 a coin is 0.0166: below the venue's minimum of 0.02.
        ({"worst_loss_per_unit": money("12000")}, qty("0")),
        # 200 / 120 x 10000 = 16666 is less than what is worth opening.
        ({"notional_viable_min": money("20000")}, qty("0")),
        # The venue's maximum of 100 at 10000 is 1000000: no size that it takes is worth opening.
        ({"notional_viable_min": money("1000000.01")}, qty("0")),
        ({"exposure_total": money("50000")}, qty("0")),
        # No size passes while something else fails.
        ({"qty": qty("4.6"), "signal_seen": True}, None),
        ({"qty": qty("4.6"), "wallet": None}, None),
        ({"leverage": rate("10.01")}, None),
        ({"leverage": rate("5.005"), "qty": qty("4.6")}, None),
    ],
)
def test_the_largest_size_passes_every_rule_or_says_that_none_would(
    changes: dict[str, object], largest: Qty | None
) -> None:
    assert BASE.with_(**changes).largest == largest


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"symbol": ETH}, "order ETHUSDT, plan BTCUSDT"),
        (
            {"side": Side.SELL, "stop_loss": ProtectiveLeg(price=price("9900"))},
            "order sell, plan buy",
        ),
        ({"qty": qty("0.51")}, r"order of 0\.51, plan of 0\.5"),
        ({"stop_loss": None}, "stop None inside the order, 9900 in the plan"),
        ({"stop_loss": ProtectiveLeg(price=price("9800"))}, "stop 9800 inside the order"),
        (
            {"kind": OrderKind.LIMIT, "price": price("10000.5")},
            r"limit 10000\.5 is worse than the plan's 10000",
        ),
        ({"purpose": Purpose(Role.CLOSE)}, "is a close, no entry"),
        ({"reduce_only": True, "stop_loss": None}, "is reduce-only"),
    ],
)
def test_an_order_other_than_the_one_in_the_plan_is_never_approved(
    changes: dict[str, object], words: str
) -> None:
    order = changed(ORDER, changes)
    with pytest.raises(AssertionError, match=words):
        judge(order, PROPOSAL, SNAPSHOT, LIMITS)


@pytest.mark.parametrize("limit", ["10000", "9999.5"])
def test_a_limit_no_worse_than_the_plan_is_approved(limit: str) -> None:
    order = attrs.evolve(ORDER, kind=OrderKind.LIMIT, price=price(limit))
    assert isinstance(judge(order, PROPOSAL, SNAPSHOT, LIMITS), Approved)


def test_a_short_limit_below_the_plan_is_worse() -> None:
    case = BASE.with_(
        side=Side.SELL, stop=price("10100"), liquidation_price=price("12000"), symbol_side=None
    )
    order = attrs.evolve(
        ORDER,
        side=Side.SELL,
        kind=OrderKind.LIMIT,
        price=price("9999.5"),
        stop_loss=ProtectiveLeg(price=price("10100")),
    )
    with pytest.raises(AssertionError, match="is worse than the plan's 10000"):
        judge(order, case.proposal, case.snapshot, case.limits)
    better = attrs.evolve(order, price=price("10000"))
    assert isinstance(judge(better, case.proposal, case.snapshot, case.limits), Approved)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"instrument": attrs.evolve(INSTRUMENT, symbol=ETH)}, "on a snapshot of ETHUSDT"),
        ({"qty": qty("-0.01")}, "must not be negative"),
        ({"price": price("0")}, "price 0: must be above zero"),
        ({"leverage": rate("0")}, "leverage 0: must be above zero"),
        ({"orders_to_send": 0}, "0 orders to send: at least 1"),
        ({"initial_margin_per_unit": money("-1")}, "initial margin per unit is -1"),
        ({"maintenance_margin_per_unit": money("-1")}, "maintenance margin per unit is -1"),
        ({"exposure_symbol": money("-1")}, "exposure of -1 in BTCUSDT"),
        ({"exposure_symbol": money("5000.01")}, "the total holds the symbol's"),
    ],
)
def test_a_plan_or_desk_that_cannot_be_is_our_own_mistake(
    changes: dict[str, object], words: str
) -> None:
    case = BASE.with_(**changes)
    with pytest.raises(AssertionError, match=words):
        evaluate(case.proposal, case.snapshot, case.limits)


@pytest.mark.parametrize(
    "changes",
    [
        {"exposure_symbol": money("0"), "exposure_total": money("0")},
        {"exposure_symbol": money("5000"), "exposure_total": money("5000")},
        {"initial_margin_per_unit": money("0"), "maintenance_margin_per_unit": money("0")},
        {"orders_to_send": 1},
    ],
)
def test_a_desk_at_the_border_of_what_can_be_is_judged(changes: dict[str, object]) -> None:
    assert BASE.with_(**changes).failing == ()


def test_an_intent_from_the_journal_keeps_the_approval_that_it_had() -> None:
    assert recall(ORDER) == judge(ORDER, PROPOSAL, SNAPSHOT, LIMITS)


@pytest.mark.parametrize(
    "changes", [{"purpose": Purpose(Role.TAKE_PROFIT, 1)}, {"reduce_only": True, "stop_loss": None}]
)
def test_only_an_entry_is_recalled(changes: dict[str, object]) -> None:
    order = changed(ORDER, changes)
    with pytest.raises(AssertionError):
        recall(order)


def test_nothing_but_the_judge_makes_an_approval() -> None:
    unsealed: Any = Approved
    with pytest.raises(TypeError, match="only `judge` makes an Approved"):
        Approved(ORDER, seal=object())
    with pytest.raises(TypeError):
        unsealed(ORDER)


def test_an_approval_cannot_be_moved_to_another_order() -> None:
    approved = recall(ORDER)
    writable: Any = approved
    larger = attrs.evolve(ORDER, qty=qty("100"))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        writable.order = larger
    with pytest.raises(TypeError):
        attrs.evolve(approved, order=larger)
    assert approved.order.qty == qty("0.5")


def test_a_verdict_that_is_not_a_pass_is_a_refusal() -> None:
    for verdict in (
        Breach(rule=Rule.PANIC, observed="panic", limit="no panic", remedy="reset"),
        Missing(rule=Rule.PANIC, what="the panic state"),
    ):
        assert not attrs.evolve(evaluate(PROPOSAL, SNAPSHOT, LIMITS), verdicts=(verdict,)).passes
