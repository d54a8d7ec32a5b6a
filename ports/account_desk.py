"""What the desk offers about its account: settings with typed outcomes, and queries."""

from abc import ABC, abstractmethod

import attrs
from tidegate.domain.account_settings import AccountSetting
from tidegate.domain.instrument import FeeRates, RiskTier
from tidegate.domain.money import Money, Rate
from tidegate.domain.orders import Symbol
from tidegate.domain.records import Borrowing, CoinBalance, Collateral, PositionMode
from tidegate.domain.reports import AccountReport, MarginMode

from .exchange import History, TimeRange

__all__ = [
    "AccountDeskPort",
    "PositionModeCheck",
    "SettingApplied",
    "SettingNotAnswered",
    "SettingOutcome",
    "SettingRefused",
    "SettingRejected",
    "SettingUnknown",
]


@attrs.frozen(kw_only=True)
class SettingApplied:
    """The venue shows the setting. ``note`` says why it is less than asked, where it was capped."""

    setting: AccountSetting
    was_already: bool
    note: str | None


@attrs.frozen(kw_only=True)
class SettingRefused:
    """Nothing was sent: the desk refuses, or could not send. ``why`` says what would pass."""

    setting: AccountSetting
    why: str


@attrs.frozen(kw_only=True)
class SettingRejected:
    """The venue refused: nothing was changed."""

    setting: AccountSetting
    message: str


@attrs.frozen(kw_only=True)
class SettingUnknown:
    """It may or may not have been set: read the account before you act on it."""

    setting: AccountSetting
    cause: str


@attrs.frozen(kw_only=True)
class SettingNotAnswered:
    """The deadline passed before the answer. What was begun goes on, and is in the journal."""

    setting: AccountSetting
    waited_ms: int


SettingOutcome = (
    SettingApplied | SettingRefused | SettingRejected | SettingUnknown | SettingNotAnswered
)


@attrs.frozen(kw_only=True)
class PositionModeCheck:
    """Whether a symbol can be traded in its position mode; ``remedy`` where it cannot."""

    symbol: Symbol
    mode: PositionMode
    remedy: str | None

    @property
    def is_usable(self) -> bool:
        """Tell whether the desk trades in this mode."""
        return self.remedy is None


class AccountDeskPort(ABC):
    """Settings and queries of the account. Every method may be called from any thread.

    Settings are journaled before their request and are done only once the venue shows them. What
    adds risk is refused unless the desk is ACTIVE. Queries raise ``VenueError``.

    A setting ends as ``SettingApplied``: the venue shows it; ``SettingRefused``: the desk sent
    nothing; ``SettingRejected``: the venue refused; ``SettingUnknown``: not known, so read the
    account before acting on it; ``SettingNotAnswered``: no end within ``timeout_ms`` milliseconds,
    and what was begun goes on.

    Raises:
        WriterStopped: from a setting: nobody decides any more.
        QueryFailed: from a query: the venue gave no usable answer.
        NotSupported: from a query: the venue lacks it.
        StateError: from a setting: the journal cannot be read; nothing was sent.

    """

    @abstractmethod
    def set_leverage(
        self, symbol: Symbol, leverage: Rate, *, timeout_ms: int = 10_000
    ) -> SettingOutcome:
        """Set a leverage, capped at the limit of the desk, of the instrument and of the tier."""

    @abstractmethod
    def set_margin_mode(self, mode: MarginMode, *, timeout_ms: int = 10_000) -> SettingOutcome:
        """Set the account's margin mode; refused while there is a position or an order."""

    @abstractmethod
    def add_margin(
        self, symbol: Symbol, amount: Money, *, timeout_ms: int = 10_000
    ) -> SettingOutcome:
        """Add USDT to an isolated position's margin, or take back what was added (below zero)."""

    @abstractmethod
    def set_auto_add_margin(
        self, symbol: Symbol, *, on: bool, timeout_ms: int = 10_000
    ) -> SettingOutcome:
        """Choose whether margin is added by itself before a liquidation; isolated."""

    @abstractmethod
    def set_collateral(self, coin: str, *, on: bool, timeout_ms: int = 10_000) -> SettingOutcome:
        """Choose whether a coin counts as margin."""

    @abstractmethod
    def check_position_mode(self, symbol: Symbol) -> PositionModeCheck:
        """Return the position mode of a symbol, with the remedy where it is hedge mode."""

    @abstractmethod
    def value(self) -> AccountReport:
        """Return wallet, equity at mark, what is available and the margin rates, fresh."""

    @abstractmethod
    def fee_rates(self, symbol: Symbol) -> FeeRates:
        """Return the fee rates, the stated ones where the venue has no query for them."""

    @abstractmethod
    def balance(self, coin: str) -> CoinBalance:
        """Return one coin of the wallet; a coin that the venue does not list is ``QueryFailed``."""

    @abstractmethod
    def balances(self) -> tuple[CoinBalance, ...]:
        """Return every coin of the wallet that is not empty."""

    @abstractmethod
    def collateral(self) -> tuple[Collateral, ...]:
        """Return which coins count as margin."""

    @abstractmethod
    def borrowings(self, coin: str | None, within: TimeRange) -> History[Borrowing]:
        """Return the interest charged within a range; ``None`` for every coin."""

    @abstractmethod
    def risk_tiers(self, symbol: Symbol) -> tuple[RiskTier, ...]:
        """Return the tiers of a symbol, smallest first."""
