"""What an account's own records say: balances, closed profit, changes of the wallet, borrowing.

These inform checks, comparisons and reports; the books are made from executions and funding alone.
"""

import enum
from collections.abc import Mapping
from types import MappingProxyType

import attrs

from .money import Money, Price, Qty, Rate
from .orders import Side, Symbol, VenueOrderId

__all__ = [
    "CHANGE_WORDS",
    "AccountChange",
    "Borrowing",
    "ChangeKind",
    "ClosedProfit",
    "CoinBalance",
    "Collateral",
    "PositionMode",
]


class PositionMode(enum.Enum):
    """Whether a symbol has one position or one for each side (Bybit V5 ``positionIdx``)."""

    ONE_WAY = "one-way"
    HEDGE = "hedge"


@attrs.frozen(kw_only=True)
class CoinBalance:
    """One coin of the wallet, in that coin; ``usd_value`` in USD.

    ``locked`` is held by spot orders, ``borrowed`` is owed. ``is_collateral`` tells whether the
    account's owner lets it count as margin.
    """

    coin: str
    wallet: Money
    equity: Money
    locked: Money
    borrowed: Money
    usd_value: Money
    is_collateral: bool


@attrs.frozen(kw_only=True)
class Collateral:
    """Whether a coin counts as margin, and what of its value does (Bybit V5 collateral-info)."""

    coin: str
    is_on: bool
    may_be_switched: bool
    value_ratio: Rate | None


@attrs.frozen(kw_only=True)
class Borrowing:
    """Interest charged on what was borrowed in one hour, in ``coin``; the rate is hourly."""

    coin: str
    amount: Money
    interest: Money
    hourly_rate: Rate
    time_ms: int


@attrs.frozen(kw_only=True)
class ClosedProfit:
    """One closing order's profit, less opening and closing fees and without funding, in USDT.

    ``side`` is that of the closing order, ``qty`` what it closed. ``profit`` is rounded by the
    venue, half away from zero at eight decimals (Bybit V5 position/closed-pnl ``closedPnl``).
    """

    symbol: Symbol
    venue_id: VenueOrderId
    side: Side
    qty: Qty
    entry: Price
    exit: Price
    profit: Money
    open_fee: Money
    close_fee: Money
    leverage: Rate
    created_ms: int
    updated_ms: int


class ChangeKind(enum.Enum):
    """Why a wallet changed; ``OTHER`` is every word of the venue's that is not in this list."""

    TRADE = "trade"
    FUNDING = "funding"
    LIQUIDATION = "liquidation"
    AUTO_DELEVERAGING = "auto_deleveraging"
    DELIVERY = "delivery"
    TRANSFER_IN = "transfer_in"
    TRANSFER_OUT = "transfer_out"
    BONUS = "bonus"
    INTEREST = "interest"
    OTHER = "other"


CHANGE_WORDS: Mapping[ChangeKind, str] = MappingProxyType(
    {
        ChangeKind.TRADE: "TRADE",
        ChangeKind.FUNDING: "SETTLEMENT",
        ChangeKind.LIQUIDATION: "LIQUIDATION",
        ChangeKind.AUTO_DELEVERAGING: "ADL",
        ChangeKind.DELIVERY: "DELIVERY",
        ChangeKind.TRANSFER_IN: "TRANSFER_IN",
        ChangeKind.TRANSFER_OUT: "TRANSFER_OUT",
        ChangeKind.BONUS: "BONUS",
        ChangeKind.INTEREST: "INTEREST",
    }
)
"""The venue's name of each kind that it has (Bybit V5 account/transaction-log ``type``)."""


@attrs.frozen(kw_only=True)
class AccountChange:
    """One line of the transaction log, in ``currency``: ``change = cash_flow + funding - fee``.

    ``funding`` is positive when received, opposite to a funding payment's amount. ``word`` is the
    venue's own name of the kind, an open set. ``balance`` is the wallet after the change.
    """

    change_id: str
    kind: ChangeKind
    word: str
    currency: str
    symbol: Symbol | None
    cash_flow: Money
    funding: Money
    fee: Money
    change: Money
    balance: Money
    execution_id: str | None
    time_ms: int
