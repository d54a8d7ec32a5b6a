"""Settings of the account: what may be asked for when, and what became of it.

A setting that adds risk is refused unless the desk is ACTIVE. One that secures a position (a lower
leverage, more margin) passes in every state: a halt must never trap a position. While the margin
mode or a symbol's leverage is under way no entry is planned that depends on it.
"""

from typing import assert_never

import attrs
from tidegate.domain.account_settings import (
    AccountSetting,
    AutoMarginSetting,
    CollateralSetting,
    LeverageSetting,
    MarginModeSetting,
    MarginSetting,
    clashes,
)
from tidegate.domain.mode import TradingState
from tidegate.domain.money import Rate
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import MarginMode
from tidegate.domain.risk.queries import LeverageCapped, LeverageDenied, check_leverage

from . import exposure
from .draft import Draft
from .events import SettingCause, SettingDeclined, SettingDone, SettingIntended
from .inputs import LeverageAnswered, SettingAnswered, SettingRequest
from .leverage import leverage_answered
from .state import Books, State

__all__ = [
    "lose_settings",
    "setting_answered",
    "setting_asked",
    "setting_under_way",
    "state_objection",
]


def setting_asked(draft: Draft, request: SettingRequest) -> None:
    """Record the intent, with a leverage that is capped, or the refusal."""
    setting, note = request.setting, None
    if isinstance(setting, LeverageSetting):
        capped = _capped(draft, setting)
        if isinstance(capped, str):
            _decline(draft, request, capped)
            return
        setting, note = capped
    objection = _objection(draft, setting)
    if objection is not None:
        _decline(draft, request, objection)
        return
    draft.emit(SettingIntended(key=request.key, setting=setting, note=note, time_ms=draft.now_ms))


def _decline(draft: Draft, request: SettingRequest, why: str) -> None:
    draft.emit(
        SettingDeclined(
            key=request.key,
            setting=request.setting,
            cause=SettingCause.DESK,
            message=why,
            time_ms=draft.now_ms,
        )
    )


def _capped(draft: Draft, setting: LeverageSetting) -> tuple[LeverageSetting, str | None] | str:
    """Return the leverage that may be set and why it is another, or why none may be."""
    instrument = draft.instrument(setting.symbol)
    if instrument is None:
        return f"the specification of {setting.symbol} is not known: nothing is sent without"
    held = exposure.of_symbol(draft.books, draft.view, setting.symbol)
    decision = check_leverage(setting.leverage, instrument, draft.config.limits, held)
    match decision:
        case LeverageDenied():
            return f"leverage {setting.leverage} of {setting.symbol}: {decision.reason}"
        case LeverageCapped():
            return attrs.evolve(setting, leverage=decision.leverage), decision.reason
        case _:
            return setting, None


def _objection(draft: Draft, setting: AccountSetting) -> str | None:
    """Return why a setting is refused now, ``None`` when it may be sent."""
    if draft.books.ledger is None:
        return "the desk has not started: no setting is sent before"
    if draft.books.is_panic_running:
        return "a panic is running: settings wait until it is over"
    other = setting_under_way(draft.books, setting)
    if other is not None:
        return f"{other} is under way: wait until it is answered"
    return state_objection(draft.state, setting) or _particular(draft, setting)


def setting_under_way(books: Books, setting: AccountSetting) -> AccountSetting | None:
    """Return a setting that is sent and not answered, and must not be joined by ``setting``."""
    return next((other for other in books.settings.values() if clashes(other, setting)), None)


def state_objection(state: State, setting: AccountSetting) -> str | None:
    """Return why the trading state forbids a setting, asked again just before it is sent."""
    trading = state.books.effective_state
    if trading is TradingState.ACTIVE or not _adds_risk(state, setting):
        return None
    return f"{setting} adds risk, and the desk is {trading.name}: it must be ACTIVE"


def _adds_risk(state: State, setting: AccountSetting) -> bool:
    """Tell whether a setting brings a position nearer to its liquidation, or frees margin."""
    match setting:
        case LeverageSetting():
            now = _leverage(state, setting.symbol)
            return now is None or setting.leverage > now
        case MarginSetting():
            return setting.amount.sign < 0
        case AutoMarginSetting() | CollateralSetting():
            return not setting.is_on
        case MarginModeSetting():
            # Only a flat account changes it: there is nothing that it could endanger.
            return False
        case _:
            assert_never(setting)


def _leverage(state: State, symbol: Symbol) -> Rate | None:
    """Return the leverage in use, as the venue confirmed or showed it; ``None``: not known."""
    report = state.view.positions.get(symbol)
    shown = None if report is None else report.leverage
    return state.books.leverage.get(symbol, shown)


def _particular(draft: Draft, setting: AccountSetting) -> str | None:
    match setting:
        case LeverageSetting():
            return _leverage_objection(draft, setting)
        case MarginModeSetting():
            return _margin_mode_objection(draft)
        case MarginSetting():
            return _margin_objection(draft, setting)
        case AutoMarginSetting():
            return _isolated_objection(draft)
        case CollateralSetting():
            return None
        case _:
            assert_never(setting)


def _leverage_objection(draft: Draft, setting: LeverageSetting) -> str | None:
    """Keep entries on the way and open positions at the leverage that they were planned with."""
    symbol = setting.symbol
    for order in draft.books.open_orders(symbol):
        planned = None if order.signal is None else order.signal.leverage
        if planned not in (None, setting.leverage):
            return (
                f"entry {order.request.client_id} was planned with leverage {planned}: cancel it "
                f"first, or ask for {planned}"
            )
    if draft.books.position(symbol).is_flat:
        return None
    now = _leverage(draft.state, symbol)
    if now is None or setting.leverage > now:
        in_use = "not known" if now is None else str(now)
        return (
            f"{symbol} has a position, and leverage {in_use} in use: a higher one brings "
            "its liquidation nearer; ask for a lower one, or close the position first"
        )
    return None


def _margin_mode_objection(draft: Draft) -> str | None:
    held = {str(symbol) for symbol, held in draft.books.positions.items() if not held.is_flat}
    held |= {str(order.request.symbol) for order in draft.books.orders.values()}
    if not held:
        return None
    return (
        f"there is a position or an order of {', '.join(sorted(held))}: the margin mode changes on "
        "a flat account without orders alone"
    )


def _margin_objection(draft: Draft, setting: MarginSetting) -> str | None:
    # What is taken back was added by hand: the liquidation is then where the plan put it.
    if draft.books.position(setting.symbol).is_flat:
        return f"the desk holds no position of {setting.symbol}"
    if not setting.amount.sign:
        return "an amount of zero changes nothing: give one above or below zero"
    objection = _isolated_objection(draft)
    if objection is not None:
        return objection
    account = draft.view.account
    assert account is not None, "the margin mode is known, and so is the account"
    if setting.amount > account.available:
        return f"margin of {setting.amount} USDT asked, {account.available} is available"
    return None


def _isolated_objection(draft: Draft) -> str | None:
    account = draft.view.account
    if account is None:
        return "the account is not known yet: nothing is sent without"
    if account.margin_mode is not MarginMode.ISOLATED:
        return f"margin mode is {account.margin_mode.value}: margin is added in isolated mode only"
    return None


def setting_answered(draft: Draft, answer: SettingAnswered) -> None:
    """Record how a setting ended; one that is not known leaves what it is about unknown."""
    setting = draft.books.settings.get(answer.key)
    if setting is None:
        return
    if answer.cause is None:
        draft.emit(
            SettingDone(
                key=answer.key,
                setting=setting,
                was_already=answer.was_already,
                time_ms=draft.now_ms,
            )
        )
        if isinstance(setting, LeverageSetting):
            leverage_answered(
                draft,
                LeverageAnswered(symbol=setting.symbol, leverage=setting.leverage, refusal=None),
            )
        return
    _lost(draft, answer.key, setting, answer.cause, answer.message)


def _lost(
    draft: Draft, key: str, setting: AccountSetting, cause: SettingCause, message: str
) -> None:
    draft.emit(
        SettingDeclined(
            key=key, setting=setting, cause=cause, message=message, time_ms=draft.now_ms
        )
    )
    if cause is SettingCause.UNKNOWN and isinstance(setting, MarginModeSetting):
        # Which mode the account is in is not known: entries wait for the next reading.
        draft.view = attrs.evolve(draft.view, account=None)


def lose_settings(draft: Draft) -> None:
    """End what a process left under way: nobody waits for its answer any more."""
    for key, setting in tuple(draft.books.settings.items()):
        _lost(
            draft,
            key,
            setting,
            SettingCause.UNKNOWN,
            "the process ended before the answer came: read the account",
        )
