"""What may still be done: remaining exposure, largest position, leverage, and the account at large.

The desk is that of the other tables: equity 10000 USDT, 5000 held or in flight, 2000 of it in BTC.
"""

import attrs
import pytest
from tidegate.domain.instrument import Instrument
from tidegate.domain.money import Money, Qty
from tidegate.domain.reports import MarginMode
from tidegate.domain.risk.limits import RiskLimits
from tidegate.domain.risk.queries import (
    Count,
    LeverageCapped,
    LeverageDenied,
    LeverageGranted,
    RiskOverview,
    check_leverage,
    largest_position,
    overview,
    remaining_exposure,
)

from .cases import BASE, ETH, INSTRUMENT, LIMITS, SNAPSHOT, Case, money, qty, rate

LOOSE = RiskLimits(leverage_max=rate("100"))


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        # 5 x 10000 - 5000.
        ({}, "45000"),
        ({"exposure_total": money("50000")}, "0"),
        ({"exposure_total": money("50000.01")}, "0"),
        ({"equity": money("-1")}, "0"),
        ({"equity": None}, "0"),
    ],
)
def test_remaining_exposure_is_what_the_account_may_still_add(
    changes: dict[str, object], left: str
) -> None:
    case = BASE.with_(**changes)
    assert remaining_exposure(case.snapshot, case.limits) == money(left)


@pytest.mark.parametrize(
    ("changes", "largest"),
    [
        ({}, "1.66"),
        ({"qty": qty("0")}, "1.66"),
        ({"exposure_total": money("40000")}, "1"),
        ({"exposure_total": money("50000")}, "0"),
        ({"is_panicked": True}, "0"),
        ({"equity": None}, "0"),
        ({"instrument": None}, "0"),
    ],
)
def test_the_largest_position_now_is_zero_when_no_size_would_pass(
    changes: dict[str, object], largest: str
) -> None:
    case = BASE.with_(**changes)
    assert largest_position(case.proposal, case.snapshot, case.limits) == qty(largest)


def test_an_order_of_the_largest_position_passes() -> None:
    assert BASE.with_(qty=largest_of(BASE)).failing == ()
    assert BASE.with_(qty=largest_of(BASE) + INSTRUMENT.qty_step).failing != ()


def largest_of(case: Case) -> Qty:
    return largest_position(case.proposal, case.snapshot, case.limits)


# Tiers: up to 200000 at 50, up to 400000 at 25, up to 800000 at 10. The instrument allows 1 to 50.
@pytest.mark.parametrize(
    ("asked", "limits", "notional", "decision"),
    [
        ("9.99", LIMITS, "1000", LeverageGranted(leverage=rate("9.99"))),
        ("10", LIMITS, "1000", LeverageGranted(leverage=rate("10"))),
        (
            "10.01",
            LIMITS,
            "1000",
            LeverageCapped(
                asked=rate("10.01"), leverage=rate("10"), reason="the configured maximum is 10 x"
            ),
        ),
        (
            "60",
            LOOSE,
            "1000",
            LeverageCapped(
                asked=rate("60"),
                leverage=rate("50"),
                reason="the venue's maximum for the symbol is 50 x",
            ),
        ),
        ("50", LOOSE, "200000", LeverageGranted(leverage=rate("50"))),
        (
            "50",
            LOOSE,
            "200000.01",
            LeverageCapped(
                asked=rate("50"),
                leverage=rate("25"),
                reason="the risk tier's maximum for 200000.01 USDT is 25 x",
            ),
        ),
        ("10", LOOSE, "800000", LeverageGranted(leverage=rate("10"))),
        (
            "1",
            LOOSE,
            "800000.01",
            LeverageDenied(
                asked=rate("1"),
                reason="800000.01 USDT is above the last risk tier's limit of 800000 USDT",
            ),
        ),
        (
            "5.005",
            LIMITS,
            "1000",
            LeverageCapped(
                asked=rate("5.005"),
                leverage=rate("5"),
                reason="the venue's leverage step is 0.01 x",
            ),
        ),
        (
            "0.99",
            LIMITS,
            "1000",
            LeverageDenied(asked=rate("0.99"), reason="0.99 x is below the venue's minimum of 1 x"),
        ),
        (
            "5",
            RiskLimits(leverage_max=rate("1")),
            "1000",
            LeverageCapped(
                asked=rate("5"), leverage=rate("1"), reason="the configured maximum is 1 x"
            ),
        ),
        ("1", LIMITS, "1000", LeverageGranted(leverage=rate("1"))),
        (
            "7.777",
            RiskLimits(leverage_max=rate("7.777")),
            "1000",
            LeverageCapped(
                asked=rate("7.777"),
                leverage=rate("7.77"),
                reason="the venue's leverage step is 0.01 x",
            ),
        ),
        (
            "5",
            RiskLimits(leverage_max=rate("0.5")),
            "1000",
            LeverageDenied(
                asked=rate("5"),
                reason="the configured maximum is 0.5 x, below the venue's minimum of 1 x",
            ),
        ),
    ],
)
def test_a_leverage_is_granted_capped_or_denied_with_its_reason(
    asked: str, limits: RiskLimits, notional: str, decision: object
) -> None:
    assert check_leverage(rate(asked), INSTRUMENT, limits, money(notional)) == decision


def test_a_capped_leverage_lies_on_the_venues_step() -> None:
    limits = RiskLimits(leverage_max=rate("7.77"))
    spec: Instrument = attrs.evolve(INSTRUMENT, leverage_step=rate("0.5"))
    decision = check_leverage(rate("9"), spec, limits, money("1000"))
    assert decision == LeverageCapped(
        asked=rate("9"), leverage=rate("7.5"), reason="the configured maximum is 7.77 x"
    )


def test_a_granted_leverage_passes_the_rules_and_a_denied_one_does_not() -> None:
    granted = BASE.with_(leverage=rate("10"))
    capped = BASE.with_(leverage=rate("10.01"))
    assert granted.failing == ()
    assert capped.failing != ()


def test_the_overview_sets_the_account_beside_its_limits() -> None:
    case = BASE.with_(equity=money("9500"), day_profit=money("-120"))
    assert overview(case.snapshot, case.limits) == RiskOverview(
        equity=money("9500"),
        wallet=money("10000"),
        available=money("9000"),
        exposure_total=money("5000"),
        exposure_cap=money("47500"),
        exposure_remaining=money("42500"),
        day_profit=money("-120"),
        # 3 % of 10000, of which 120 are lost.
        day_loss_cap=money("300"),
        day_loss_remaining=money("180"),
        # 500 below the highest equity of 10000.
        drawdown=rate("0.05"),
        drawdown_max=rate("0.25"),
        initial_margin_rate=money("1000") / money("9500"),
        initial_margin_rate_max=rate("0.9"),
        maintenance_margin_rate=money("100") / money("9500"),
        maintenance_margin_rate_max=rate("0.5"),
        positions=Count(used=2, most=5),
        pending_orders=Count(used=4, most=400),
        orders_last_second=Count(used=2, most=10),
        orders_last_minute=Count(used=20, most=120),
        orders_today=Count(used=100, most=5_000),
        stops_in_window=Count(used=1, most=4),
    )


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({"day_profit": money("-299.99")}, money("0.01")),
        ({"day_profit": money("-300")}, money("0")),
        ({"day_profit": money("-400")}, money("0")),
        # A profit may be lost again before the day's loss begins to count.
        ({"day_profit": money("50")}, money("350")),
        ({"day_profit": None}, None),
        ({"day_opening_equity": None}, None),
    ],
)
def test_what_may_still_be_lost_today(changes: dict[str, object], left: Money | None) -> None:
    case = BASE.with_(**changes)
    assert overview(case.snapshot, case.limits).day_loss_remaining == left


def test_margin_rates_are_not_invented_where_the_venue_has_none() -> None:
    isolated = attrs.evolve(SNAPSHOT, margin_mode=MarginMode.ISOLATED)
    seen = overview(isolated, LIMITS)
    assert (seen.initial_margin_rate, seen.maintenance_margin_rate) == (None, None)


@pytest.mark.parametrize("equity", [None, money("0"), money("-5")])
def test_no_rate_is_a_share_of_no_equity(equity: Money | None) -> None:
    seen = overview(attrs.evolve(SNAPSHOT, equity=equity), LIMITS)
    assert (seen.initial_margin_rate, seen.maintenance_margin_rate) == (None, None)


@pytest.mark.parametrize(
    ("changes", "drawdown"),
    [
        ({"equity": money("12000")}, rate("0")),
        ({"equity": money("7500")}, rate("0.25")),
        ({"equity": None}, None),
        ({"high_water_equity": None}, None),
        ({"high_water_equity": money("0")}, None),
    ],
)
def test_the_drawdown_is_the_fall_from_the_highest_equity(
    changes: dict[str, object], drawdown: object
) -> None:
    case = BASE.with_(**changes)
    assert overview(case.snapshot, case.limits).drawdown == drawdown


def test_a_count_never_has_less_than_nothing_left() -> None:
    assert Count(used=3, most=5).left == 2
    assert Count(used=7, most=5).left == 0


def test_an_overview_of_an_unknown_account_says_so() -> None:
    case = BASE.with_(equity=None, wallet=None, available=None, symbols_open=frozenset({ETH}))
    seen = overview(case.snapshot, case.limits)
    assert (seen.equity, seen.wallet, seen.available, seen.exposure_cap) == (None,) * 4
    assert seen.exposure_remaining == money("0")
    assert seen.positions == Count(used=1, most=5)
