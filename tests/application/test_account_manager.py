"""The account of a desk: settings end in a typed outcome, are journaled first and read back."""

import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import attrs
import pytest
from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.adapters.memory.options import Arrival, MemoryOptions, RequestKind
from tidegate.application.account_applying import apply_setting
from tidegate.domain.account_settings import (
    AutoMarginSetting,
    CollateralSetting,
    LeverageSetting,
    MarginModeSetting,
    MarginSetting,
)
from tidegate.domain.core.effects import ApplySetting
from tidegate.domain.core.events import SettingCause
from tidegate.domain.core.inputs import SettingAnswered
from tidegate.domain.mode import TradingMode, TradingState
from tidegate.domain.money import Money, Price, Rate
from tidegate.domain.records import PositionMode
from tidegate.domain.reports import AccountReport, MarginMode, PositionReport, RejectReason
from tidegate.ports.account_desk import (
    SettingApplied,
    SettingNotAnswered,
    SettingOutcome,
    SettingRefused,
    SettingRejected,
    SettingUnknown,
)
from tidegate.ports.desk import Placed
from tidegate.ports.exchange import (
    Capability,
    Done,
    QueryFailed,
    Rejected,
    TimeRange,
    Unknown,
    VenueError,
)

from tests.application.bench import BTC, Bench, make_bench, signal
from tests.domain.core.scenes import config, opened
from tests.domain.samples import BTCUSDT, FEES

from .threaded_bench import GatedVenue, make_runner_bench, running, until

FIVE = Money.of(5)
LEVERAGE = LeverageSetting(symbol=BTC, leverage=Rate.of(7))
MODE = MarginModeSetting(mode=MarginMode.CROSS)
MARGIN = MarginSetting(symbol=BTC, amount=FIVE)
AUTO = AutoMarginSetting(symbol=BTC, is_on=True)
OTHER_COIN = CollateralSetting(coin="BTC", is_on=True)
COLLATERAL = CollateralSetting(coin="USDT", is_on=True)


def desk() -> Bench:
    return make_bench(config=config())


def kinds(bench: Bench, act: Callable[[], object]) -> list[str]:
    """Return what an act wrote into the journal."""
    before = len(bench.kinds())
    act()
    return bench.kinds()[before:]


# What is done


def test_a_leverage_is_journaled_sent_read_back_and_in_the_books() -> None:
    bench = desk()
    outcomes: list[SettingOutcome] = []
    written = kinds(
        bench, lambda: outcomes.append(bench.desk.account.set_leverage(BTC, Rate.of(7)))
    )
    assert outcomes == [SettingApplied(setting=LEVERAGE, was_already=False, note=None)]
    assert written == ["setting_intended", "setting_done", "leverage_set"]
    assert bench.venue.position(BTC).leverage == Rate.of(7)
    assert bench.runner.state.books.leverage[BTC] == Rate.of(7)
    again = bench.desk.account.set_leverage(BTC, Rate.of(7))
    assert again == SettingApplied(setting=LEVERAGE, was_already=True, note=None)


def test_a_capped_leverage_says_so_and_is_what_the_venue_shows() -> None:
    bench = desk()
    outcome = bench.desk.account.set_leverage(BTC, Rate.of(50))
    assert outcome == SettingApplied(
        setting=LeverageSetting(symbol=BTC, leverage=Rate.of(10)),
        was_already=True,
        note="the configured maximum is 10 x",
    )
    assert bench.venue.position(BTC).leverage == Rate.of(10)


def test_a_margin_mode_is_in_the_view_once_it_is_done() -> None:
    bench = desk()
    outcome = bench.desk.account.set_margin_mode(MarginMode.CROSS)
    assert outcome == SettingApplied(setting=MODE, was_already=False, note=None)
    account = bench.runner.state.view.account
    assert account is not None
    assert account.margin_mode is MarginMode.CROSS
    assert isinstance(bench.desk.execute(signal()), Placed)


def test_margin_is_added_and_taken_back_and_shows_in_the_view() -> None:
    bench = opened(ladder=())
    before = bench.runner.state.view.positions[BTC].liquidation_price
    for amount, away in ((FIVE, -1), (-FIVE, 0)):
        outcome = bench.desk.account.add_margin(BTC, amount)
        assert isinstance(outcome, SettingApplied)
        now = bench.runner.state.view.positions[BTC].liquidation_price
        assert before is not None
        assert now is not None
        assert (now - before).sign == away
    assert isinstance(bench.desk.account.add_margin(BTC, -FIVE), SettingRejected)


def test_automatic_margin_and_collateral_are_applied() -> None:
    bench = opened(ladder=())
    account = bench.desk.account
    assert account.set_auto_add_margin(BTC, on=True) == SettingApplied(
        setting=AUTO, was_already=False, note=None
    )
    assert bench.runner.state.view.positions[BTC].auto_add_margin is True
    assert account.set_collateral("USDT", on=True) == SettingApplied(
        setting=COLLATERAL, was_already=True, note=None
    )


# What is not


def test_what_the_desk_refuses_is_journaled_and_never_sent() -> None:
    bench = opened(ladder=())
    bench.desk.set_trading_state(TradingState.HALTED, "test")
    before = bench.venue.position(BTC)
    written = kinds(bench, lambda: bench.desk.account.add_margin(BTC, -FIVE))
    assert written == ["setting_declined"]
    assert attrs.evolve(bench.venue.position(BTC), time_ms=before.time_ms) == before
    outcome = bench.desk.account.set_leverage(BTC, Rate.of(9))
    assert isinstance(outcome, SettingRefused)
    assert "it must be ACTIVE" in outcome.why
    assert isinstance(bench.desk.account.add_margin(BTC, FIVE), SettingApplied)


def test_what_the_venue_refuses_changes_nothing() -> None:
    bench = desk()
    bench.venue.script.reject_next(RejectReason.OTHER, message="not today")
    outcome = bench.desk.account.set_margin_mode(MarginMode.CROSS)
    assert outcome == SettingRejected(setting=MODE, message="not today")
    assert bench.venue.account().margin_mode is MarginMode.ISOLATED
    assert isinstance(bench.desk.execute(signal()), Placed)


@pytest.mark.parametrize("arrival", [Arrival.LOST, Arrival.REACHED])
def test_a_setting_without_an_answer_is_unknown_and_never_sent_again(arrival: Arrival) -> None:
    bench = opened(ladder=())
    bench.venue.script.time_out_next(arrival, request=RequestKind.ACCOUNT)
    free = bench.venue.account().available
    outcome = bench.desk.account.add_margin(BTC, FIVE)
    assert isinstance(outcome, SettingUnknown)
    assert outcome.setting == MARGIN
    bench.pass_time(60_000)
    taken = FIVE if arrival is Arrival.REACHED else Money.of(0)
    assert bench.venue.account().available == free - taken


def test_a_leverage_without_an_answer_is_set_again_before_the_next_entry() -> None:
    bench = desk()
    bench.venue.script.time_out_next(Arrival.REACHED, request=RequestKind.LEVERAGE)
    assert isinstance(bench.desk.account.set_leverage(BTC, Rate.of(7)), SettingUnknown)
    assert BTC not in bench.runner.state.books.leverage
    assert isinstance(bench.desk.execute(signal()), Placed)
    assert bench.venue.position(BTC).leverage == Rate.of(3)


def test_a_venue_that_lacks_a_setting_is_not_asked_for_it() -> None:
    lacks = MemoryOptions().supported - {Capability.MARGIN_MODE}
    venue = MemoryVenue(
        instruments={BTC: BTCUSDT},
        fees=FEES,
        wallet=Money.of("10000"),
        options=MemoryOptions(supported=lacks),
    )
    outcome = make_bench(venue=venue, config=config()).desk.account.set_margin_mode(
        MarginMode.CROSS
    )
    assert isinstance(outcome, SettingRefused)
    assert "does not support setting the margin mode" in outcome.why


def test_a_desk_of_another_mode_sends_no_setting() -> None:
    bench = desk()
    engine = bench.runner.engine
    engine.config = attrs.evolve(engine.config, mode=TradingMode.LIVE)
    outcome = bench.desk.account.set_margin_mode(MarginMode.CROSS)
    assert isinstance(outcome, SettingRefused)
    assert "live" in outcome.why
    assert bench.venue.account().margin_mode is MarginMode.ISOLATED


# Read back: an acknowledgement is not enough


class _Odd(MemoryVenue):
    """A venue that says done, and shows something else or nothing."""

    def __init__(self) -> None:
        super().__init__(instruments={BTC: BTCUSDT}, fees=FEES, wallet=Money.of("10000"))
        self.says: Done | Rejected | Unknown | None = None
        self.breaks_on: str | None = None
        self.change: Callable[[PositionReport], PositionReport] = lambda report: report

    def _done(self, *_: object, **__: object) -> Any:
        if self.breaks_on == "send":
            raise VenueError("broken on its way")
        return Done(time_ms=1)

    set_leverage = set_margin_mode = add_margin = _done
    set_auto_add_margin = set_collateral = _done

    def position(self, symbol: Any) -> PositionReport:
        if self.breaks_on == "read":
            raise QueryFailed("no answer")
        return self.change(super().position(symbol))

    def account(self) -> AccountReport:
        if self.breaks_on == "read":
            raise QueryFailed("no answer")
        return super().account()


def odd() -> _Odd:
    venue = _Odd()
    venue.script.move(BTC, last=Price.of("65000"))
    return venue


def applied(venue: _Odd, setting: Any) -> SettingAnswered:
    """Apply a setting; what was read back comes before the answer."""
    *_, answer = apply_setting(ApplySetting(key="k", setting=setting), venue)
    assert isinstance(answer, SettingAnswered)
    assert answer.key == "k"
    return answer


@pytest.mark.parametrize("setting", [LEVERAGE, MODE, AUTO, OTHER_COIN])
def test_a_setting_that_does_not_show_is_not_done(setting: Any) -> None:
    answer = applied(odd(), setting)
    assert answer.cause is SettingCause.UNKNOWN
    assert f"does not show {setting}" in answer.message


@pytest.mark.parametrize("setting", [LEVERAGE, MODE, AUTO, MARGIN])
def test_a_setting_that_cannot_be_read_back_is_not_done(setting: Any) -> None:
    venue = odd()
    venue.breaks_on = "read"
    answer = applied(venue, setting)
    assert answer.cause is SettingCause.UNKNOWN
    assert "could not be read back: no answer" in answer.message


@pytest.mark.parametrize("setting", [LEVERAGE, MODE, MARGIN, AUTO, COLLATERAL])
def test_a_setting_that_broke_on_its_way_is_unknown(setting: Any) -> None:
    venue = odd()
    venue.breaks_on = "send"
    answer = applied(venue, setting)
    assert (answer.cause, answer.message) == (SettingCause.UNKNOWN, "broken on its way")


def _with_levels(
    held: PositionReport, levels: Iterator[Price | None], _: PositionReport
) -> PositionReport:
    return attrs.evolve(held, liquidation_price=next(levels))


def test_margin_that_moved_nothing_or_the_wrong_way_is_not_done() -> None:
    bench = opened(ladder=())
    level = bench.venue.position(BTC).liquidation_price
    assert level is not None
    held = bench.venue.position(BTC)
    for qty, amount, to, is_done in (
        (held.qty, FIVE, level - BTCUSDT.tick, True),
        (held.qty, FIVE, level, False),
        (held.qty, FIVE, level + BTCUSDT.tick, False),
        (held.qty, -FIVE, level + BTCUSDT.tick, True),
        (-held.qty, FIVE, level + BTCUSDT.tick, True),
        (-held.qty, FIVE, level - BTCUSDT.tick, False),
        (held.qty, FIVE, None, True),
    ):
        levels = iter((level, to))
        venue = odd()
        venue.change = partial(_with_levels, attrs.evolve(held, qty=qty), levels)
        setting = MarginSetting(symbol=BTC, amount=amount)
        assert (applied(venue, setting).cause is None) is is_done


# Threads


class _SlowAccount(GatedVenue):
    """A venue whose account settings wait at the gate."""

    def set_margin_mode(self, mode: MarginMode) -> Done | Rejected | Unknown:
        self.has_entered.set()
        assert self.gate.wait(30), "the test forgot to open the gate"
        return super().set_margin_mode(mode)


def test_a_setting_that_hangs_times_out_holds_entries_back_and_ends_later() -> None:
    bench = make_runner_bench()
    bench.venue.__class__ = _SlowAccount
    with running(bench):
        bench.venue.gate.clear()
        outcome = bench.desk.account.set_margin_mode(MarginMode.CROSS, timeout_ms=50)
        assert outcome == SettingNotAnswered(setting=MODE, waited_ms=50)
        refused = bench.desk.execute(signal())
        assert "margin mode cross is under way" in str(refused)
        bench.venue.gate.set()
        until(lambda: not bench.runner.state.books.settings)
        assert isinstance(bench.desk.execute(signal("s2")), Placed)


def test_a_setting_that_adds_risk_does_not_leave_a_desk_that_was_halted_meanwhile() -> None:
    bench = make_runner_bench()
    raised = ApplySetting(key="k", setting=LEVERAGE)
    taken = ApplySetting(key="k", setting=MarginSetting(symbol=BTC, amount=-FIVE))
    added = ApplySetting(key="k", setting=MARGIN)
    with running(bench):
        known = bench.desk.account.set_leverage(BTC, Rate.of(3))
        assert isinstance(known, SettingApplied)
        assert bench.runner.objection(raised) is None
        bench.desk.set_trading_state(TradingState.HALTED, "operator")
        for effect in (raised, taken):
            assert "the desk is HALTED" in str(bench.runner.objection(effect))
        assert bench.runner.objection(added) is None


def test_settings_from_many_threads_have_one_outcome_each() -> None:
    bench = make_runner_bench()
    outcomes: list[SettingOutcome] = []

    def ask(value: int) -> None:
        outcomes.append(bench.desk.account.set_leverage(BTC, Rate.of(value)))

    with running(bench):
        threads = [threading.Thread(target=ask, args=(value,)) for value in range(1, 9)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        shown = bench.venue.position(BTC).leverage
    done = [outcome for outcome in outcomes if isinstance(outcome, SettingApplied)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, SettingRefused)]
    assert len(done) + len(refused) == len(outcomes) == 8
    assert done
    assert all("is under way" in outcome.why for outcome in refused)
    asked = [outcome.setting for outcome in done]
    assert LeverageSetting(symbol=BTC, leverage=shown) in asked
    assert bench.runner.state.books.leverage[BTC] == shown


# Queries


def test_queries_are_the_venue_s_answers() -> None:
    bench = opened(ladder=())
    account, venue = bench.desk.account, bench.venue
    within = TimeRange(start_ms=0, end_ms=venue.now_ms())
    assert account.value() == venue.account()
    assert account.fee_rates(BTC) == FEES
    assert account.balance("USDT") == venue.balance("USDT")
    assert account.balances() == venue.balances()
    assert account.collateral() == venue.collateral()
    assert account.borrowings(None, within) == venue.borrowings(None, within)
    assert account.risk_tiers(BTC) == BTCUSDT.tiers
    with pytest.raises(QueryFailed):
        account.balance("NOSUCHCOIN")


def test_hedge_mode_is_told_with_its_remedy() -> None:
    bench = desk()
    one_way = bench.desk.account.check_position_mode(BTC)
    assert (one_way.mode, one_way.is_usable, one_way.remedy) == (PositionMode.ONE_WAY, True, None)
    bench.venue.script.set_position_mode(PositionMode.HEDGE)
    hedge = bench.desk.account.check_position_mode(BTC)
    assert (hedge.symbol, hedge.mode, hedge.is_usable) == (BTC, PositionMode.HEDGE, False)
    assert "switch to one-way mode" in str(hedge.remedy)
