"""Every bound on size, over random desks: smaller is never worse, and the stated size is the edge.

The oracle of the edge is exact: fractions, which share no arithmetic with the rules.
"""

from decimal import Decimal
from fractions import Fraction

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tidegate.domain.money import EXACT, Money, Price, Qty, Rate
from tidegate.domain.reports import MarginMode
from tidegate.domain.risk.judge import RULES, evaluate
from tidegate.domain.risk.verdict import Breach, Passed, Rule, Verdict

from .cases import INSTRUMENT, LIMITS, PROPOSAL, SNAPSHOT, Case

BOUNDED = (
    Rule.LEVERAGE,
    Rule.POSITION_SIZE,
    Rule.EXPOSURE,
    Rule.CONCENTRATION,
    Rule.TRADE_RISK,
    Rule.INITIAL_MARGIN,
    Rule.MAINTENANCE_MARGIN,
    Rule.AVAILABLE_MARGIN,
)
FUNCTION_OF = dict(zip(Rule, RULES, strict=True))
BEYOND_EVERY_BOUND = 10**12
STEPS = st.integers(min_value=0, max_value=200_000)


def decimals(low: int, high: int, places: int) -> st.SearchStrategy[Decimal]:
    unit = Decimal(1).scaleb(-places)
    scale = 10**places
    return st.integers(low * scale, high * scale).map(lambda n: EXACT.multiply(n, unit))


@st.composite
def desks(draw: st.DrawFn) -> Case:
    """A plan with random prices, margins, limits and holdings, otherwise one that passes."""
    amounts = decimals(0, 20_000, 9)
    step = Qty(draw(st.sampled_from([Decimal(t) for t in ("0.001", "0.01", "0.5")])))
    price = Price(draw(decimals(1, 5_000, 7)))
    held, others = draw(amounts), draw(amounts)
    spec = attrs.evolve(INSTRUMENT, qty_step=step, qty_min=step, qty_max_market=step.times(150_000))
    return Case(
        proposal=attrs.evolve(
            PROPOSAL,
            price=price,
            reference_price=price,
            stop=price - price * Rate.of("0.01"),
            liquidation_price=None,
            worst_loss_per_unit=Money(draw(decimals(1, 900, 8))),
            initial_margin_per_unit=Money(draw(decimals(0, 9_000, 8))),
            maintenance_margin_per_unit=Money(draw(decimals(0, 900, 8))),
            leverage=Rate(Decimal(draw(st.integers(1, 10)))),
        ),
        snapshot=attrs.evolve(
            SNAPSHOT,
            instrument=spec,
            mark=price,
            margin_mode=draw(st.sampled_from(MarginMode)),
            equity=Money(draw(decimals(-10, 50_000, 18))),
            available=Money(draw(decimals(-10, 50_000, 9))),
            initial_margin=Money(draw(amounts)),
            maintenance_margin=Money(draw(decimals(0, 5_000, 9))),
            exposure_symbol=Money(held),
            trade_loss=Money(draw(decimals(0, 20_000, 9))),
            exposure_total=Money(EXACT.add(held, others)),
        ),
        limits=attrs.evolve(
            LIMITS,
            position_notional_max=Money(draw(decimals(0, 90_000, 4))),
            exposure_max=Rate(draw(decimals(1, 10, 3))),
            concentration_max=Rate(draw(decimals(1, 10, 3))),
            risk_per_trade_max=Rate(draw(decimals(0, 1, 4))),
            drawdown_max=Rate.of(10),
        ),
    )


def at(case: Case, qty: Qty) -> Case:
    return case.with_(qty=qty)


def ask(case: Case, rule: Rule, qty: Qty) -> Verdict:
    verdict = FUNCTION_OF[rule](attrs.evolve(case.proposal, qty=qty), case.snapshot, case.limits)
    assert verdict.rule is rule
    return verdict


def step_of(case: Case) -> Qty:
    assert case.snapshot.instrument is not None
    return case.snapshot.instrument.qty_step


@pytest.mark.parametrize("rule", BOUNDED)
@settings(deadline=None, max_examples=15)
@given(case=desks(), one=STEPS, other=STEPS)
def test_a_smaller_size_never_fails_where_a_larger_one_passed(
    rule: Rule, case: Case, one: int, other: int
) -> None:
    step = step_of(case)
    larger = ask(case, rule, step.times(max(one, other)))
    smaller = ask(case, rule, step.times(min(one, other)))
    if isinstance(larger, Passed):
        assert isinstance(smaller, Passed)


@pytest.mark.parametrize("rule", BOUNDED)
@settings(deadline=None, max_examples=15)
@given(case=desks())
def test_the_stated_size_passes_and_one_step_more_fails(rule: Rule, case: Case) -> None:
    step = step_of(case)
    breach = ask(case, rule, step.times(BEYOND_EVERY_BOUND))
    if not isinstance(breach, Breach) or breach.largest is None:
        # An amount of zero per coin is within every bound; an isolated share has no size.
        assert rule in (Rule.INITIAL_MARGIN, Rule.MAINTENANCE_MARGIN, Rule.AVAILABLE_MARGIN)
        return
    assert isinstance(ask(case, rule, breach.largest + step), Breach)
    if breach.largest > step.times(0):
        assert isinstance(ask(case, rule, breach.largest), Passed)


@settings(deadline=None, max_examples=25)
@given(case=desks(), steps=STEPS)
def test_the_stated_exposure_is_the_exact_edge(case: Case, steps: int) -> None:
    step, equity = step_of(case), case.snapshot.equity
    assert equity is not None
    breach = ask(case, Rule.EXPOSURE, step.times(steps))
    cap = Fraction(equity.value) * Fraction(case.limits.exposure_max.value)
    room = cap - Fraction(case.snapshot.exposure_total.value)
    per_step = Fraction(case.proposal.price.value) * Fraction(step.value)
    assert isinstance(breach, Breach) == (steps * per_step > room)
    if isinstance(breach, Breach):
        assert breach.largest == step.times(max(0, int(room // per_step)))


@settings(deadline=None, max_examples=25)
@given(case=desks(), steps=STEPS)
def test_the_largest_size_of_all_passes_every_rule_and_one_step_more_does_not(
    case: Case, steps: int
) -> None:
    step = step_of(case)
    largest = at(case, step.times(steps)).largest
    if largest is None:
        # Only the position's own maintenance share can fail at every size of these desks.
        assert Rule.MAINTENANCE_MARGIN in at(case, step).failing
        assert case.snapshot.margin_mode is MarginMode.ISOLATED
        return
    assert at(case, largest + step).failing != ()
    if largest > step.times(0):
        assert at(case, largest).failing == ()
    else:
        assert at(case, step.times(steps)).failing != ()


@settings(deadline=None, max_examples=25)
@given(case=desks(), one=STEPS, other=STEPS)
def test_the_largest_size_does_not_depend_on_the_size_asked(
    case: Case, one: int, other: int
) -> None:
    step = step_of(case)
    assert at(case, step.times(one)).largest == at(case, step.times(other)).largest


@settings(deadline=None, max_examples=25)
@given(case=desks(), steps=STEPS)
def test_a_plan_passes_exactly_when_no_rule_refuses(case: Case, steps: int) -> None:
    tried = at(case, step_of(case).times(steps))
    assessment = evaluate(tried.proposal, tried.snapshot, tried.limits)
    assert assessment.passes is (assessment.breaches == () and assessment.missing == ())
    assert len(assessment.verdicts) == len(Rule)
