"""Rows about the account: coins of the wallet, collateral, interest, the position mode."""

from collections.abc import Mapping, Sequence

from tidegate.domain.money import Money, Rate
from tidegate.domain.records import Borrowing, CoinBalance, Collateral, PositionMode

from .fields import Row, Unreadable

__all__ = ["borrowing", "coin_balance", "collateral", "position_mode"]

_STABLE = frozenset({"USDT", "USDC"})
"""Coins whose collateral switch cannot be set (Bybit V5 account/set-collateral-switch)."""

_ONE_WAY = 0
_HEDGE = frozenset({1, 2})


def coin_balance(value: Mapping[str, object]) -> CoinBalance:
    """Read one coin of ``account/wallet-balance``.

    Raises:
        Unreadable: a needed field is missing or not understood.

    """
    row = Row.of("coin of the wallet", value)
    return CoinBalance(
        coin=row.text("coin"),
        wallet=row.money("walletBalance"),
        equity=row.money("equity"),
        locked=row.amount_or_zero(Money, "locked"),
        borrowed=row.amount_or_zero(Money, "borrowAmount"),
        usd_value=row.amount_or_zero(Money, "usdValue"),
        is_collateral=_said(row, "collateralSwitch"),
    )


def _said(row: Row, name: str) -> bool:
    """Return a boolean that must be there: a missing one is no answer."""
    if name not in row.fields:
        raise row.unreadable(name)
    return row.flag(name)


def collateral(value: Mapping[str, object]) -> Collateral:
    """Read one row of ``account/collateral-info``.

    A coin that the platform does not take counts for nothing, whatever its owner switched.
    ``collateralRatio`` is told, and no longer exact for large amounts since February 2025.

    Raises:
        Unreadable: a needed field is missing or not understood.

    """
    row = Row.of("collateral", value)
    coin, is_taken = row.text("currency"), _said(row, "marginCollateral")
    return Collateral(
        coin=coin,
        is_on=is_taken and _said(row, "collateralSwitch"),
        may_be_switched=is_taken and coin not in _STABLE,
        value_ratio=row.rate("collateralRatio") if row.has("collateralRatio") else None,
    )


def borrowing(value: Mapping[str, object]) -> Borrowing:
    """Read one row of ``account/borrow-history``.

    Raises:
        Unreadable: a needed field is missing or not understood.

    """
    row = Row.of("borrowing", value)
    return Borrowing(
        coin=row.text("currency"),
        amount=row.amount(Money, "InterestBearingBorrowSize"),
        interest=row.money("borrowCost"),
        hourly_rate=row.amount(Rate, "hourlyBorrowRate"),
        time_ms=row.time_ms("createdTime"),
    )


def position_mode(rows: Sequence[Row]) -> PositionMode:
    """Read the mode of a symbol from its position rows: ``positionIdx`` 0, or 1 and 2.

    Raises:
        Unreadable: there is no row, or an index that is neither.

    """
    indexes = {row.integer("positionIdx") for row in rows}
    if indexes == {_ONE_WAY}:
        return PositionMode.ONE_WAY
    if indexes and indexes <= _HEDGE:
        return PositionMode.HEDGE
    raise Unreadable("position", "positionIdx", f"{sorted(indexes)}")
