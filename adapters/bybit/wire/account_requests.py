"""Bodies of requests about the account and about a position's margin. Numbers travel as text.

They are those of Bybit V5 ``position/trading-stop`` (``tpslMode`` "Partial"),
``account/set-margin-mode``, ``position/add-margin``, ``position/set-auto-add-margin`` and
``account/set-collateral-switch`` for linear contracts in one-way mode.
"""

from tidegate.domain.money import Money, Price
from tidegate.domain.orders import ProtectiveLeg, Symbol
from tidegate.domain.reports import MarginMode
from tidegate.ports.account import PartialStop

from .requests import CATEGORY, Body, Unsendable
from .words import MARGIN_MODE_WORDS, TRIGGER_BY_WORDS

__all__ = [
    "auto_add_margin_body",
    "collateral_body",
    "margin_body",
    "margin_mode_body",
    "partial_stop_body",
]

_MARGIN_DECIMALS = 4


def _base(symbol: Symbol) -> Body:
    return {"category": CATEGORY, "symbol": symbol, "positionIdx": 0}


def partial_stop_body(stop: PartialStop) -> Body:
    """Return the body of ``position/trading-stop`` for a part of the position."""
    body = {**_base(stop.symbol), "tpslMode": "Partial"}
    if stop.stop_loss is not None:
        _add_leg(body, ("sl", "stopLoss"), stop, stop.stop_loss, stop.stop_loss_limit)
    if stop.take_profit is not None:
        _add_leg(body, ("tp", "takeProfit"), stop, stop.take_profit, stop.take_profit_limit)
    return body


def _add_leg(
    body: Body, words: tuple[str, str], stop: PartialStop, leg: ProtectiveLeg, limit: Price | None
) -> None:
    short, name = words
    body[name] = str(leg.price)
    body[f"{short}TriggerBy"] = TRIGGER_BY_WORDS[leg.by]
    body[f"{short}Size"] = str(stop.qty)
    body[f"{short}OrderType"] = "Market" if limit is None else "Limit"
    if limit is not None:
        body[f"{short}LimitPrice"] = str(limit)


def margin_mode_body(mode: MarginMode) -> Body:
    """Return the body of ``account/set-margin-mode``."""
    return {"setMarginMode": MARGIN_MODE_WORDS[mode]}


def margin_body(symbol: Symbol, amount: Money) -> Body:
    """Return the body of ``position/add-margin``; a negative amount is taken back.

    Raises:
        Unsendable: the amount is zero, or has more decimals than the venue takes.

    """
    exponent = amount.value.normalize().as_tuple().exponent
    if amount.sign == 0 or not isinstance(exponent, int) or exponent < -_MARGIN_DECIMALS:
        raise Unsendable(
            f"margin of {amount} USDT for {symbol}: accepted is an amount above or below zero with "
            f"at most {_MARGIN_DECIMALS} decimals"
        )
    return {**_base(symbol), "margin": str(amount)}


def auto_add_margin_body(symbol: Symbol, *, on: bool) -> Body:
    """Return the body of ``position/set-auto-add-margin``."""
    return {**_base(symbol), "autoAddMargin": int(on)}


def collateral_body(coin: str, *, on: bool) -> Body:
    """Return the body of ``account/set-collateral-switch``."""
    return {"coin": coin, "collateralSwitch": "ON" if on else "OFF"}
