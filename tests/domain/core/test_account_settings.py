"""What the core decides about each setting of the account: limits, positions, trading state."""

import attrs
import pytest
from tidegate.domain.account_settings import (
    AccountSetting,
    LeverageSetting,
    MarginSetting,
)
from tidegate.domain.core import events as ev
from tidegate.domain.core.account import state_objection
from tidegate.domain.core.effects import ApplySetting
from tidegate.domain.core.inputs import (
    OpenRequest,
)
from tidegate.domain.core.state import State, frozen, with_item
from tidegate.domain.core.step import step
from tidegate.domain.mode import TradingState
from tidegate.domain.money import Money, Rate
from tidegate.domain.orders import Symbol

from tests.application.bench import BTC, signal
from tests.domain.core.scenes import config, limit, opened, placed

from .account_words import (
    CROSS,
    EVERY,
    NOW,
    answered,
    ask,
    auto,
    collateral,
    flat,
    in_cross,
    in_state,
    intended,
    leverage,
    margin,
    refusal,
    state_of,
)

# Leverage


def test_a_leverage_within_every_limit_is_recorded_before_it_is_sent() -> None:
    intended(state_of(flat()), leverage(7))


@pytest.mark.parametrize(
    ("asked", "granted", "why"),
    [("50", "10", "the configured maximum is 10 x"), ("7.005", "7", "leverage step is 0.01 x")],
)
def test_a_leverage_beyond_a_limit_is_capped_and_says_why(
    asked: str, granted: str, why: str
) -> None:
    made = ask(state_of(flat()), leverage(asked))
    (event,) = made.events
    assert isinstance(event, ev.SettingIntended)
    assert event.note is not None
    assert why in event.note
    assert event.setting == leverage(granted)
    assert made.effects == (ApplySetting(key="k", setting=leverage(granted)),)


def test_a_leverage_that_no_limit_lets_pass_is_refused_with_the_limit() -> None:
    assert "below the venue's minimum of 1 x" in refusal(state_of(flat()), leverage("0.5"))


def test_a_leverage_of_a_symbol_that_is_not_known_is_refused() -> None:
    other = LeverageSetting(symbol=Symbol("NOSUCHUSDT"), leverage=Rate.of(2))
    assert "specification of NOSUCHUSDT is not known" in refusal(state_of(flat()), other)


def test_an_entry_keeps_the_leverage_that_it_was_planned_with() -> None:
    bench = flat()
    placed(bench, entry=limit("64500"))
    assert "was planned with leverage 3" in refusal(state_of(bench), leverage(2))
    intended(state_of(bench), leverage(3))


def test_a_position_s_leverage_is_lowered_and_never_raised() -> None:
    state = state_of(opened(ladder=()))
    assert "leverage 3 in use" in refusal(state, leverage(4))
    intended(state, leverage(3))
    intended(state, leverage(2))


def test_where_a_position_s_leverage_is_not_known_none_passes() -> None:
    state = state_of(opened(ladder=()))
    blind = attrs.evolve(
        state,
        books=attrs.evolve(state.books, leverage=frozen({})),
        view=attrs.evolve(state.view, positions=frozen({})),
    )
    assert "not known in use" in refusal(blind, leverage(1))


def test_what_the_venue_confirmed_comes_before_what_it_showed() -> None:
    state = in_state(state_of(opened(ladder=())), TradingState.HALTED)
    assert state.view.positions[BTC].leverage == Rate.of(3)
    books = attrs.evolve(state.books, leverage=with_item(state.books.leverage, BTC, Rate.of(2)))
    assert state_objection(attrs.evolve(state, books=books), leverage(3)) is not None
    assert state_objection(state, leverage(3)) is None


def test_a_confirmed_leverage_is_in_the_books_and_lets_its_entries_go() -> None:
    made = answered(intended(state_of(flat()), leverage(7)), None, was_already=True)
    assert made.events == (
        ev.SettingDone(key="k", setting=leverage(7), was_already=True, time_ms=NOW + 1),
        ev.LeverageSet(symbol=BTC, leverage=Rate.of(7)),
    )
    assert made.state.books.leverage[BTC] == Rate.of(7)
    assert made.state.books.settings == {}


@pytest.mark.parametrize(
    ("cause", "is_known"),
    [
        (ev.SettingCause.VENUE, True),
        (ev.SettingCause.NOT_SENT, True),
        (ev.SettingCause.UNKNOWN, False),
    ],
)
def test_a_leverage_that_is_not_confirmed_is_known_only_where_nothing_was_set(
    cause: ev.SettingCause, is_known: bool
) -> None:
    known = answered(intended(state_of(flat()), leverage(7)), None).state
    made = answered(intended(known, leverage(5)), cause)
    assert made.events == (
        ev.SettingDeclined(
            key="k", setting=leverage(5), cause=cause, message="because", time_ms=NOW + 1
        ),
    )
    assert made.state.books.leverage.get(BTC) == (Rate.of(7) if is_known else None)
    assert made.state.books.settings == {}


def test_margin_whose_outcome_is_not_known_leaves_the_leverage_known() -> None:
    state = state_of(opened(ladder=()))
    made = answered(intended(state, margin("5")), ev.SettingCause.UNKNOWN)
    assert made.state.books.leverage == state.books.leverage
    assert made.state.view == state.view


# Margin mode


def test_the_margin_mode_changes_on_a_flat_account_alone() -> None:
    state = state_of(flat())
    intended(state, CROSS)
    bench = flat()
    placed(bench, entry=limit("64500"))
    assert "position or an order of BTCUSDT" in refusal(state_of(bench), CROSS)
    assert "position or an order of BTCUSDT" in refusal(state_of(opened(ladder=())), CROSS)


def test_while_the_margin_mode_is_under_way_nothing_else_and_no_entry_is_sent() -> None:
    state = intended(state_of(flat()), CROSS)
    for setting in EVERY:
        assert "margin mode cross is under way" in refusal(state, setting)
    made = step(state, OpenRequest(signal=signal(), key="t" * 16), config(), NOW)
    (event,) = made.events
    assert isinstance(event, ev.SignalRefused)
    assert event.fault is not None
    assert "margin mode cross is under way" in event.fault


def test_a_margin_mode_that_is_not_known_stops_entries_until_the_account_is_read() -> None:
    unsure = answered(intended(state_of(flat()), CROSS), ev.SettingCause.UNKNOWN).state
    assert unsure.view.account is None
    refused = answered(intended(state_of(flat()), CROSS), ev.SettingCause.VENUE).state
    assert refused.view.account is not None
    made = step(unsure, OpenRequest(signal=signal(), key="t" * 16), config(), NOW)
    (event,) = made.events
    assert isinstance(event, ev.SignalRefused)


# Margin of a position


def test_margin_is_added_to_a_position_of_ours_up_to_what_is_available() -> None:
    state = state_of(opened(ladder=()))
    assert state.view.account is not None
    free = state.view.account.available
    intended(state, MarginSetting(symbol=BTC, amount=free))
    more = MarginSetting(symbol=BTC, amount=free + Money.of("0.0001"))
    assert f"{free} is available" in refusal(state, more)
    intended(state, margin("-5"))
    assert "amount of zero" in refusal(state, margin("0"))


def test_margin_needs_a_position_isolated_mode_and_a_known_account() -> None:
    state = state_of(opened(ladder=()))
    assert "no position of BTCUSDT" in refusal(state_of(flat()), margin("5"))
    blind = attrs.evolve(state, view=attrs.evolve(state.view, account=None))
    for setting in (margin("5"), auto(on=True)):
        assert "margin mode is cross" in refusal(in_cross(state), setting)
        assert "account is not known" in refusal(blind, setting)


# State


@pytest.mark.parametrize("trading", [TradingState.REDUCING, TradingState.HALTED])
def test_what_adds_risk_needs_an_active_desk_and_what_secures_does_not(
    trading: TradingState,
) -> None:
    held = in_state(state_of(opened(ladder=())), trading)
    unheld = in_state(state_of(flat()), trading)
    unshown = attrs.evolve(unheld, view=attrs.evolve(unheld.view, positions=frozen({})))
    adding: list[tuple[State, AccountSetting]] = [
        (held, margin("-5")),
        (held, auto(on=False)),
        (held, collateral(on=False)),
        (held, leverage(4)),
        (unshown, leverage(1)),
    ]
    for state, setting in adding:
        assert f"the desk is {trading.name}: it must be ACTIVE" in refusal(state, setting)
    securing: list[tuple[State, AccountSetting]] = [
        (held, margin("5")),
        (held, auto(on=True)),
        (held, collateral(on=True)),
        (held, leverage(3)),
        (held, leverage(2)),
        (unheld, CROSS),
    ]
    for state, setting in securing:
        intended(state, setting)


def test_every_setting_passes_on_an_active_desk() -> None:
    held = state_of(opened(ladder=()))
    for setting in (auto(on=False), auto(on=True), collateral(on=False), collateral(on=True)):
        intended(held, setting)


def test_no_setting_is_sent_during_a_panic_or_before_the_start() -> None:
    state = state_of(flat())
    panicking = attrs.evolve(state, books=attrs.evolve(state.books, is_panic_running=True))
    unopened = attrs.evolve(state, books=attrs.evolve(state.books, ledger=None))
    for setting in (leverage(5), CROSS, collateral(on=True)):
        assert "a panic is running" in refusal(panicking, setting)
        assert "has not started" in refusal(unopened, setting)
