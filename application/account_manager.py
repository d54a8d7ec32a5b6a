"""The account, for whoever drives the desk: settings through the one writer, queries at the port.

A setting goes the way of an order: the core decides, the intent is journaled, the request leaves,
the venue is read back. Queries ask the venue in the caller's thread and change nothing.
"""

import threading
from collections.abc import Callable

from tidegate.domain.account_settings import (
    AccountSetting,
    AutoMarginSetting,
    CollateralSetting,
    LeverageSetting,
    MarginModeSetting,
    MarginSetting,
)
from tidegate.domain.core.events import (
    Event,
    SettingCause,
    SettingDeclined,
    SettingDone,
    SettingIntended,
)
from tidegate.domain.core.inputs import SettingRequest
from tidegate.domain.instrument import FeeRates, RiskTier
from tidegate.domain.money import Money, Rate
from tidegate.domain.orders import Symbol
from tidegate.domain.records import Borrowing, CoinBalance, Collateral, PositionMode
from tidegate.domain.reports import AccountReport, MarginMode
from tidegate.ports.account_desk import (
    AccountDeskPort,
    PositionModeCheck,
    SettingApplied,
    SettingNotAnswered,
    SettingOutcome,
    SettingRefused,
    SettingRejected,
    SettingUnknown,
)
from tidegate.ports.clock import KeyPort
from tidegate.ports.exchange import History, TimeRange
from tidegate.ports.state import StatePort

from .inline_runner import Runner

__all__ = ["AccountManager"]

_HEDGE_REMEDY = (
    "close positions and orders there, then switch to one-way mode (position/switch-mode with "
    "mode 0, or the position mode in the app)"
)


class _Waiting:
    """What the journal says of one setting. Written by the writer, read by the caller."""

    def __init__(self) -> None:
        self.intended: SettingIntended | None = None
        self.ended: SettingDone | SettingDeclined | None = None


class AccountManager(AccountDeskPort):
    """Any thread may call. ``track`` sees to it that the core knows a symbol's specification."""

    def __init__(
        self,
        *,
        runner: Runner,
        state_port: StatePort,
        keys: KeyPort,
        track: Callable[[Symbol], object],
    ) -> None:
        self._runner = runner
        self._state_port = state_port
        self._keys = keys
        self._track = track
        self._lock = threading.Lock()
        self._waiting: dict[str, _Waiting] = {}
        self._asked = 0
        runner.engine.listen(self._take)

    # Settings

    def set_leverage(
        self, symbol: Symbol, leverage: Rate, *, timeout_ms: int = 10_000
    ) -> SettingOutcome:
        """See :meth:`AccountDeskPort.set_leverage`."""
        self._track(symbol)
        return self._set(LeverageSetting(symbol=symbol, leverage=leverage), timeout_ms)

    def set_margin_mode(self, mode: MarginMode, *, timeout_ms: int = 10_000) -> SettingOutcome:
        """See :meth:`AccountDeskPort.set_margin_mode`."""
        return self._set(MarginModeSetting(mode=mode), timeout_ms)

    def add_margin(
        self, symbol: Symbol, amount: Money, *, timeout_ms: int = 10_000
    ) -> SettingOutcome:
        """See :meth:`AccountDeskPort.add_margin`."""
        return self._set(MarginSetting(symbol=symbol, amount=amount), timeout_ms)

    def set_auto_add_margin(
        self, symbol: Symbol, *, on: bool, timeout_ms: int = 10_000
    ) -> SettingOutcome:
        """See :meth:`AccountDeskPort.set_auto_add_margin`."""
        return self._set(AutoMarginSetting(symbol=symbol, is_on=on), timeout_ms)

    def set_collateral(self, coin: str, *, on: bool, timeout_ms: int = 10_000) -> SettingOutcome:
        """See :meth:`AccountDeskPort.set_collateral`."""
        return self._set(CollateralSetting(coin=coin, is_on=on), timeout_ms)

    def _set(self, setting: AccountSetting, timeout_ms: int) -> SettingOutcome:
        key, waiting = self._expect()
        try:
            self._runner.deliver(SettingRequest(setting=setting, key=key))
            self._runner.wait(lambda: waiting.ended is not None, timeout_ms=timeout_ms)
        finally:
            with self._lock:
                del self._waiting[key]
        if waiting.ended is None:
            return SettingNotAnswered(setting=setting, waited_ms=timeout_ms)
        return _outcome(waiting.intended, waiting.ended)

    def _expect(self) -> tuple[str, _Waiting]:
        waiting = _Waiting()
        with self._lock:
            self._asked += 1
            key = self._keys.key(f"setting {self._state_port.version()} {self._asked}")
            self._waiting[key] = waiting
        return key, waiting

    def _take(self, event: Event, _: int) -> None:
        """Give one journaled event to whom it concerns."""
        if not isinstance(event, SettingIntended | SettingDone | SettingDeclined):
            return
        with self._lock:
            waiting = self._waiting.get(event.key)
        if waiting is None:
            return
        if isinstance(event, SettingIntended):
            waiting.intended = event
        else:
            waiting.ended = event

    # Queries

    def check_position_mode(self, symbol: Symbol) -> PositionModeCheck:
        """See :meth:`AccountDeskPort.check_position_mode`."""
        mode = self._runner.port.position_mode(symbol)
        remedy = _HEDGE_REMEDY if mode is PositionMode.HEDGE else None
        return PositionModeCheck(symbol=symbol, mode=mode, remedy=remedy)

    def value(self) -> AccountReport:
        """See :meth:`AccountDeskPort.value`."""
        return self._runner.port.account()

    def fee_rates(self, symbol: Symbol) -> FeeRates:
        """See :meth:`AccountDeskPort.fee_rates`."""
        return self._runner.fee_rates(symbol)

    def balance(self, coin: str) -> CoinBalance:
        """See :meth:`AccountDeskPort.balance`."""
        return self._runner.port.balance(coin)

    def balances(self) -> tuple[CoinBalance, ...]:
        """See :meth:`AccountDeskPort.balances`."""
        return self._runner.port.balances()

    def collateral(self) -> tuple[Collateral, ...]:
        """See :meth:`AccountDeskPort.collateral`."""
        return self._runner.port.collateral()

    def borrowings(self, coin: str | None, within: TimeRange) -> History[Borrowing]:
        """See :meth:`AccountDeskPort.borrowings`."""
        return self._runner.port.borrowings(coin, within)

    def risk_tiers(self, symbol: Symbol) -> tuple[RiskTier, ...]:
        """See :meth:`AccountDeskPort.risk_tiers`."""
        return self._runner.port.risk_tiers(symbol)


def _outcome(
    intended: SettingIntended | None, ended: SettingDone | SettingDeclined
) -> SettingOutcome:
    if isinstance(ended, SettingDone):
        note = None if intended is None else intended.note
        return SettingApplied(setting=ended.setting, was_already=ended.was_already, note=note)
    match ended.cause:
        case SettingCause.DESK | SettingCause.NOT_SENT:
            return SettingRefused(setting=ended.setting, why=ended.message)
        case SettingCause.VENUE:
            return SettingRejected(setting=ended.setting, message=ended.message)
        case SettingCause.UNKNOWN:
            return SettingUnknown(setting=ended.setting, cause=ended.message)
