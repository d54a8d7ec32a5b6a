"""What an operator may change at the account or at a position's margin, as one closed union."""

import attrs

from .money import Money, Rate
from .orders import Symbol
from .reports import MarginMode

__all__ = [
    "AccountSetting",
    "AutoMarginSetting",
    "CollateralSetting",
    "LeverageSetting",
    "MarginModeSetting",
    "MarginSetting",
    "clashes",
    "subject_of",
]


@attrs.frozen(kw_only=True)
class LeverageSetting:
    """The leverage of a symbol."""

    symbol: Symbol
    leverage: Rate

    def __str__(self) -> str:
        return f"leverage {self.leverage} of {self.symbol}"


@attrs.frozen(kw_only=True)
class MarginModeSetting:
    """The margin mode of the whole account."""

    mode: MarginMode

    def __str__(self) -> str:
        return f"margin mode {self.mode.value}"


@attrs.frozen(kw_only=True)
class MarginSetting:
    """USDT that is added to an isolated position's margin, or taken back (``amount < 0``)."""

    symbol: Symbol
    amount: Money

    def __str__(self) -> str:
        return f"margin {self.amount} USDT for {self.symbol}"


@attrs.frozen(kw_only=True)
class AutoMarginSetting:
    """Whether margin is added to an isolated position by itself before a liquidation."""

    symbol: Symbol
    is_on: bool

    def __str__(self) -> str:
        return f"automatic margin {'on' if self.is_on else 'off'} for {self.symbol}"


@attrs.frozen(kw_only=True)
class CollateralSetting:
    """Whether a coin counts as margin."""

    coin: str
    is_on: bool

    def __str__(self) -> str:
        return f"collateral {self.coin} {'on' if self.is_on else 'off'}"


AccountSetting = (
    LeverageSetting | MarginModeSetting | MarginSetting | AutoMarginSetting | CollateralSetting
)


def subject_of(setting: AccountSetting) -> str | None:
    """Return the symbol or the coin that a setting is about; ``None`` for the whole account."""
    match setting:
        case LeverageSetting() | MarginSetting() | AutoMarginSetting():
            return setting.symbol
        case CollateralSetting():
            return setting.coin
        case MarginModeSetting():
            return None


def clashes(one: AccountSetting, other: AccountSetting) -> bool:
    """Tell whether two settings must not be under way together: the same subject, or all of it."""
    subjects = {subject_of(one), subject_of(other)}
    return None in subjects or len(subjects) == 1
