"""Settings under way hold others and entries back, end with a start, and say what they are."""

import attrs
import pytest
from tidegate.domain.account_settings import (
    AccountSetting,
    LeverageSetting,
    clashes,
)
from tidegate.domain.core import events as ev
from tidegate.domain.core.account import state_objection
from tidegate.domain.core.inputs import (
    OpenRequest,
    StartRequest,
)
from tidegate.domain.core.state import State, with_item
from tidegate.domain.core.step import step
from tidegate.domain.mode import TradingState
from tidegate.domain.money import Money, Rate
from tidegate.domain.orders import Symbol
from tidegate.ports.account_desk import SettingApplied
from tidegate.ports.desk import Placed

from tests.application.bench import BTC, signal
from tests.domain.core.scenes import LADDER, config, opened

from .account_words import (
    CROSS,
    EVERY,
    NOW,
    answered,
    ask,
    auto,
    collateral,
    flat,
    in_state,
    intended,
    leverage,
    margin,
    refusal,
    state_of,
)

MANY_HELD = (
    "there is a position or an order of BTCUSDT, ETHUSDT: the margin mode changes on a flat "
    "account without orders alone"
)
HELD_HIGHER = (
    "BTCUSDT has a position, and leverage 3 in use: a higher one brings its liquidation nearer; "
    "ask for a lower one, or close the position first"
)


# Under way


def test_settings_of_one_subject_are_sent_one_after_the_other() -> None:
    state = intended(state_of(opened(ladder=())), margin("5"), "first")
    assert "margin 5 USDT for BTCUSDT is under way" in refusal(state, leverage(2))
    assert "is under way" in refusal(state, CROSS)
    both = intended(state, collateral(on=True), "second")
    assert set(both.books.settings) == {"first", "second"}
    done = answered(both, None, key="first").state
    assert set(done.books.settings) == {"second"}
    intended(done, leverage(2))


def test_no_entry_is_planned_while_the_leverage_of_its_symbol_is_under_way() -> None:
    state = intended(state_of(flat()), leverage(7))
    (event,) = step(state, OpenRequest(signal=signal(), key="t" * 16), config(), NOW).events
    assert isinstance(event, ev.SignalRefused)
    assert event.fault == "leverage 7 of BTCUSDT is under way: wait until it is answered"
    ended = answered(state, None).state
    made = step(ended, OpenRequest(signal=signal(), key="t" * 16), config(), NOW)
    assert isinstance(made.events[0], ev.EntryIntended)


def test_an_answer_to_nothing_changes_nothing() -> None:
    state = state_of(flat())
    made = answered(state, None, key="never asked")
    assert (made.events, made.effects, made.state) == ((), (), state)


def test_a_start_ends_what_the_last_process_left_under_way() -> None:
    bench = flat()
    known = answered(intended(state_of(bench), leverage(7)), None).state
    left = intended(intended(known, leverage(5)), collateral(on=True), "c")
    settings = config()
    start = StartRequest(mode=settings.mode, venue=settings.venue, wallet=Money.of("10000"))
    made = step(left, start, settings, NOW + 9)
    lost = [event for event in made.events if isinstance(event, ev.SettingDeclined)]
    assert [(event.key, event.setting, event.cause, event.time_ms) for event in lost] == [
        ("k", leverage(5), ev.SettingCause.UNKNOWN, NOW + 9),
        ("c", collateral(on=True), ev.SettingCause.UNKNOWN, NOW + 9),
    ]
    lost_text = "the process ended before the answer came: read the account"
    assert {event.message for event in lost} == {lost_text}
    assert made.state.books.settings == {}
    assert BTC not in made.state.books.leverage
    assert made.effects == ()


@pytest.mark.parametrize(
    ("one", "other", "do_clash"),
    [
        (leverage(2), margin("5"), True),
        (leverage(2), auto(on=True), True),
        (leverage(2), collateral(on=True), False),
        (leverage(2), LeverageSetting(symbol=Symbol("ETHUSDT"), leverage=Rate.of(2)), False),
        (CROSS, collateral(on=True), True),
        (CROSS, CROSS, True),
        (collateral(on=True), collateral(on=False), True),
    ],
)
def test_the_margin_mode_clashes_with_all_and_others_with_their_own(
    one: AccountSetting, other: AccountSetting, do_clash: bool
) -> None:
    assert clashes(one, other) is clashes(other, one) is do_clash


def test_each_setting_says_what_it_is() -> None:
    texts = [str(setting) for setting in (*EVERY, auto(on=False), collateral(on=False))]
    assert texts == [
        "leverage 5 of BTCUSDT",
        "margin mode cross",
        "margin 5 USDT for BTCUSDT",
        "automatic margin on for BTCUSDT",
        "collateral BTC on",
        "automatic margin off for BTCUSDT",
        "collateral BTC off",
    ]


def test_an_entry_at_the_leverage_that_was_set_needs_no_other_request() -> None:
    bench = flat()
    assert isinstance(bench.desk.account.set_leverage(BTC, Rate.of(3)), SettingApplied)
    outcome = bench.desk.execute(signal(ladder=LADDER))
    assert isinstance(outcome, Placed)
    assert bench.kinds().count("leverage_set") == 1


def test_a_refusal_says_why_and_what_would_pass() -> None:
    state = state_of(flat())
    held = state_of(opened(ladder=()))
    other = with_item(held.books.positions, Symbol("ETHUSDT"), held.books.positions[BTC])
    both = attrs.evolve(held, books=attrs.evolve(held.books, positions=other))
    blind = attrs.evolve(held, view=attrs.evolve(held.view, account=None))
    panicking = attrs.evolve(state, books=attrs.evolve(state.books, is_panic_running=True))
    unopened = attrs.evolve(state, books=attrs.evolve(state.books, ledger=None))
    told: list[tuple[State, AccountSetting, str]] = [
        (unopened, CROSS, "the desk has not started: no setting is sent before"),
        (panicking, CROSS, "a panic is running: settings wait until it is over"),
        (
            both,
            CROSS,
            MANY_HELD,
        ),
        (
            held,
            leverage(4),
            HELD_HIGHER,
        ),
        (
            held,
            margin("0"),
            "an amount of zero changes nothing: give one above or below zero",
        ),
        (blind, auto(on=True), "the account is not known yet: nothing is sent without"),
    ]
    for where, setting, text in told:
        assert refusal(where, setting) == text
    halted = in_state(held, TradingState.HALTED)
    assert "amount of zero" in refusal(halted, margin("0"))


def test_a_leverage_is_capped_at_the_tier_of_what_is_held() -> None:
    state = state_of(opened(ladder=()))
    spec = state.view.instruments[BTC]
    low, high = spec.tiers[0], spec.tiers[1]
    tiers = (
        attrs.evolve(low, notional_max=Money.of(500)),
        attrs.evolve(high, leverage_max=Rate.of("1.5")),
    )
    known = with_item(state.view.instruments, BTC, attrs.evolve(spec, tiers=tiers))
    tiered = attrs.evolve(state, view=attrs.evolve(state.view, instruments=known))
    (event,) = ask(tiered, leverage(2)).events
    assert isinstance(event, ev.SettingIntended)
    assert event.setting == leverage("1.5")


def test_a_leverage_that_the_venue_showed_is_known_too() -> None:
    bench = flat()
    bench.runner.submit(bench.venue.position(BTC))
    state = in_state(state_of(bench), TradingState.HALTED)
    assert BTC not in state.books.leverage
    assert state.view.positions[BTC].leverage == Rate.of(10)
    intended(state, leverage(10))
    assert state_objection(state, leverage(11)) is not None


def test_the_rungs_of_a_ladder_are_planned_with_no_leverage_of_their_own() -> None:
    bench = opened()
    assert len(state_of(bench).books.open_orders(BTC)) == len(LADDER)
    intended(state_of(bench), leverage(2))
