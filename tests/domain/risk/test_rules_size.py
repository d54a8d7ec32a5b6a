"""Rules about size and margin: each at, below and above its limit, and the largest that passes.

The plan buys 0.5 BTC at 10000 on a step of 0.01; equity is 10000 USDT, 5000 of notional are held
or in flight, 2000 of them in BTC. One BTC risks 120 USDT, locks 2000 and needs 50 to be kept.
"""

import attrs
import pytest
from tidegate.domain.reports import MarginMode
from tidegate.domain.risk.verdict import Missing, Rule

from .cases import BASE, INSTRUMENT, Row, check, money, price, qty, rate

ISOLATED = {"margin_mode": MarginMode.ISOLATED}

ROWS = [
    # 0.5 x 10000 = 5000. The first step worth 5000.01 is 0.51.
    Row(
        Rule.VIABLE_SIZE,
        ({"notional_viable_min": money("4999.99")}, {"notional_viable_min": money("5000")}),
        {"notional_viable_min": money("5000.01")},
        "5000 USDT",
        "5000.01 USDT",
        smallest=qty("0.51"),
    ),
    Row(
        Rule.VIABLE_SIZE,
        (),
        {"notional_viable_min": money("5100")},
        "5000 USDT",
        "5100 USDT",
        smallest=qty("0.51"),
    ),
    Row(
        Rule.VENUE_LIMITS,
        ({"qty": qty("0.03")}, {"qty": qty("0.02")}),
        {"qty": qty("0.01")},
        "0.01 BTC",
        "at least 0.02 BTC",
        smallest=qty("0.02"),
    ),
    # The market maximum of 100 bounds every entry, though a limit order may be twice as large.
    Row(
        Rule.VENUE_LIMITS,
        ({"qty": qty("99.99")}, {"qty": qty("100")}),
        {"qty": qty("100.01")},
        "100.01 BTC",
        "at most 100 BTC",
        largest=qty("100"),
    ),
    Row(
        Rule.VENUE_LIMITS,
        (
            {"instrument": attrs.evolve(INSTRUMENT, notional_min=money("4999.99"))},
            {"instrument": attrs.evolve(INSTRUMENT, notional_min=money("5000"))},
        ),
        {"instrument": attrs.evolve(INSTRUMENT, notional_min=money("5000.01"))},
        "5000 USDT",
        "at least 5000.01 USDT",
        smallest=qty("0.51"),
    ),
    # The first step worth 1000001 is 100.01: no size is both worth enough and small enough.
    Row(
        Rule.VENUE_LIMITS,
        (),
        {
            "qty": qty("100.01"),
            "instrument": attrs.evolve(INSTRUMENT, notional_min=money("1000001")),
        },
        "100.01 BTC",
        "at most 100 BTC",
        largest=qty("100"),
    ),
    Row(
        Rule.VENUE_LIMITS,
        (),
        {"qty": qty("0.505")},
        "0.505 BTC",
        "a multiple of 0.01 BTC",
        largest=qty("100"),
    ),
    # Leverage from 1 to 50 in steps of 0.01: no quantity would help.
    Row(
        Rule.VENUE_LIMITS,
        ({"leverage": rate("49.99")}, {"leverage": rate("50")}),
        {"leverage": rate("50.01")},
        "leverage 50.01 x",
        "1 x to 50 x",
    ),
    Row(
        Rule.VENUE_LIMITS,
        ({"leverage": rate("1.01")}, {"leverage": rate("1")}),
        {"leverage": rate("0.99")},
        "leverage 0.99 x",
        "1 x to 50 x",
    ),
    Row(
        Rule.VENUE_LIMITS,
        (),
        {"leverage": rate("5.005")},
        "leverage 5.005 x",
        "a multiple of 0.01 x",
    ),
    Row(
        Rule.VENUE_LIMITS,
        (),
        {"leverage": rate("60"), "qty": qty("0.01")},
        "leverage 60 x; 0.01 BTC",
        "1 x to 50 x; at least 0.02 BTC",
    ),
    Row(
        Rule.LEVERAGE,
        ({"leverage": rate("9.99")}, {"leverage": rate("10")}),
        {"leverage": rate("10.01")},
        "10.01 x",
        "10 x",
    ),
    Row(
        Rule.LEVERAGE,
        ({"leverage": rate("50"), "leverage_max": rate("100")},),
        {"leverage": rate("50.01"), "leverage_max": rate("100")},
        "50.01 x",
        "50 x",
    ),
    # Leverage 10 reaches to 800000, of which 2000 are taken: 798000 / 10000 = 79.8.
    Row(
        Rule.LEVERAGE,
        (
            {"leverage": rate("10"), "qty": qty("79.79")},
            {"leverage": rate("10"), "qty": qty("79.8")},
        ),
        {"leverage": rate("10"), "qty": qty("79.81")},
        "800100 USDT at 10 x",
        "800000 USDT at 10 x",
        largest=qty("79.8"),
    ),
    # Leverage 10.01 needs the tier of 25, which ends at 400000: 398000 / 10000 = 39.8.
    Row(
        Rule.LEVERAGE,
        ({"leverage": rate("10.01"), "leverage_max": rate("50"), "qty": qty("39.8")},),
        {"leverage": rate("10.01"), "leverage_max": rate("50"), "qty": qty("39.81")},
        "400100 USDT at 10.01 x",
        "400000 USDT at 10.01 x",
        largest=qty("39.8"),
    ),
    # (100000 - 2000) / 10000 = 9.8.
    Row(
        Rule.POSITION_SIZE,
        ({"qty": qty("9.79")}, {"qty": qty("9.8")}),
        {"qty": qty("9.81")},
        "100100 USDT",
        "100000 USDT",
        largest=qty("9.8"),
    ),
    # (5 x 10000 - 5000) / 10000 = 4.5.
    Row(
        Rule.EXPOSURE,
        ({"qty": qty("4.49")}, {"qty": qty("4.5")}),
        {"qty": qty("4.51")},
        "50100 USDT",
        "50000 USDT",
        largest=qty("4.5"),
    ),
    Row(
        Rule.EXPOSURE,
        ({"exposure_total": money("44999.99")}, {"exposure_total": money("45000")}),
        {"exposure_total": money("45000.01")},
        "50000.01 USDT",
        "50000 USDT",
        largest=qty("0.49"),
    ),
    Row(
        Rule.EXPOSURE,
        (),
        {"exposure_total": money("60000")},
        "65000 USDT",
        "50000 USDT",
        largest=qty("0"),
    ),
    # (4 x 10000 - 2000) / 10000 = 3.8.
    Row(
        Rule.CONCENTRATION,
        ({"qty": qty("3.79")}, {"qty": qty("3.8")}),
        {"qty": qty("3.81")},
        "40100 USDT",
        "40000 USDT",
        largest=qty("3.8"),
    ),
    # 2 % of 10000 is 200; 200 / 120 = 1.666...
    Row(
        Rule.TRADE_RISK,
        ({"qty": qty("1.65")}, {"qty": qty("1.66")}),
        {"qty": qty("1.67")},
        "200.4 USDT",
        "200 USDT",
        largest=qty("1.66"),
    ),
    Row(
        Rule.TRADE_RISK,
        ({"worst_loss_per_unit": money("100"), "qty": qty("2")},),
        {"worst_loss_per_unit": money("100"), "qty": qty("2.01")},
        "201 USDT",
        "200 USDT",
        largest=qty("2"),
    ),
    # Without a stop the whole notional is at risk: 0.02 x 10000 = 200.
    Row(
        Rule.TRADE_RISK,
        ({"stop": None, "worst_loss_per_unit": None, "qty": qty("0.02")},),
        {"stop": None, "worst_loss_per_unit": None, "qty": qty("0.03")},
        "300 USDT",
        "200 USDT",
        largest=qty("0.02"),
    ),
    Row(
        Rule.TRADE_RISK,
        (),
        {"stop": None, "worst_loss_per_unit": money("20000"), "qty": qty("0.02")},
        "400 USDT",
        "200 USDT",
        largest=qty("0.01"),
    ),
    # Cross: (90 % of 10000 - 1000) / 2000 = 4.
    Row(
        Rule.INITIAL_MARGIN,
        ({"qty": qty("3.99")}, {"qty": qty("4")}),
        {"qty": qty("4.01")},
        "9020 USDT",
        "9000 USDT",
        largest=qty("4"),
    ),
    # Isolated: this position alone, 9000 / 2000 = 4.5.
    Row(
        Rule.INITIAL_MARGIN,
        (
            {**ISOLATED, "qty": qty("4.49")},
            {**ISOLATED, "qty": qty("4.5")},
            {**ISOLATED, "initial_margin": None},
        ),
        {**ISOLATED, "qty": qty("4.51")},
        "9020 USDT",
        "9000 USDT",
        largest=qty("4.5"),
    ),
    # Cross: (50 % of 10000 - 100) / 50 = 98.
    Row(
        Rule.MAINTENANCE_MARGIN,
        ({"qty": qty("97.99")}, {"qty": qty("98")}),
        {"qty": qty("98.01")},
        "5000.5 USDT",
        "5000 USDT",
        largest=qty("98"),
    ),
    # Isolated: 50 % of the 2000 that back one BTC is 1000, at any size.
    Row(
        Rule.MAINTENANCE_MARGIN,
        (
            {**ISOLATED, "maintenance_margin_per_unit": money("999.99")},
            {**ISOLATED, "maintenance_margin_per_unit": money("1000")},
            {**ISOLATED, "maintenance_margin": None, "equity": None},
        ),
        {**ISOLATED, "maintenance_margin_per_unit": money("1000.01")},
        "50.0005 % of the position's margin",
        "50 %",
    ),
    # 9000 / 2000 = 4.5.
    Row(
        Rule.AVAILABLE_MARGIN,
        ({"qty": qty("4.49")}, {"qty": qty("4.5")}),
        {"qty": qty("4.51")},
        "9020 USDT",
        "9000 USDT",
        largest=qty("4.5"),
    ),
    Row(
        Rule.AVAILABLE_MARGIN,
        (),
        {"available": money("-1")},
        "1000 USDT",
        "-1 USDT",
        largest=qty("0"),
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_rule_passes_up_to_its_limit_and_refuses_beyond_it_with_evidence(row: Row) -> None:
    check(row)


def test_every_bound_refuses_an_account_without_equity() -> None:
    broke = BASE.with_(equity=money("0"))
    for rule in (Rule.EXPOSURE, Rule.CONCENTRATION, Rule.TRADE_RISK, Rule.INITIAL_MARGIN):
        assert broke.breach(rule).largest == qty("0")
    assert BASE.with_(equity=money("-1")).breach(Rule.MAINTENANCE_MARGIN).largest == qty("0")


@pytest.mark.parametrize("loss", [None, money("0"), money("-1")])
def test_a_stop_without_a_loss_that_it_limits_is_not_evaluated(loss: object) -> None:
    verdict = BASE.with_(worst_loss_per_unit=loss).verdict(Rule.TRADE_RISK)
    assert verdict == Missing(rule=Rule.TRADE_RISK, what="a worst loss at the stop above zero")


def test_an_isolated_position_that_nothing_backs_is_not_evaluated() -> None:
    case = BASE.with_(**ISOLATED, initial_margin_per_unit=money("0"))
    assert case.verdict(Rule.MAINTENANCE_MARGIN) == Missing(
        rule=Rule.MAINTENANCE_MARGIN, what="an initial margin of the position above zero"
    )


def test_no_size_helps_where_no_risk_tier_allows_the_leverage() -> None:
    case = BASE.with_(leverage=rate("60"), leverage_max=rate("60"))
    spec = attrs.evolve(INSTRUMENT, leverage_max=rate("60"))
    breach = case.with_(instrument=spec).breach(Rule.LEVERAGE)
    assert breach.limit == "0 USDT at 60 x"
    assert breach.largest == qty("0")


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [
        ({"qty": qty("4.51")}, "reduce the quantity to 4.5 BTC or less"),
        ({"exposure_total": money("49900")}, "reduce the quantity to 0.01 BTC or less"),
        ({"exposure_total": money("60000")}, "reduce positions, or cancel entries in flight"),
    ],
)
def test_the_remedy_of_an_exposure_names_a_size_or_what_else_to_do(
    changes: dict[str, object], remedy: str
) -> None:
    assert BASE.with_(**changes).breach(Rule.EXPOSURE).remedy == remedy


def test_an_observed_amount_is_never_rounded_onto_the_limit_that_it_breaks() -> None:
    # 0.5 BTC at a price 1e-12 too high exceeds 5000 by 5e-13: shown as one in the eighth decimal.
    case = BASE.with_(price=price("10000.000000000001"), position_notional_max=money("7000"))
    breach = case.breach(Rule.POSITION_SIZE)
    assert (breach.observed, breach.limit) == ("7000.00000001 USDT", "7000 USDT")
