"""Position rows of REST and of the ``position`` topic (Bybit V5, position/list)."""

from decimal import Decimal

import attrs
from tidegate.domain.instrument import Instrument, RiskTier
from tidegate.domain.margin import tier_for
from tidegate.domain.money import ONE, ZERO_MONEY, ZERO_QTY, Rate
from tidegate.domain.orders import Side
from tidegate.domain.reports import PositionReport

from .ledger import SymbolBooks
from .text import SIDES, optional, plain, rounded

__all__ = ["PositionView", "break_even", "position_row", "position_stream_row"]

_BREAK_EVEN_FEE_MIN = Rate(Decimal("0.00055"))


@attrs.frozen(kw_only=True)
class PositionView:
    """One position with everything that its row shows."""

    report: PositionReport
    books: SymbolBooks
    instrument: Instrument
    taker: Rate
    adds_margin: bool = False
    index: int = 0


def break_even(view: PositionView) -> str:
    """Return ``(entry x qty - realised) / (qty - |qty| x max(taker, 0.00055))``, qty signed."""
    report = view.report
    if report.entry_price is None:
        return ""
    numerator = report.entry_price * report.qty - view.books.realised_now
    fee = max(view.taker, _BREAK_EVEN_FEE_MIN)
    return rounded(numerator / (report.qty * (ONE - fee.times(report.qty.sign))))


def _tier(view: PositionView) -> tuple[int, RiskTier]:
    tiers = view.instrument.tiers
    tier = tier_for(tiers, view.report.mark * abs(view.report.qty))
    return tiers.index(tier) + 1, tier


def position_row(view: PositionView) -> dict[str, object]:
    """Return the row of ``GET /v5/position/list``; a flat position has the side ``""``."""
    report, number_and_tier = view.report, _tier(view)
    is_flat = report.qty == ZERO_QTY
    cost = ZERO_MONEY if report.entry_price is None else report.entry_price * abs(report.qty)
    return {
        "positionIdx": view.index,
        "riskId": number_and_tier[0],
        "riskLimitValue": plain(number_and_tier[1].notional_max),
        "symbol": report.symbol,
        "side": "" if is_flat else SIDES[_side(report)],
        "size": plain(abs(report.qty)),
        "avgPrice": "0" if report.entry_price is None else rounded(report.entry_price),
        "positionValue": "" if is_flat else rounded(cost),
        "leverage": plain(report.leverage),
        "breakEvenPrice": break_even(view),
        "markPrice": plain(report.mark),
        "liqPrice": "" if report.liquidation_price is None else rounded(report.liquidation_price),
        "positionIM": rounded(report.initial_margin),
        "positionIMByMp": rounded(report.initial_margin),
        "positionMM": rounded(report.maintenance_margin),
        "positionMMByMp": rounded(report.maintenance_margin),
        "takeProfit": optional(report.take_profit),
        "stopLoss": optional(report.stop_loss),
        "trailingStop": optional(report.trailing_distance) or "0",
        "unrealisedPnl": rounded(report.unrealised),
        **_of_books(view.books),
        **_constants(view, is_flat=is_flat),
    }


def _side(report: PositionReport) -> Side:
    return Side.BUY if report.qty > ZERO_QTY else Side.SELL


def _of_books(books: SymbolBooks) -> dict[str, object]:
    return {
        "curRealisedPnl": rounded(books.realised_now),
        "cumRealisedPnl": rounded(books.realised_ever),
        "createdTime": str(books.first_ms),
        "updatedTime": str(books.updated_ms),
        "openTime": books.opened_ms if not books.position.is_flat else 0,
        "seq": books.seq,
    }


def _constants(view: PositionView, *, is_flat: bool) -> dict[str, object]:
    return {
        "autoAddMargin": int(view.adds_margin),
        "positionStatus": "Normal",
        "adlRankIndicator": 0 if is_flat else 2,
        "isReduceOnly": False,
        "mmrSysUpdatedTime": "",
        "leverageSysUpdatedTime": "",
        "sessionAvgPrice": "",
        "delta": "",
        "gamma": "",
        "vega": "",
        "theta": "",
        "tpslMode": "Full",
        "bustPrice": "",
        "positionBalance": "0",
        "tradeMode": 0,
    }


def position_stream_row(view: PositionView) -> dict[str, object]:
    """Return the row of the ``position`` topic, which calls the average price ``entryPrice``."""
    row = position_row(view)
    row["entryPrice"] = row.pop("avgPrice")
    row["category"] = "linear"
    if view.report.qty == ZERO_QTY:
        row["liqPrice"] = "0"
    return row
