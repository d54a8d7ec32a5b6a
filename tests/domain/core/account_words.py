"""Short words for the tests of settings of the account."""

import attrs
from tidegate.domain.account_settings import (
    AccountSetting,
    AutoMarginSetting,
    CollateralSetting,
    LeverageSetting,
    MarginModeSetting,
    MarginSetting,
)
from tidegate.domain.core import events as ev
from tidegate.domain.core.effects import ApplySetting
from tidegate.domain.core.inputs import (
    SettingAnswered,
    SettingRequest,
    StateRequest,
)
from tidegate.domain.core.state import State
from tidegate.domain.core.step import Step, step
from tidegate.domain.mode import TradingState
from tidegate.domain.money import Money, Rate
from tidegate.domain.reports import MarginMode

from tests.application.bench import BTC, Bench, make_bench
from tests.domain.core.scenes import config

__all__ = [
    "CROSS",
    "EVERY",
    "NOW",
    "answered",
    "ask",
    "auto",
    "collateral",
    "flat",
    "in_cross",
    "in_state",
    "intended",
    "leverage",
    "margin",
    "refusal",
    "state_of",
]

NOW = 1_700_000_000_500
CROSS = MarginModeSetting(mode=MarginMode.CROSS)


def leverage(value: int | str) -> LeverageSetting:
    return LeverageSetting(symbol=BTC, leverage=Rate.of(value))


def margin(amount: str) -> MarginSetting:
    return MarginSetting(symbol=BTC, amount=Money.of(amount))


def auto(*, on: bool) -> AutoMarginSetting:
    return AutoMarginSetting(symbol=BTC, is_on=on)


def collateral(*, on: bool) -> CollateralSetting:
    return CollateralSetting(coin="BTC", is_on=on)


def flat() -> Bench:
    """A desk without position and orders, at leverage 10, isolated."""
    return make_bench(config=config())


def state_of(bench: Bench) -> State:
    return bench.runner.state


def ask(state: State, setting: AccountSetting, key: str = "k") -> Step:
    return step(state, SettingRequest(setting=setting, key=key), config(), NOW)


def refusal(state: State, setting: AccountSetting) -> str:
    """Return why a setting is refused; nothing else may happen."""
    made = ask(state, setting)
    (event,) = made.events
    assert isinstance(event, ev.SettingDeclined)
    assert (event.cause, event.setting, event.key) == (ev.SettingCause.DESK, setting, "k")
    assert (event.time_ms, made.effects) == (NOW, ())
    assert made.state == state
    return event.message


def intended(state: State, setting: AccountSetting, key: str = "k") -> State:
    """Ask for a setting that must be sent as it is; returns the state with it under way."""
    made = ask(state, setting, key)
    assert made.events == (ev.SettingIntended(key=key, setting=setting, note=None, time_ms=NOW),)
    assert made.effects == (ApplySetting(key=key, setting=setting),)
    assert made.state.books.settings[key] == setting
    return made.state


def answered(
    state: State, cause: ev.SettingCause | None, *, was_already: bool = False, key: str = "k"
) -> Step:
    message = "" if cause is None else "because"
    answer = SettingAnswered(key=key, cause=cause, message=message, was_already=was_already)
    return step(state, answer, config(), NOW + 1)


def in_state(state: State, trading: TradingState) -> State:
    return step(state, StateRequest(state=trading, cause="test"), config(), NOW).state


def in_cross(state: State) -> State:
    assert state.view.account is not None
    account = attrs.evolve(state.view.account, margin_mode=MarginMode.CROSS)
    return attrs.evolve(state, view=attrs.evolve(state.view, account=account))


EVERY = (leverage(5), CROSS, margin("5"), auto(on=True), collateral(on=True))
