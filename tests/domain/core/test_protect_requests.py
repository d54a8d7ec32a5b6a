"""An operator's changes of protection: each leg, what is refused, what the venue does with it."""

from typing import Any

import attrs
import pytest
from tidegate.adapters.memory.options import Arrival, RequestKind
from tidegate.domain.core import events as ev
from tidegate.domain.core.effects import ReadActivity, SetProtection
from tidegate.domain.core.inputs import ActivityRead, ProtectionAnswered, ProtectRequest
from tidegate.domain.core.step import step
from tidegate.domain.mode import TradingState
from tidegate.domain.money import Distance, Price, Qty
from tidegate.domain.orders import ProtectiveLeg, Side, TriggerBy
from tidegate.domain.protection import PartialPair, ProtectionChange
from tidegate.domain.reports import OrderReport, Origin, RejectReason
from tidegate.domain.risk.limits import RiskLimits
from tidegate.domain.risk.verdict import Rule
from tidegate.ports.protection import (
    Protected,
    ProtectOutcome,
    ProtectRefused,
    ProtectRejected,
    ProtectUnresolved,
)

from tests.application.bench import BTC, make_bench

from .protection_scenes import EVEN, managed, policy, shown_stop, shown_trail, trail_from
from .scenes import config, only, opened, trade

LOOSE = RiskLimits(loss_cooldown_ms=0, market_age_ms_max=3_600_000, stop_required=False)


def done(outcome: ProtectOutcome) -> Protected:
    assert isinstance(outcome, Protected), outcome
    return outcome


def rules(outcome: ProtectOutcome) -> set[Rule]:
    assert isinstance(outcome, ProtectRefused), outcome
    return {one.rule for one in outcome.breaches} | {one.rule for one in outcome.missing}


def test_every_leg_is_set_moved_and_cleared_alone() -> None:
    bench = opened()
    protection, venue = bench.desk.protection, bench.venue
    first = venue.position(BTC)
    done(protection.set_take_profit(BTC, Price.of("70000")))
    assert venue.position(BTC).take_profit == Price.of("70000")
    done(protection.set_trailing(BTC, Distance.of("500"), activation=Price.of("66000")))
    done(protection.set_stop(BTC, Price.of("64500")))
    shown = venue.position(BTC)
    assert (shown.stop_loss, shown.take_profit) == (Price.of("64500"), Price.of("70000"))
    assert shown.trailing_distance == Distance.of("500")
    done(protection.set_take_profit(BTC, Price.of("71000")))
    done(protection.clear_trailing(BTC))
    done(protection.clear_take_profit(BTC))
    shown = venue.position(BTC)
    assert (shown.stop_loss, shown.take_profit) == (Price.of("64500"), first.take_profit)
    assert shown.trailing_distance is None
    held = trade(bench)
    assert (held.stop_wanted, held.stop_confirmed) == (Price.of("64500"), Price.of("64500"))
    assert (held.managed.trail, held.managed.take_profit) == (None, None)


@pytest.mark.parametrize("by", TriggerBy)
def test_the_price_that_fires_a_leg_is_passed_on(by: TriggerBy) -> None:
    bench = opened(ladder=())
    done(bench.desk.protection.set_stop(BTC, Price.of("64500"), by=by))
    done(bench.desk.protection.set_take_profit(BTC, Price.of("70000"), by=by))
    legs = {o.origin: o.trigger for o in bench.venue.open_orders() if o.origin is not Origin.USER}
    assert {trigger.by for trigger in legs.values() if trigger is not None} == {by}
    assert len(legs) == 2


def test_an_operators_stop_outlives_what_is_planned_again() -> None:
    bench = opened()
    done(bench.desk.protection.set_stop(BTC, Price.of("64500")))
    bench.venue.script.foreign_order(BTC, side=Side.SELL, qty=Qty.of("0.002"))
    bench.runner.drain()
    assert (trade(bench).stop_wanted, shown_stop(bench)) == (Price.of("64500"),) * 2


def test_what_was_there_already_is_told_after_the_venue_was_asked() -> None:
    bench = opened(ladder=())
    outcome = done(bench.desk.protection.set_stop(BTC, Price.of("64000")))
    assert outcome.was_already
    assert not done(bench.desk.protection.set_stop(BTC, Price.of("64100"))).was_already
    (first, _) = only(bench, ev.ProtectionIntended)
    assert first.was_shown


def test_what_was_shown_before_the_request_proves_nothing_until_it_was_taken() -> None:
    bench = opened(ladder=())
    now_ms, report = bench.venue.now_ms(), bench.venue.position(BTC)
    request = ProtectRequest(
        symbol=BTC, key="r", change=ProtectionChange(stop_loss=Price.of("64000"))
    )
    sent = step(bench.runner.state, request, config(), now_ms)
    assert not of(step(sent.state, report, config(), now_ms))
    answer = ProtectionAnswered(symbol=BTC, key="r", refusal=None, was_already=True)
    taken = step(sent.state, answer, config(), now_ms)
    (confirmed,) = of(step(taken.state, report, config(), now_ms))
    assert confirmed.was_already


@pytest.mark.parametrize(
    ("side", "change", "sent"),
    [
        (
            Side.BUY,
            ProtectionChange(
                stop_loss=Price.of("64500.01"),
                take_profit=Price.of("66000.19"),
                trailing_distance=Distance.of("300.19"),
                trailing_activation=Price.of("65500.01"),
            ),
            ("64500.1", "66000.1", "300.1", "65500.1"),
        ),
        (
            Side.SELL,
            ProtectionChange(
                stop_loss=Price.of("65500.19"),
                take_profit=Price.of("64000.01"),
                trailing_distance=Distance.of("0.01"),
                trailing_activation=Price.of("64500.19"),
            ),
            ("65500.1", "64000.1", "0.1", "64500.1"),
        ),
    ],
)
def test_a_change_is_rounded_to_the_safe_side(
    side: Side, change: ProtectionChange, sent: tuple[str, str, str, str]
) -> None:
    bench = managed(EVEN, side=side)
    outcome = done(bench.desk.protection.change(BTC, change))
    stop, target, distance, activation = sent
    assert outcome.change == ProtectionChange(
        stop_loss=Price.of(stop),
        take_profit=Price.of(target),
        trailing_distance=Distance.of(distance),
        trailing_activation=Price.of(activation),
    )


# Tightening and loosening


def test_a_halted_desk_tightens_and_does_not_loosen() -> None:
    bench = opened(ladder=())
    bench.desk.set_trading_state(TradingState.HALTED, "test")
    protection = bench.desk.protection
    done(protection.set_stop(BTC, Price.of("64500")))
    done(protection.set_trailing(BTC, Distance.of("300")))
    done(protection.set_take_profit(BTC, Price.of("70000")))
    assert rules(protection.set_stop(BTC, Price.of("64400"))) == {Rule.TRADING_STATE}
    assert rules(protection.clear_stop(BTC)) == {Rule.TRADING_STATE, Rule.PROTECTIVE_STOP}
    assert rules(protection.set_trailing(BTC, Distance.of("301"))) == {Rule.TRADING_STATE}
    assert rules(protection.clear_trailing(BTC)) == {Rule.TRADING_STATE}
    assert (shown_stop(bench), shown_trail(bench)) == (Price.of("64500"), Distance.of("300"))
    done(protection.clear_take_profit(BTC))


def test_loosening_is_judged_by_the_risk_per_trade() -> None:
    """10,000 of equity may lose 2 %: 200 USDT, of 0.010 a stop some 20,000 away."""
    bench = opened(ladder=())
    done(bench.desk.protection.set_stop(BTC, Price.of("62000")))
    held = trade(bench)
    assert (held.stop_wanted, held.is_stop_confirmed) == (Price.of("62000"), True)
    refused = bench.desk.protection.set_stop(BTC, Price.of("44900"))
    assert Rule.TRADE_RISK in rules(refused)
    assert isinstance(refused, ProtectRefused)
    (breach,) = [one for one in refused.breaches if one.rule is Rule.TRADE_RISK]
    assert "44900" in breach.observed
    assert breach.limit.startswith("19")
    assert shown_stop(bench) == Price.of("62000")


def test_a_stop_is_taken_away_only_where_none_is_required() -> None:
    bench = opened(ladder=())
    refused = bench.desk.protection.clear_stop(BTC)
    assert rules(refused) == {Rule.PROTECTIVE_STOP}
    free = managed(EVEN, settings=policy(limits=LOOSE))
    done(free.desk.protection.clear_stop(BTC))
    assert shown_stop(free) is None
    assert trade(free).stop_wanted is None
    free.pass_time(60_000)
    assert only(free, ev.StopMissing) == []
    assert shown_stop(free) is None


def test_a_stop_that_would_fire_at_once_is_refused_with_the_remedy() -> None:
    bench = opened(ladder=())
    for price in ("65000", "65100"):
        refused = bench.desk.protection.set_stop(BTC, Price.of(price))
        assert rules(refused) == {Rule.PROTECTIVE_STOP}
        assert isinstance(refused, ProtectRefused)
        assert "close the position" in refused.breaches[0].remedy
    assert rules(bench.desk.protection.set_take_profit(BTC, Price.of("65000"))) == {
        Rule.VENUE_LIMITS
    }
    trailing = bench.desk.protection.set_trailing(
        BTC, Distance.of("300"), activation=Price.of("65000")
    )
    assert rules(trailing) == {Rule.VENUE_LIMITS}
    assert rules(bench.desk.protection.set_trailing(BTC, Distance.of("65000"))) == {
        Rule.VENUE_LIMITS
    }
    assert only(bench, ev.ProtectionIntended) == []


def test_without_a_position_or_while_it_closes_nothing_is_sent() -> None:
    bench = make_bench(config=config())
    refused = bench.desk.protection.set_stop(BTC, Price.of("64000"))
    assert isinstance(refused, ProtectRefused)
    assert refused.fault is not None
    assert "no position in BTCUSDT" in refused.fault
    held = opened(ladder=())
    held.venue.script.reject_next(RejectReason.OTHER, request=RequestKind.PLACE)
    held.desk.close_position(BTC)
    refused = held.desk.protection.set_stop(BTC, Price.of("64500"))
    assert isinstance(refused, ProtectRefused)
    assert refused.fault is not None
    assert "is being closed" in refused.fault


# What becomes of it


def test_the_venues_refusal_reaches_the_caller_and_changes_nothing() -> None:
    bench = opened(ladder=())
    before = bench.runner.state.books.trades
    bench.venue.script.reject_next(RejectReason.TRADING_HALTED, request=RequestKind.POSITION_STOP)
    outcome = bench.desk.protection.set_stop(BTC, Price.of("64500"))
    assert isinstance(outcome, ProtectRejected)
    assert outcome.reason is RejectReason.TRADING_HALTED
    assert bench.runner.state.books.trades == before
    assert bench.runner.state.books.protecting == {}


def test_an_unanswered_request_is_unresolved_until_it_is_seen_or_given_up() -> None:
    bench = opened(ladder=())
    bench.venue.script.time_out_next(Arrival.LATE, request=RequestKind.POSITION_STOP)
    outcome = bench.desk.protection.set_stop(BTC, Price.of("64500"))
    assert isinstance(outcome, ProtectUnresolved)
    assert "no answer" in outcome.cause
    assert trade(bench).stop_wanted == Price.of("64000")
    bench.venue.script.arrive()
    bench.pass_time(1_000)
    assert trade(bench).stop_wanted == Price.of("64500")
    assert only(bench, ev.StopLost) == []


def test_what_the_venue_took_and_does_not_show_is_unresolved_until_it_does() -> None:
    bench = opened(ladder=())
    bench.venue.script.delay_messages()
    bench.venue.script.fail_queries(100)
    outcome = bench.desk.protection.set_stop(BTC, Price.of("64500"))
    assert isinstance(outcome, ProtectUnresolved)
    assert "does not show it yet" in outcome.cause
    bench.venue.script.fail_queries(0)
    bench.venue.script.release()
    bench.runner.drain()
    assert trade(bench).stop_confirmed == Price.of("64500")


def test_a_later_request_takes_the_place_of_one_that_is_open() -> None:
    bench = opened(ladder=())
    bench.venue.script.time_out_next(Arrival.LOST, request=RequestKind.POSITION_STOP)
    bench.desk.protection.set_stop(BTC, Price.of("64500"))
    done(bench.desk.protection.set_stop(BTC, Price.of("64600")))
    (failed,) = only(bench, ev.ProtectionFailed)
    assert "took its place" in failed.message
    assert shown_stop(bench) == Price.of("64600")


def test_a_close_ends_what_is_under_way() -> None:
    bench = opened(ladder=())
    bench.venue.script.time_out_next(Arrival.LOST, request=RequestKind.POSITION_STOP)
    bench.desk.protection.set_stop(BTC, Price.of("64500"))
    bench.desk.close_position(BTC)
    assert bench.runner.state.books.protecting == {}
    (failed,) = only(bench, ev.ProtectionFailed)
    assert failed.message == "the position was closed"


def test_an_answer_to_another_request_settles_nothing() -> None:
    bench = opened(ladder=())
    request = ProtectRequest(
        symbol=BTC, key="r", change=ProtectionChange(stop_loss=Price.of("64500"))
    )
    now_ms = bench.venue.now_ms()
    made = step(bench.runner.state, request, config(), now_ms)
    assert made.effects == (SetProtection(symbol=BTC, key="r", change=request.change),)
    other = ProtectionAnswered(symbol=BTC, key="q", refusal="no")
    assert step(made.state, other, config(), now_ms).events == ()


def test_a_clearing_that_operators_ask_for_is_not_undone_by_the_signals_own() -> None:
    bench = managed(trail_from())
    done(bench.desk.protection.clear_trailing(BTC))
    bench.pass_time(60_000)
    bench.move("65500")
    assert shown_trail(bench) is None


# A part of the position


def pair(**legs: Any) -> PartialPair:
    given = {"stop_loss": ProtectiveLeg(price=Price.of("64500.01")), **legs}
    return PartialPair(qty=Qty.of("0.004"), **given)


def leg_of(intended: SetProtection, **changes: Any) -> OrderReport:
    """Return the venue's own order for the first leg of a pair."""
    wanted = intended.change.pair
    assert wanted is not None
    assert wanted.stop_loss is not None
    (full,) = [o for o in opened(ladder=()).venue.open_orders() if o.origin is Origin.STOP_LOSS]
    assert full.trigger is not None
    report = attrs.evolve(
        full,
        qty=wanted.qty,
        trigger=attrs.evolve(full.trigger, price=wanted.stop_loss.price),
    )
    return attrs.evolve(report, **changes)


def test_a_partial_pair_is_shown_by_its_order_and_leaves_the_stop_of_the_whole() -> None:
    state = opened(ladder=()).runner.state
    now_ms = state.view.positions[BTC].time_ms
    request = ProtectRequest(symbol=BTC, key="r", change=ProtectionChange(pair=pair()))
    sent = step(state, request, config(), now_ms)
    (effect,) = sent.effects
    assert isinstance(effect, SetProtection)
    taken = step(
        sent.state, ProtectionAnswered(symbol=BTC, key="r", refusal=None), config(), now_ms
    )
    assert any(isinstance(asked, ReadActivity) for asked in taken.effects)
    for wrong in ({"qty": Qty.of("0.005")}, {"origin": Origin.TAKE_PROFIT}):
        assert not of(step(taken.state, leg_of(effect, **wrong), config(), now_ms))
    seen = step(taken.state, leg_of(effect), config(), now_ms)
    assert len(of(seen)) == 1
    assert seen.state.books.trades == state.books.trades
    assert not [e for e in seen.events if isinstance(e, ev.StopLost)]
    listed = ActivityRead(positions=(), orders=(leg_of(effect),), unreadable_count=0)
    assert len(of(step(taken.state, listed, config(), now_ms))) == 1


def of(made: Any) -> list[ev.ProtectionConfirmed]:
    return [event for event in made.events if isinstance(event, ev.ProtectionConfirmed)]


def test_a_partial_pair_that_never_shows_failed_once_its_time_is_over() -> None:
    state = opened(ladder=()).runner.state
    now_ms = state.view.positions[BTC].time_ms
    request = ProtectRequest(symbol=BTC, key="r", change=ProtectionChange(pair=pair()))
    sent = step(state, request, config(), now_ms).state
    nothing = ActivityRead(positions=(), orders=(), unreadable_count=0)
    early = step(sent, nothing, config(), now_ms + 4_999)
    assert early.state.books.protecting.keys() == {BTC}
    late = step(sent, nothing, config(), now_ms + 5_000)
    assert late.state.books.protecting == {}


@pytest.mark.parametrize(
    ("asked", "rule"),
    [
        (pair(stop_loss=ProtectiveLeg(price=Price.of("65000"))), Rule.PROTECTIVE_STOP),
        (pair(take_profit=ProtectiveLeg(price=Price.of("64999"))), Rule.VENUE_LIMITS),
        (attrs.evolve(pair(), qty=Qty.of("0.011")), Rule.VENUE_LIMITS),
    ],
)
def test_a_partial_pair_is_judged_too(asked: PartialPair, rule: Rule) -> None:
    bench = opened(ladder=())
    assert rules(bench.desk.protection.add_partial(BTC, asked)) == {rule}


def test_a_partial_quantity_off_the_step_is_refused_and_not_rounded() -> None:
    bench = opened(ladder=())
    odd = attrs.evolve(pair(), qty=Qty.of("0.0045"))
    refused = bench.desk.protection.add_partial(BTC, odd)
    assert isinstance(refused, ProtectRefused)
    assert refused.fault == "partial pair of 0.0045 BTC: a multiple of 0.001 is accepted"
