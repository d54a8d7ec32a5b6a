"""Wallet rows to :class:`AccountReport`, and the account's margin mode."""

from collections.abc import Mapping
from decimal import ROUND_FLOOR, Decimal

from tidegate.domain.money import EXACT, ZERO_MONEY, Money, Rate
from tidegate.domain.reports import AccountReport, MarginMode

from .fields import Row
from .words import MARGIN_MODES

__all__ = ["account_report", "margin_mode"]

_SOURCE = "wallet"
_USDT = "USDT"
_SHOWN = Decimal("0.00000001")
_DIGITS_MAX = 30
"""No balance has more digits before its point; beyond them it cannot be rounded exactly."""


def margin_mode(value: Mapping[str, object]) -> MarginMode:
    """Read the margin mode of ``account/info``; portfolio margin is unreadable.

    Raises:
        Unreadable: a mode that is not known, or none.

    """
    return Row.of("account info", value).one_of("marginMode", MARGIN_MODES)


def account_report(
    value: Mapping[str, object], *, mode: MarginMode, time_ms: int
) -> AccountReport | None:
    """Read one wallet row; ``None`` when it does not tell about USDT.

    Account-wide fields are in USD and do not apply in isolated margin (Bybit V5
    account/wallet-balance).

    Raises:
        Unreadable: a needed field is missing or not understood.

    """
    row = Row.of(_SOURCE, value)
    coin = next((coin for coin in row.rows("coin") if coin.fields.get("coin") == _USDT), None)
    if coin is None:
        return None
    is_cross = mode is MarginMode.CROSS
    return AccountReport(
        wallet=coin.money("walletBalance"),
        equity=coin.money("equity"),
        available=_available_cross(row, coin) if is_cross else _available_isolated(coin),
        initial_margin_rate=_rate(row, "accountIMRate") if is_cross else None,
        maintenance_margin_rate=_rate(row, "accountMMRate") if is_cross else None,
        margin_mode=mode,
        time_ms=time_ms,
    )


def _rate(row: Row, name: str) -> Rate | None:
    return row.rate(name) if row.has(name) else None


def _available_isolated(coin: Row) -> Money:
    """Return ``walletBalance - totalPositionIM - totalOrderIM - locked - bonus``."""
    spent = ZERO_MONEY
    for name in ("totalPositionIM", "totalOrderIM", "locked", "bonus"):
        spent = spent + coin.amount_or_zero(Money, name)
    return coin.money("walletBalance") - spent


def _available_cross(row: Row, coin: Row) -> Money:
    """Return ``totalAvailableBalance``, turned from USD to USDT at the row's own price, down."""
    available, equity = row.money("totalAvailableBalance"), coin.money("equity")
    if not coin.has("usdValue"):
        return available
    value = coin.money("usdValue")
    if value == equity or value.sign <= 0 or equity.sign <= 0:
        return available
    exact = EXACT.divide(EXACT.multiply(available.value, equity.value), value.value)
    if exact.adjusted() > _DIGITS_MAX:
        raise coin.unreadable("usdValue")
    return Money(exact.quantize(_SHOWN, rounding=ROUND_FLOOR, context=EXACT))
