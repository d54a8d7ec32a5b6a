"""Applying a setting of the account at the exchange port, and reading back that it shows."""

from collections.abc import Callable
from typing import assert_never

from tidegate.domain.account_settings import (
    AccountSetting,
    AutoMarginSetting,
    CollateralSetting,
    LeverageSetting,
    MarginModeSetting,
    MarginSetting,
)
from tidegate.domain.core import inputs as given
from tidegate.domain.core.effects import ApplySetting
from tidegate.domain.core.events_account import SettingCause
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import AccountReport, PositionReport
from tidegate.ports.exchange import (
    Done,
    ExchangePort,
    NotSupported,
    Rejected,
    Unknown,
    VenueError,
)

__all__ = ["apply_setting"]

_Shown = tuple[tuple[PositionReport | AccountReport, ...], bool]


def apply_setting(effect: ApplySetting, port: ExchangePort) -> tuple[given.Input, ...]:
    """Send a setting, and say how it ended; done is what the venue then shows.

    What was read back comes first, so that the view is fresh once the answer is known.
    """
    before = _before(effect.setting, port)
    try:
        outcome = _send(effect.setting, port)
    except NotSupported as error:
        return (_answer(effect, SettingCause.NOT_SENT, str(error)),)
    except VenueError as error:
        return (_answer(effect, SettingCause.UNKNOWN, str(error)),)
    match outcome:
        case Rejected():
            return (_answer(effect, SettingCause.VENUE, outcome.message),)
        case Unknown():
            return (_answer(effect, SettingCause.UNKNOWN, outcome.cause),)
        case Done():
            return _read_back(effect, outcome, before, port)
        case _:
            assert_never(outcome)


def _answer(
    effect: ApplySetting,
    cause: SettingCause | None,
    message: str = "",
    *,
    was_already: bool = False,
) -> given.SettingAnswered:
    return given.SettingAnswered(
        key=effect.key, cause=cause, message=message, was_already=was_already
    )


def _send(setting: AccountSetting, port: ExchangePort) -> Done | Rejected | Unknown:
    match setting:
        case LeverageSetting():
            return port.set_leverage(setting.symbol, setting.leverage)
        case MarginModeSetting():
            return port.set_margin_mode(setting.mode)
        case MarginSetting():
            return port.add_margin(setting.symbol, setting.amount)
        case AutoMarginSetting():
            return port.set_auto_add_margin(setting.symbol, on=setting.is_on)
        case CollateralSetting():
            return port.set_collateral(setting.coin, on=setting.is_on)
        case _:
            assert_never(setting)


def _before(setting: AccountSetting, port: ExchangePort) -> PositionReport | None:
    """Return the position before margin is moved: afterwards only the difference shows it."""
    if not isinstance(setting, MarginSetting):
        return None
    try:
        return port.position(setting.symbol)
    except VenueError:
        return None


def _read_back(
    effect: ApplySetting, done: Done, before: PositionReport | None, port: ExchangePort
) -> tuple[given.Input, ...]:
    try:
        reports, is_shown = _look(effect.setting, before, port)
    except VenueError as error:
        cause = f"taken by the venue, and could not be read back: {error}"
        return (_answer(effect, SettingCause.UNKNOWN, cause),)
    if is_shown:
        return (*reports, _answer(effect, None, was_already=done.was_already))
    cause = f"taken by the venue, which does not show {effect.setting}"
    return (*reports, _answer(effect, SettingCause.UNKNOWN, cause))


def _look(setting: AccountSetting, before: PositionReport | None, port: ExchangePort) -> _Shown:
    """Return what the venue shows now, and whether that is the setting."""
    match setting:
        case LeverageSetting():
            return _position(port, setting.symbol, lambda now: now.leverage == setting.leverage)
        case MarginModeSetting():
            account = port.account()
            return (account,), account.margin_mode is setting.mode
        case MarginSetting():
            return _position(port, setting.symbol, lambda now: _has_moved(setting, before, now))
        case AutoMarginSetting():
            return _position(port, setting.symbol, lambda now: now.auto_add_margin is setting.is_on)
        case CollateralSetting():
            rows = port.collateral()
            return (), any(row.coin == setting.coin and row.is_on is setting.is_on for row in rows)
        case _:
            assert_never(setting)


def _position(
    port: ExchangePort, symbol: Symbol, is_shown: Callable[[PositionReport], bool]
) -> _Shown:
    report = port.position(symbol)
    return (report,), is_shown(report)


def _has_moved(setting: MarginSetting, before: PositionReport | None, now: PositionReport) -> bool:
    """Tell whether the liquidation price moved as the margin says: away for more, nearer for less.

    Where there was none to compare with, or there is none any more, the venue's word counts.
    """
    if before is None or before.liquidation_price is None or now.liquidation_price is None:
        return True
    moved = (now.liquidation_price - before.liquidation_price).sign
    return moved == -setting.amount.sign * now.qty.sign
