"""What somebody changes at the venue: an event and a finding each, adopted or reverted."""

from typing import Any

import attrs
import pytest
from tidegate.domain.account_settings import (
    AccountSetting,
    LeverageSetting,
    MarginModeSetting,
    MarginSetting,
)
from tidegate.domain.core import events as ev
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.core.effects import SetLeverage
from tidegate.domain.core.inputs import LeverageAnswered
from tidegate.domain.core.step import Step, step
from tidegate.domain.lifecycle import Status
from tidegate.domain.management import Management
from tidegate.domain.mode import TradingState
from tidegate.domain.money import ZERO_DISTANCE, Distance, Money, Price, Qty, Rate
from tidegate.domain.orders import ClientId, ProtectiveLeg, Role, Side, Symbol
from tidegate.domain.protection import ManualChanges, ProtectionSource
from tidegate.domain.reports import MarginMode, PositionReport
from tidegate.domain.risk.limits import RiskLimits
from tidegate.ports.account_desk import SettingApplied
from tidegate.ports.desk import Placed

from tests.application.bench import BTC, Bench, signal

from .protection_scenes import EVEN, by_hand, managed, policy, shown_stop, shown_trail, trail_from
from .scenes import config, only, trade

ETH = Symbol("ETHUSDT")
PLAIN = Management()
ADOPT = policy(manual_changes=ManualChanges.ADOPT)
REVERT = policy(manual_changes=ManualChanges.REVERT)
ADOPTED, REVERTED = ev.HandDecision.ADOPTED, ev.HandDecision.REVERTED


def findings(bench: Bench) -> tuple[list[str], list[str]]:
    """Return the findings raised and settled about changes by hand."""
    raised = [e.finding_id for e in only(bench, ev.FindingRaised)]
    settled = [e.finding_id for e in only(bench, ev.FindingSettled)]
    return raised, settled


def of_kind(made: Step, kind: type) -> list[Any]:
    return [event for event in made.events if isinstance(event, kind)]


# The stop


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("settings", "is_tighter", "decision"),
    [
        (config(), True, ADOPTED),
        (config(), False, REVERTED),
        (ADOPT, True, ADOPTED),
        (ADOPT, False, ADOPTED),
        (REVERT, True, REVERTED),
        (REVERT, False, REVERTED),
    ],
    ids=["safer-tighter", "safer-looser", "adopt-t", "adopt-l", "revert-t", "revert-l"],
)
def test_a_stop_that_was_moved(
    side: Side, settings: CoreConfig, is_tighter: bool, decision: ev.HandDecision
) -> None:
    bench = managed(PLAIN, side=side, settings=settings)
    ours = Price.of("65000") - Distance.of("1000").times(side.sign)
    moved = Price.of("65000") - Distance.of("500" if is_tighter else "1500").times(side.sign)
    risk = trade(bench).risk
    by_hand(bench, stop_loss=moved)
    bench.pass_time(2_000)
    (event,) = only(bench, ev.StopChangedByHand)
    assert (event.before, event.after, event.decision) == (ours, moved, decision)
    assert (event.trade_key, event.symbol) == (trade(bench).key, BTC)
    kept = moved if decision is ADOPTED else ours
    assert shown_stop(bench) == kept
    held = trade(bench)
    assert (held.stop_wanted, held.stop_confirmed, held.risk) == (kept, kept, risk)
    assert findings(bench) == (["by_hand:stop:BTCUSDT"],) * 2
    (raised,) = only(bench, ev.FindingRaised)
    assert raised.symbol == BTC
    assert not raised.blocks_entries
    assert f"from {event.before} to {event.after}: {decision.value}" in raised.text


@pytest.mark.parametrize("settings", [config(), REVERT, ADOPT])
def test_a_stop_that_was_taken_away_is_set_again(settings: CoreConfig) -> None:
    bench = managed(PLAIN, settings=settings)
    by_hand(bench, stop_loss=Price.of(0))
    bench.pass_time(1_000)
    assert shown_stop(bench) == Price.of("64000")
    (event,) = only(bench, ev.StopChangedByHand)
    assert (event.after, event.decision) == (None, REVERTED)
    assert len(only(bench, ev.StopLost)) == 1
    assert findings(bench) == (["by_hand:stop:BTCUSDT"],) * 2


def test_none_is_adopted_where_the_policy_and_the_limits_both_allow_it() -> None:
    limits = RiskLimits(loss_cooldown_ms=0, market_age_ms_max=3_600_000, stop_required=False)
    settings = policy(manual_changes=ManualChanges.ADOPT, limits=limits)
    bench = managed(PLAIN, settings=settings)
    by_hand(bench, stop_loss=Price.of(0))
    bench.pass_time(60_000)
    assert (shown_stop(bench), trade(bench).stop_wanted) == (None, None)
    assert only(bench, ev.StopMissing) == []


def test_a_looser_stop_that_a_rule_forbids_is_reverted_with_the_reason() -> None:
    bench = managed(PLAIN, settings=ADOPT)
    by_hand(bench, stop_loss=Price.of("44900"))
    (event,) = only(bench, ev.StopChangedByHand)
    assert event.decision is REVERTED
    assert "risk per trade" in event.why
    bench.pass_time(1_000)
    assert shown_stop(bench) == Price.of("64000")


def test_a_halted_desk_reverts_no_tighter_stop_and_adopts_no_looser_one() -> None:
    tighter = managed(PLAIN, settings=REVERT)
    tighter.desk.set_trading_state(TradingState.HALTED, "test")
    by_hand(tighter, stop_loss=Price.of("64500"))
    assert shown_stop(tighter) == Price.of("64500")
    looser = managed(PLAIN, settings=ADOPT)
    looser.desk.set_trading_state(TradingState.HALTED, "test")
    by_hand(looser, stop_loss=Price.of("63500"))
    looser.pass_time(1_000)
    assert shown_stop(looser) == Price.of("64000")


def test_an_adopted_stop_stays_through_plans_and_break_even_still_tightens_it() -> None:
    bench = managed(EVEN)
    by_hand(bench, stop_loss=Price.of("64500"))
    bench.venue.script.foreign_order(BTC, side=Side.SELL, qty=Qty.of("0.001"))
    bench.runner.drain()
    assert trade(bench).stop_wanted == Price.of("64500")
    bench.move("66000")
    assert shown_stop(bench) != Price.of("64500")
    assert trade(bench).managed.is_break_even_set


def test_a_stop_that_fired_and_one_that_an_entry_brought_are_no_changes_by_hand() -> None:
    bench = managed(PLAIN)
    state, report = bench.runner.state, bench.venue.position(BTC)
    gone = attrs.evolve(report, stop_loss=None, mark=Price.of("64000"), time_ms=report.time_ms + 1)
    fired = step(state, gone, config(), report.time_ms + 1)
    assert of_kind(fired, ev.StopLost)
    assert not of_kind(fired, ev.StopChangedByHand)
    more = bench.desk.execute(signal("s2"))
    assert isinstance(more, Placed)
    brought = bench.runner.state.books.finished[more.client_id]
    leg = brought.request.stop_loss
    assert leg is not None
    finished = {
        more.client_id: attrs.evolve(
            brought,
            request=attrs.evolve(
                brought.request, stop_loss=attrs.evolve(leg, price=Price.of(63000))
            ),
        )
    }
    books = attrs.evolve(bench.runner.state.books, finished=finished)
    shown = attrs.evolve(
        bench.venue.position(BTC), stop_loss=Price.of(63000), time_ms=report.time_ms + 2
    )
    made = step(attrs.evolve(bench.runner.state, books=books), shown, config(), shown.time_ms)
    assert of_kind(made, ev.StopLost)
    assert not of_kind(made, ev.StopChangedByHand)


@pytest.mark.parametrize("change", [{"symbol": ETH}, {"side": Side.SELL}], ids=str)
def test_a_stop_at_the_price_of_another_positions_entry_is_somebodys_doing(
    change: dict[str, Any],
) -> None:
    bench = managed(PLAIN)
    state, report = bench.runner.state, bench.venue.position(BTC)
    (entry,) = [o for o in state.books.finished.values() if o.role is Role.ENTRY]
    theirs = attrs.evolve(
        entry,
        request=attrs.evolve(
            entry.request, stop_loss=ProtectiveLeg(price=Price.of(63000)), **change
        ),
        status=Status.NEW,
    )
    books = attrs.evolve(state.books, orders={**state.books.orders, ClientId("theirs"): theirs})
    shown = attrs.evolve(report, stop_loss=Price.of(63000), time_ms=report.time_ms + 1)
    made = step(attrs.evolve(state, books=books), shown, config(), shown.time_ms)
    assert len(of_kind(made, ev.StopChangedByHand)) == 1
    (raised,) = of_kind(made, ev.FindingRaised)
    assert (raised.symbol, raised.blocks_entries) == (BTC, False)


# Take-profit, trailing stop


@pytest.mark.parametrize(
    ("settings", "kept"), [(config(), "70000"), (ADOPT, "70000"), (REVERT, None)]
)
def test_a_take_profit_that_was_set_by_hand(settings: CoreConfig, kept: str | None) -> None:
    bench = managed(PLAIN, settings=settings)
    by_hand(bench, take_profit=Price.of("70000"))
    (event,) = only(bench, ev.TargetChangedByHand)
    assert (event.before, event.after) == (None, Price.of("70000"))
    wanted = None if kept is None else Price.of(kept)
    assert bench.venue.position(BTC).take_profit == wanted
    assert trade(bench).managed.take_profit == wanted
    assert findings(bench) == (["by_hand:take-profit:BTCUSDT"],) * 2


def test_a_take_profit_that_was_taken_away_is_restored_where_changes_are_reverted() -> None:
    bench = managed(PLAIN, settings=REVERT)
    bench.desk.protection.set_take_profit(BTC, Price.of("70000"))
    by_hand(bench, take_profit=Price.of(0))
    bench.pass_time(1_000)
    assert bench.venue.position(BTC).take_profit == Price.of("70000")
    (_, restored) = only(bench, ev.ProtectionIntended)
    assert restored.source is ProtectionSource.REVERT
    assert restored.key == f"revert {trade(bench).key} {restored.time_ms}"


@pytest.mark.parametrize(
    ("settings", "shown", "kept"),
    [
        (config(), "200", "200"),
        (config(), "400", "300"),
        (config(), "0", "300"),
        (ADOPT, "400", "400"),
        (ADOPT, "0", None),
        (REVERT, "200", "300"),
    ],
)
def test_a_trailing_stop_that_was_changed_by_hand(
    settings: CoreConfig, shown: str, kept: str | None
) -> None:
    bench = managed(trail_from(), settings=settings)
    by_hand(bench, trailing_distance=Distance.of(shown))
    bench.pass_time(1_000)
    wanted = None if kept is None else Distance.of(kept)
    assert shown_trail(bench) == wanted
    (event,) = only(bench, ev.TrailingChangedByHand)
    assert event.before == Distance.of("300")
    trail = trade(bench).managed.trail
    assert (None if trail is None else trail.distance) == wanted
    assert findings(bench) == (["by_hand:trailing stop:BTCUSDT"],) * 2
    assert shown_stop(bench) == Price.of("64000")


@pytest.mark.parametrize(("settings", "kept"), [(config(), "250"), (REVERT, None)])
def test_a_trailing_stop_that_nobody_asked_for(settings: CoreConfig, kept: str | None) -> None:
    bench = managed(PLAIN, settings=settings)
    by_hand(bench, trailing_distance=Distance.of("250"))
    bench.pass_time(1_000)
    assert shown_trail(bench) == (None if kept is None else Distance.of(kept))


# Leverage


@pytest.mark.parametrize(
    ("settings", "leverage", "kept", "why"),
    [
        (config(), "2", "2", "it is lower"),
        (config(), "5", "3", "it is higher"),
        (config(), "11", "3", "it is higher"),
        (ADOPT, "5", "5", "at most 10 is allowed"),
        (ADOPT, "10", "10", "at most 10 is allowed"),
        (ADOPT, "11", "3", "it is above the cap of 10"),
        (REVERT, "2", "3", "manual_changes is revert"),
    ],
)
def test_a_leverage_that_was_changed(
    settings: CoreConfig, leverage: str, kept: str, why: str
) -> None:
    bench = managed(PLAIN, settings=settings)
    bench.venue.set_leverage(BTC, Rate.of(leverage))
    bench.runner.drain()
    (event,) = only(bench, ev.LeverageChangedByHand)
    assert (event.before, event.after, event.why) == (Rate.of(3), Rate.of(leverage), why)
    assert bench.venue.position(BTC).leverage == Rate.of(kept)
    assert findings(bench) == (["by_hand:leverage:BTCUSDT"],) * 2
    more = bench.desk.execute(signal("s2", leverage=kept))
    assert isinstance(more, Placed)


def test_a_halted_desk_adopts_no_higher_leverage() -> None:
    bench = managed(PLAIN, settings=ADOPT)
    bench.desk.set_trading_state(TradingState.HALTED, "test")
    bench.venue.set_leverage(BTC, Rate.of(10))
    bench.runner.drain()
    (event,) = only(bench, ev.LeverageChangedByHand)
    assert (event.decision, event.why) == (REVERTED, "it is higher")
    assert bench.venue.position(BTC).leverage == Rate.of(3)


def test_a_leverage_that_the_venue_does_not_take_back_is_asked_for_again_and_told_once() -> None:
    bench = managed(PLAIN)
    state, report = bench.runner.state, bench.venue.position(BTC)
    raised = attrs.evolve(report, leverage=Rate.of(5), time_ms=report.time_ms + 1)
    first = step(state, raised, config(), report.time_ms)
    assert SetLeverage(symbol=BTC, leverage=Rate.of(3)) in first.effects
    refused = LeverageAnswered(symbol=BTC, leverage=Rate.of(3), refusal="no")
    after = step(first.state, refused, config(), report.time_ms)
    at_once = step(after.state, raised, config(), report.time_ms + 999)
    assert not of_kind(at_once, ev.LeverageRevertIntended)
    later = step(at_once.state, raised, config(), report.time_ms + 1_000)
    assert of_kind(later, ev.LeverageRevertIntended)
    assert not of_kind(later, ev.LeverageChangedByHand)


def test_a_leverage_that_an_operator_sets_is_no_change_by_hand() -> None:
    bench = managed(PLAIN)
    outcome = bench.desk.account.set_leverage(BTC, Rate.of(2))
    assert isinstance(outcome, SettingApplied), outcome
    bench.pass_time(5_000)
    assert bench.venue.position(BTC).leverage == Rate.of(2)
    assert only(bench, ev.LeverageChangedByHand) == []
    bench.venue.set_leverage(BTC, Rate.of(3))
    bench.runner.drain()
    assert bench.venue.position(BTC).leverage == Rate.of(2)


def test_while_an_operator_sets_it_what_is_shown_is_nobodys_doing() -> None:
    bench = managed(PLAIN)
    setting = LeverageSetting(symbol=BTC, leverage=Rate.of(2))
    report = bench.venue.position(BTC)
    shown = attrs.evolve(report, leverage=Rate.of(2), time_ms=report.time_ms + 1)
    books = attrs.evolve(bench.runner.state.books, settings={"k": setting})
    made = step(attrs.evolve(bench.runner.state, books=books), shown, config(), shown.time_ms)
    assert not of_kind(made, ev.LeverageChangedByHand)


@pytest.mark.parametrize(
    "setting",
    [
        LeverageSetting(symbol=ETH, leverage=Rate.of(2)),
        MarginSetting(symbol=BTC, amount=Money.of(5)),
        MarginModeSetting(mode=MarginMode.ISOLATED),
    ],
    ids=str,
)
def test_while_another_setting_is_under_way_a_leverage_is_somebodys_doing(
    setting: AccountSetting,
) -> None:
    bench = managed(PLAIN)
    report = bench.venue.position(BTC)
    shown = attrs.evolve(report, leverage=Rate.of(2), time_ms=report.time_ms + 1)
    books = attrs.evolve(bench.runner.state.books, settings={"k": setting})
    made = step(attrs.evolve(bench.runner.state, books=books), shown, config(), shown.time_ms)
    assert len(of_kind(made, ev.LeverageChangedByHand)) == 1


# Quantity


def test_an_addition_by_hand_is_adopted_and_protected_whole() -> None:
    bench = managed(PLAIN)
    bench.venue.script.foreign_order(BTC, side=Side.BUY, qty=Qty.of("0.005"))
    bench.runner.drain()
    (event,) = only(bench, ev.PositionChangedByHand)
    assert (event.before, event.after) == (Qty.of("0.010"), Qty.of("0.015"))
    assert findings(bench) == (["by_hand:quantity:BTCUSDT"],) * 2
    assert trade(bench).risk == Money.of(15)
    targets = [order.request.qty for order in bench.runner.state.books.orders.values()]
    assert sum(targets, start=Qty.of(0)) == Qty.of("0.015")


def test_what_closes_the_whole_position_is_its_end_and_no_change() -> None:
    bench = managed(PLAIN)
    bench.venue.script.close_by_hand(BTC)
    bench.runner.drain()
    assert only(bench, ev.PositionChangedByHand) == []
    assert len(only(bench, ev.TradeClosed)) == 1


def flat(report: PositionReport) -> PositionReport:
    return attrs.evolve(report, qty=Qty.of(0), leverage=Rate.of(9), trailing_distance=ZERO_DISTANCE)


def test_a_flat_report_tells_of_no_change() -> None:
    bench = managed(PLAIN)
    report = bench.venue.position(BTC)
    made = step(bench.runner.state, flat(report), config(), report.time_ms)
    assert not of_kind(made, ev.LeverageChangedByHand)
    assert not of_kind(made, ev.TrailingChangedByHand)
