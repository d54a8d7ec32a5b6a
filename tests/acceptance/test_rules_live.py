"""Every risk rule refuses through the desk, because of what happened before on the paper venue.

Each case is built twice: just within the limit, where the signal passes, and just beyond it.
"""

import attrs
import pytest
from tidegate.adapters.memory.state import MemoryState
from tidegate.application.clocks import SeededKeys
from tidegate.application.desk import Desk, ModeMismatch
from tidegate.domain.mode import TradingMode, TradingState
from tidegate.domain.money import Money, Qty, Rate
from tidegate.domain.risk.limits import Oversize
from tidegate.domain.risk.verdict import Breach, Rule
from tidegate.domain.signal import ExactQty
from tidegate.ports.desk import Placed, Refused

from tests.application.bench import signal

from .rules_bench import BTC, ETHER, live_desk
from .rules_cases import CASES, ether, sized


def test_every_rule_has_a_live_case() -> None:
    assert set(CASES) == set(Rule)


@pytest.mark.parametrize("rule", CASES, ids=lambda rule: rule.name)
def test_within_the_limit_the_signal_passes(rule: Rule) -> None:
    live, wish = CASES[rule].prepare(False)
    outcome = live.desk.execute(wish)
    assert isinstance(outcome, Placed), outcome


@pytest.mark.parametrize("rule", CASES, ids=lambda rule: rule.name)
def test_beyond_the_limit_the_rule_refuses_with_its_evidence_and_nothing_is_sent(
    rule: Rule,
) -> None:
    case = CASES[rule]
    live, wish = case.prepare(True)
    orders, before = live.venue.open_orders(), live.runner.state.books.sends_today
    outcome = live.desk.execute(wish)
    breach = _breach(outcome, rule)
    assert (breach.observed, breach.limit) == (case.observed, case.limit)
    assert breach.remedy
    assert live.venue.open_orders() == orders
    assert live.runner.state.books.sends_today == before


def _breach(outcome: object, rule: Rule) -> Breach:
    assert isinstance(outcome, Refused), outcome
    assert outcome.fault is None, outcome.fault
    assert outcome.missing == ()
    found = [breach for breach in outcome.breaches if breach.rule is rule]
    assert len(found) == 1, outcome.breaches
    return found[0]


_ABOUT_SIZE = (
    Rule.POSITION_SIZE,
    Rule.EXPOSURE,
    Rule.CONCENTRATION,
    Rule.TRADE_RISK,
    Rule.INITIAL_MARGIN,
    Rule.MAINTENANCE_MARGIN,
    Rule.AVAILABLE_MARGIN,
)


@pytest.mark.parametrize("rule", _ABOUT_SIZE, ids=lambda rule: rule.name)
def test_the_largest_size_that_is_named_passes_and_a_step_more_does_not(rule: Rule) -> None:
    live, wish = CASES[rule].prepare(True)
    outcome = live.desk.execute(wish)
    largest = _breach(outcome, rule).largest
    assert isinstance(outcome, Refused)
    assert largest is not None
    assert largest == outcome.largest
    assert largest > Qty.of(0)
    more = attrs.evolve(wish, signal_id="more", sizing=ExactQty(largest + Qty.of("0.001")))
    assert isinstance(live.desk.execute(more), Refused)
    exactly = attrs.evolve(wish, signal_id="exactly", sizing=ExactQty(largest))
    assert isinstance(live.desk.execute(exactly), Placed)


@pytest.mark.parametrize("rule", _ABOUT_SIZE, ids=lambda rule: rule.name)
def test_where_the_policy_is_to_reduce_the_entry_is_made_smaller_and_says_so(rule: Rule) -> None:
    strict, wish = CASES[rule].prepare(True)
    refused = strict.desk.execute(wish)
    assert isinstance(refused, Refused)
    live, again = CASES[rule].prepare(True)
    engine = live.runner.engine
    limits = attrs.evolve(engine.config.limits, oversize=Oversize.REDUCE)
    engine.config = attrs.evolve(engine.config, limits=limits)
    outcome = live.desk.execute(again)
    assert isinstance(outcome, Placed), outcome
    assert outcome.ticket.qty == refused.largest
    assert isinstance(wish.sizing, ExactQty)
    assert outcome.ticket.reduced_from == wish.sizing.qty


def test_every_rule_that_fails_is_reported_not_only_the_first() -> None:
    live = live_desk(positions_max=1, leverage_max=Rate.of(2), symbols_allowed=frozenset({ETHER}))
    live.must_open(attrs.evolve(ether("held"), leverage=Rate.of(2)))
    live.desk.set_trading_state(TradingState.HALTED, "operator")
    outcome = live.desk.execute(signal())
    assert isinstance(outcome, Refused)
    assert [breach.rule for breach in outcome.breaches] == [
        Rule.TRADING_STATE,
        Rule.SYMBOL_ALLOWED,
        Rule.LEVERAGE,
        Rule.POSITIONS,
    ]


def test_reducing_passes_while_entries_are_refused() -> None:
    live = live_desk()
    live.must_open(signal("held"))
    live.desk.set_trading_state(TradingState.HALTED, "operator")
    assert isinstance(live.desk.execute(signal("more")), Refused)
    live.desk.close_position(BTC)
    assert live.venue.positions() == ()


def test_a_size_below_the_minimum_is_refused_with_the_smallest_that_passes() -> None:
    live = live_desk(notional_viable_min=Money.of("200"))
    outcome = live.desk.execute(sized("small", "0.003"))
    # 200 / 65000.1 = 0.003076..., so four steps of 0.001.
    assert isinstance(outcome, Refused)
    assert outcome.fault is not None
    assert "0.004" in outcome.fault
    live.must_open(sized("smallest", "0.004"))


def test_a_mode_that_does_not_belong_to_the_venue_is_an_error_that_names_both() -> None:
    live = live_desk()
    engine = live.runner.engine
    engine.config = attrs.evolve(engine.config, mode=TradingMode.LIVE)
    with pytest.raises(ModeMismatch, match="'live', set up for a 'paper' venue, on a 'paper'"):
        Desk(runner=live.runner, state_port=MemoryState(), keys=SeededKeys(7))
