"""The dry check: the core's own plan and rules on an account that was only stated."""

from typing import Any

import attrs
import pytest
from tidegate.adapters.catalogue import BTCUSDT
from tidegate.application.check import ASSUMED, check_trade
from tidegate.application.settings import Settings
from tidegate.domain.money import ZERO_QTY, Money, Price, Qty, Rate
from tidegate.domain.orders import OrderKind, Side
from tidegate.domain.risk.limits import Oversize, RiskLimits
from tidegate.domain.risk.verdict import Rule
from tidegate.domain.signal import ExactQty, RiskFraction, RungSpec, StopAtPrice, StopPercent
from tidegate.ports.commands import CheckReport, CheckRequest

LONG = CheckRequest(
    symbol=BTCUSDT.symbol,
    side=Side.BUY,
    entry=Price.of("65000"),
    kind=OrderKind.MARKET,
    stop=StopAtPrice(Price.of("64000")),
    sizing=RiskFraction(Rate.of("0.01")),
    equity=Money.of("1400"),
)


def _check(request: CheckRequest = LONG, limits: RiskLimits | None = None) -> CheckReport:
    return check_trade(request, Settings(limits=limits or RiskLimits()), BTCUSDT)


def test_a_ticket_worked_by_hand() -> None:
    """Taker fee 0.00055, entry slippage 0.0005, stop slippage 0.001.

    Worst entry 65,000 x 1.0005 = 65,032.50; worst exit 64,000 x 0.999 = 63,936.
    Worst loss of one coin 1,096.50 + 0.00055 x (65,032.50 + 63,936) = 1,167.432675.
    Budget 1 % of 1,400 = 14; 14 / 1,167.432675 = 0.01199..., down to the step: 0.011.
    At risk 0.011 x 1,167.432675 = 12.841759425, of which 0.011 x 1,000 = 11 is price.
    """
    report = _check(attrs.evolve(LONG, ladder=(RungSpec(Rate.of(2)),)))
    ticket = report.ticket
    assert ticket is not None
    assert ticket.qty == Qty.of("0.011")
    assert ticket.entry_worst == Price.of("65032.5")
    assert ticket.price_risk == Money.of("11")
    assert ticket.risk == Money.of("12.841759425")
    assert [rung.price for rung in ticket.rungs] == [Price.of("67000")]
    assert report.is_allowed
    assert ticket.rules_passed == len(report.passed) == len(Rule) - len(report.missing)


def test_rules_without_their_facts_are_listed_and_do_not_refuse() -> None:
    report = _check()
    assert {missing.rule for missing in report.missing} == {
        Rule.MARKET_FRESH,
        Rule.DAY_LOSS,
        Rule.DRAWDOWN,
        Rule.PRICE_DEVIATION,
    }
    assert report.is_allowed
    assert report.assumed == ASSUMED


def test_a_stated_mark_is_judged() -> None:
    far = _check(attrs.evolve(LONG, mark=Price.of("61000")))
    assert [breach.rule for breach in far.breaches] == [Rule.PRICE_DEVIATION]
    assert not far.is_allowed
    near = _check(attrs.evolve(LONG, mark=Price.of("65000")))
    assert near.is_allowed
    assert Rule.PRICE_DEVIATION not in {missing.rule for missing in near.missing}


def test_a_refusal_names_the_largest_size_that_passes() -> None:
    """The limit is 2 % of 1,400 = 28; 28 / 1,167.432675 = 0.0239..., down to the step: 0.023."""
    report = _check(attrs.evolve(LONG, sizing=RiskFraction(Rate.of("0.05")), leverage=Rate.of(5)))
    assert [breach.rule for breach in report.breaches] == [Rule.TRADE_RISK]
    assert report.largest == Qty.of("0.023")
    again = _check(attrs.evolve(LONG, sizing=ExactQty(report.largest), leverage=Rate.of(5)))
    assert again.is_allowed
    more = ExactQty(report.largest + BTCUSDT.qty_step)
    assert not _check(attrs.evolve(LONG, sizing=more, leverage=Rate.of(5))).is_allowed


def test_what_the_account_cannot_pay_is_refused() -> None:
    """0.03 x 65,032.50 is 1,950.98 of margin at leverage 1, and 1,400 are there."""
    nearer = StopAtPrice(Price.of("64500"))
    report = _check(attrs.evolve(LONG, sizing=ExactQty(Qty.of("0.03")), stop=nearer))
    assert {breach.rule for breach in report.breaches} == {
        Rule.INITIAL_MARGIN,
        Rule.AVAILABLE_MARGIN,
    }


def test_no_size_mends_what_is_not_about_size() -> None:
    report = _check(attrs.evolve(LONG, stop=None, sizing=ExactQty(Qty.of("0.001"))))
    assert Rule.PROTECTIVE_STOP in {breach.rule for breach in report.breaches}
    assert report.largest is None


def test_where_no_size_that_can_be_traded_passes_the_largest_is_zero() -> None:
    """One step of 0.001 risks 1.17, more than 2 % of 50."""
    report = _check(attrs.evolve(LONG, sizing=ExactQty(Qty.of("0.002")), equity=Money.of(50)))
    assert Rule.TRADE_RISK in {breach.rule for breach in report.breaches}
    assert report.largest == ZERO_QTY


def test_a_size_below_the_viable_minimum_is_no_size_that_passes() -> None:
    """1 % of 200 pays for 0.001 at 1.17 of risk, worth 65 USDT where 100 are the least."""
    asked = attrs.evolve(LONG, sizing=ExactQty(Qty.of("0.002")), equity=Money.of(200))
    limits = RiskLimits(risk_per_trade_max=Rate.of("0.01"), notional_viable_min=Money.of(100))
    report = _check(asked, limits)
    assert [breach.rule for breach in report.breaches] == [Rule.TRADE_RISK]
    assert report.largest == ZERO_QTY


def test_the_policy_to_reduce_reduces_and_says_so() -> None:
    asked = attrs.evolve(LONG, sizing=RiskFraction(Rate.of("0.05")), leverage=Rate.of(5))
    report = _check(asked, RiskLimits(oversize=Oversize.REDUCE))
    ticket = report.ticket
    assert ticket is not None
    assert ticket.qty == Qty.of("0.023")
    # 5 % of 1,400 = 70; 70 / 1,167.432675 = 0.0599..., down to the step
    assert ticket.reduced_from == Qty.of("0.059")
    assert report.is_allowed


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"side": Side.SELL}, "stop 64000; limit: above the entry 65000; give a stop above 65000"),
        ({"equity": Money.of(1)}, "0.000 BTC; limit: at least 0.001 BTC"),
        ({"stop": None}, "risk"),
    ],
)
def test_without_a_plan_the_fault_is_told(change: dict[str, Any], fault: str) -> None:
    report = _check(attrs.evolve(LONG, **change))
    assert report.ticket is None
    assert report.fault is not None
    assert fault in report.fault
    assert not report.is_allowed


def test_a_limit_order_does_not_slip() -> None:
    report = _check(attrs.evolve(LONG, kind=OrderKind.LIMIT, stop=StopPercent(Rate.of("0.02"))))
    assert report.ticket is not None
    assert report.ticket.entry_worst == report.ticket.entry == Price.of("65000")
    assert report.ticket.stop == Price.of("63700")
