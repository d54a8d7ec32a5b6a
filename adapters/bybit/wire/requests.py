"""Domain values to request bodies. Numbers travel as text; nothing else is sent than what is meant.

The bodies are those of Bybit V5 ``order/create``, ``order/amend``, ``order/cancel``, their batches,
``order/cancel-all``, ``position/trading-stop`` and ``position/set-leverage``, for linear contracts
in one-way mode.
"""

from collections.abc import Sequence
from decimal import ROUND_FLOOR, Decimal
from types import MappingProxyType

from tidegate.domain.money import EXACT, Rate
from tidegate.domain.orders import (
    ClientId,
    OrderKind,
    OrderRequest,
    Symbol,
    TriggerDirection,
    VenueOrderId,
)
from tidegate.ports.exchange import Amendment, PositionStop

from .words import KIND_WORDS, SIDE_WORDS, TIME_IN_FORCE_WORDS, TRIGGER_BY_WORDS

__all__ = [
    "CATEGORY",
    "Body",
    "Unsendable",
    "amend_body",
    "batch_body",
    "cancel_all_body",
    "cancel_body",
    "leverage_body",
    "order_body",
    "stop_body",
]

Body = dict[str, str | int | bool]
CATEGORY = "linear"

_DIRECTION_NUMBERS = MappingProxyType({TriggerDirection.RISES_TO: 1, TriggerDirection.FALLS_TO: 2})
_PER_CENT = Decimal(100)
_PER_CENT_STEP = Decimal("0.01")


class Unsendable(Exception):
    """A request that the venue's protocol cannot express; the text says what it was."""


def order_body(order: OrderRequest) -> Body:
    """Return the body of ``order/create``.

    Raises:
        Unsendable: its slippage bound cannot be written without loosening it.

    """
    body = _base(order.symbol)
    body["side"] = SIDE_WORDS[order.side]
    body["orderType"] = KIND_WORDS[order.kind]
    body["qty"] = str(order.qty)
    body["orderLinkId"] = order.client_id
    body["positionIdx"] = 0
    if order.price is not None:
        body["price"] = str(order.price)
    if order.kind is OrderKind.LIMIT:
        body["timeInForce"] = TIME_IN_FORCE_WORDS[order.time_in_force]
    if order.reduce_only:
        body["reduceOnly"] = True
    if order.close_on_trigger:
        body["closeOnTrigger"] = True
    _add_trigger(body, order)
    _add_legs(body, order)
    _add_slippage(body, order)
    return body


def _base(symbol: Symbol) -> Body:
    return {"category": CATEGORY, "symbol": symbol}


def _add_trigger(body: Body, order: OrderRequest) -> None:
    trigger = order.trigger
    if trigger is not None:
        body["triggerPrice"] = str(trigger.price)
        body["triggerDirection"] = _DIRECTION_NUMBERS[trigger.direction]
        body["triggerBy"] = TRIGGER_BY_WORDS[trigger.by]


def _add_legs(body: Body, order: OrderRequest) -> None:
    """Attach protection for the whole position, which fires at market (``tpslMode`` Full)."""
    if order.stop_loss is not None:
        body["stopLoss"] = str(order.stop_loss.price)
        body["slTriggerBy"] = TRIGGER_BY_WORDS[order.stop_loss.by]
    if order.take_profit is not None:
        body["takeProfit"] = str(order.take_profit.price)
        body["tpTriggerBy"] = TRIGGER_BY_WORDS[order.take_profit.by]
    if order.stop_loss is not None or order.take_profit is not None:
        body["tpslMode"] = "Full"


def _add_slippage(body: Body, order: OrderRequest) -> None:
    """Bound a market order: per cent with two decimals, rounded down so as never to be looser."""
    if order.slippage_max is None:
        return
    exact = EXACT.multiply(order.slippage_max.value, _PER_CENT)
    per_cent = exact.quantize(_PER_CENT_STEP, rounding=ROUND_FLOOR, context=EXACT)
    if order.kind is not OrderKind.MARKET or order.trigger is not None or per_cent <= 0:
        raise Unsendable(
            f"order {order.client_id} bounds its slippage at {order.slippage_max}: accepted is at "
            "least 0.0001, on a market order without a trigger"
        )
    body["slippageToleranceType"] = "Percent"
    body["slippageTolerance"] = format(per_cent, "f")


def amend_body(change: Amendment) -> Body:
    """Return the body of ``order/amend``: only what changes; ``qty`` is the new total.

    A leg at price zero is written as ``0``, which clears it.
    """
    body = {**_base(change.symbol), "orderLinkId": change.client_id}
    for name, value in (
        ("qty", change.qty),
        ("price", change.price),
        ("triggerPrice", change.trigger_price),
    ):
        if value is not None:
            body[name] = str(value)
    for leg, price_name, by_name in (
        (change.stop_loss, "stopLoss", "slTriggerBy"),
        (change.take_profit, "takeProfit", "tpTriggerBy"),
    ):
        if leg is None:
            continue
        if not leg.price.sign:
            body[price_name] = "0"
            continue
        body[price_name] = str(leg.price)
        body[by_name] = TRIGGER_BY_WORDS[leg.by]
    return body


def batch_body(bodies: Sequence[Body]) -> dict[str, object]:
    """Return the body of a batch: the category once, and in each order all the rest."""
    orders = [{k: v for k, v in body.items() if k != "category"} for body in bodies]
    return {"category": CATEGORY, "request": orders}


def cancel_all_body(symbol: Symbol | None) -> Body:
    """Return the body of ``order/cancel-all`` for one symbol, or all that settle in USDT.

    Without a filter it means conditional and protective orders too.
    """
    return {"category": CATEGORY, "settleCoin": "USDT"} if symbol is None else _base(symbol)


def cancel_body(
    symbol: Symbol, *, client_id: ClientId | None, venue_id: VenueOrderId | None
) -> Body:
    """Return the body of ``order/cancel`` by exactly one of the two ids."""
    assert (client_id is None) is not (venue_id is None), f"one id of {client_id}, {venue_id}"
    if client_id is not None:
        return {**_base(symbol), "orderLinkId": client_id}
    return {**_base(symbol), "orderId": str(venue_id)}


def stop_body(stop: PositionStop) -> Body:
    """Return the body of ``position/trading-stop`` for the whole position; zero clears a leg."""
    body = {**_base(stop.symbol), "tpslMode": "Full", "positionIdx": 0}
    if stop.stop_loss is not None:
        body["stopLoss"] = str(stop.stop_loss)
        body["slTriggerBy"] = TRIGGER_BY_WORDS[stop.stop_loss_by]
    if stop.take_profit is not None:
        body["takeProfit"] = str(stop.take_profit)
        body["tpTriggerBy"] = TRIGGER_BY_WORDS[stop.take_profit_by]
    if stop.trailing_distance is not None:
        body["trailingStop"] = str(stop.trailing_distance)
    if stop.trailing_activation is not None:
        body["activePrice"] = str(stop.trailing_activation)
    return body


def leverage_body(symbol: Symbol, leverage: Rate) -> Body:
    """Return the body of ``position/set-leverage``; both sides are equal in one-way mode."""
    return {**_base(symbol), "buyLeverage": str(leverage), "sellLeverage": str(leverage)}
