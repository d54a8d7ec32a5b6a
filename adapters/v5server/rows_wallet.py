"""The wallet row of REST and of the ``wallet`` topic (Bybit V5, account/wallet-balance)."""

from collections.abc import Iterable

from tidegate.domain.money import ZERO_MONEY, Money, Rate
from tidegate.domain.reports import AccountReport, MarginMode, PositionReport

from .text import COIN, rounded

__all__ = ["coin_row", "wallet_row"]


def wallet_row(
    report: AccountReport, positions: Iterable[PositionReport], *, realised: Money
) -> dict[str, object]:
    """Return the account; one USDT counts as one USD here.

    Account-wide margin fields do not apply in isolated margin: they are empty there.
    """
    positions = tuple(positions)
    initial = _total(position.initial_margin for position in positions)
    maintenance = _total(position.maintenance_margin for position in positions)
    in_cross = report.margin_mode is MarginMode.CROSS
    balance = report.equity if in_cross else report.wallet
    of_orders = balance - report.available - initial
    row: dict[str, object] = {
        "accountType": "UNIFIED",
        "accountLTV": "",
        "totalEquity": rounded(report.equity),
        "totalWalletBalance": rounded(report.wallet),
        "totalPerpUPL": rounded(report.equity - report.wallet),
        "coin": [
            coin_row(
                report,
                order_initial=of_orders,
                initial=initial,
                maintenance=maintenance,
                realised=realised,
            )
        ],
    }
    account = {
        "accountIMRate": _rate(report.initial_margin_rate),
        "accountMMRate": _rate(report.maintenance_margin_rate),
        "totalMarginBalance": rounded(report.equity),
        "totalAvailableBalance": rounded(report.available),
        "totalInitialMargin": rounded(initial + of_orders),
        "totalMaintenanceMargin": rounded(maintenance),
    }
    twins = ("accountIMRate", "accountMMRate", "totalInitialMargin", "totalMaintenanceMargin")
    for name, value in account.items():
        row[name] = value if in_cross else ""
        if name in twins:
            row[f"{name}ByMp"] = row[name]
    return row


def _total(amounts: Iterable[Money]) -> Money:
    return sum(amounts, ZERO_MONEY)


def _rate(rate: Rate | None) -> str:
    return "0" if rate is None else rounded(rate)


def coin_row(
    report: AccountReport,
    *,
    order_initial: Money,
    initial: Money,
    maintenance: Money,
    realised: Money,
) -> dict[str, object]:
    """Return the account's one coin."""
    return {
        "coin": COIN,
        "equity": rounded(report.equity),
        "usdValue": rounded(report.equity),
        "walletBalance": rounded(report.wallet),
        "locked": "0",
        "spotHedgingQty": "0",
        "borrowAmount": "0",
        "accruedInterest": "0",
        "totalOrderIM": rounded(order_initial),
        "totalPositionIM": rounded(initial),
        "totalPositionMM": rounded(maintenance),
        "unrealisedPnl": rounded(report.equity - report.wallet),
        "cumRealisedPnl": rounded(realised),
        "bonus": "0",
        "marginCollateral": True,
        "collateralSwitch": True,
        "colRes": "0",
        "spotBorrow": "0",
        "free": "",
        "availableToWithdraw": "",
        "availableToBorrow": "",
    }
