"""An operator's reduce-only orders: every family, capped at the position, and never an opening."""

import attrs
from tidegate.domain.entry_terms import time_in_force_of
from tidegate.domain.grid import limit_price, qty_down
from tidegate.domain.instrument import Instrument
from tidegate.domain.limits_venue import split_close, venue_faults
from tidegate.domain.mode import TradingState
from tidegate.domain.money import ZERO_QTY, Price, Qty
from tidegate.domain.orders import (
    OrderKind,
    OrderRequest,
    Purpose,
    Role,
    Side,
    TimeInForce,
    Trigger,
)
from tidegate.domain.triggers import TriggerPassed, resolve_exit_trigger, watched_price

from .building import build_order
from .draft import Draft
from .events import OrderIntended
from .inputs import ReduceRequest
from .refusing import refuse_request, words_of

__all__ = ["reduce_asked"]


def reduce_asked(draft: Draft, request: ReduceRequest) -> None:
    """Record the orders that reduce a position as asked, or why they are not sent.

    A market order above the venue's maximum goes in parts, as a close does.
    """
    made = _orders(draft, request)
    if isinstance(made, str):
        refuse_request(draft, request.key, made, symbol=request.symbol)
        return
    for order in made:
        draft.emit(
            OrderIntended(
                trade_key=request.key,
                order=order,
                decision_price=_decision_price(draft, order),
                time_ms=draft.now_ms,
            )
        )


@attrs.frozen
class _Held:
    """What is held, and the specification that an order for it needs."""

    side: Side
    qty: Qty
    instrument: Instrument


def _orders(draft: Draft, request: ReduceRequest) -> tuple[OrderRequest, ...] | str:
    held = _held(draft, request)
    if isinstance(held, str):
        return held
    fault = _contradiction(request)
    if fault is not None:
        return fault
    qty = _qty(request, held)
    trigger = _trigger(draft, request, held)
    if isinstance(qty, str):
        return qty
    if isinstance(trigger, str):
        return trigger
    orders = tuple(
        _order(draft, request, held, trigger, part, index)
        for index, part in enumerate(_parts(request, held, qty))
    )
    faults = venue_faults(orders[0], held.instrument, _reference(orders[0]))
    return words_of(faults) if faults else orders


def _held(draft: Draft, request: ReduceRequest) -> _Held | str:
    symbol, state = request.symbol, draft.books.effective_state
    if state is TradingState.HALTED and not request.by_operator:
        return f"the desk is {state.name}: only an operator may reduce; wait, or ask by hand"
    trade = draft.trade(symbol)
    if draft.books.is_panic_running or (trade is not None and trade.closing is not None):
        return f"the position of {symbol} is being closed already: wait until it is flat"
    position, instrument = draft.books.position(symbol), draft.instrument(symbol)
    if position.side is None:
        return f"no position of {symbol} is held: there is nothing to reduce"
    if instrument is None:
        return f"the specification of {symbol} is not known: no price or quantity can be checked"
    return _Held(position.side, abs(position.qty), instrument)


def _contradiction(request: ReduceRequest) -> str | None:
    wished = request.time_in_force
    if request.price is None and wished is not None and wished is not TimeInForce.IOC:
        return (
            f"a market order with time in force {wished.value}; limit: a "
            "market order is ioc; leave it out, or give a price"
        )
    if request.close_on_trigger and request.trigger is None:
        return "close on trigger without a trigger; limit: conditional orders; give a trigger"
    named = {
        "price": request.price,
        "trigger": None if request.trigger is None else request.trigger.price,
        "quantity": request.qty,
    }
    for name, value in named.items():
        if value is not None and value.sign <= 0:
            return f"{name} {value}; limit: above 0; give a {name} above zero, or none"
    return None


def _qty(request: ReduceRequest, held: _Held) -> Qty | str:
    """Return what is asked, at most what is held; all of it may be dust off the grid."""
    if request.qty is None or request.qty >= held.qty:
        return held.qty
    step = held.instrument.qty_step
    qty = qty_down(request.qty, step)
    if qty > ZERO_QTY:
        return qty
    return f"quantity {request.qty}; limit: a step of {step}; give {step} or more, up to {held.qty}"


def _trigger(draft: Draft, request: ReduceRequest, held: _Held) -> Trigger | str | None:
    if request.trigger is None:
        return None
    ticker = draft.view.tickers.get(request.symbol)
    if ticker is None:
        return f"the price of {request.symbol} is not known: a trigger may have been passed already"
    now = watched_price(ticker, request.trigger.by)
    trigger = resolve_exit_trigger(request.trigger, now=now, tick=held.instrument.tick)
    return str(trigger) if isinstance(trigger, TriggerPassed) else trigger


def _parts(request: ReduceRequest, held: _Held, qty: Qty) -> tuple[Qty, ...]:
    return (qty,) if request.price is not None else split_close(qty, held.instrument)


def _order(
    draft: Draft,
    request: ReduceRequest,
    held: _Held,
    trigger: Trigger | None,
    qty: Qty,
    index: int,
) -> OrderRequest:
    purpose, side, price = Purpose(Role.EXIT), held.side.opposite, request.price
    kind = OrderKind.MARKET if price is None else OrderKind.LIMIT
    return build_order(
        draft.books.client_id(request.key, purpose, index),
        purpose=purpose,
        symbol=request.symbol,
        side=side,
        qty=qty,
        price=None if price is None else limit_price(price, held.instrument.tick, side=side),
        time_in_force=time_in_force_of(kind, request.time_in_force),
        trigger=trigger,
        close_on_trigger=request.close_on_trigger,
    )


def _reference(order: OrderRequest) -> Price:
    """Return the price that values the order: none is needed, a reduction has no least value."""
    if order.price is not None:
        return order.price
    return Price.of(0) if order.trigger is None else order.trigger.price


def _decision_price(draft: Draft, order: OrderRequest) -> Price | None:
    """Return what the execution is compared with: limit, trigger, or what the market offers."""
    if order.price is not None:
        return order.price
    if order.trigger is not None:
        return order.trigger.price
    ticker = draft.view.tickers.get(order.symbol)
    if ticker is None:
        return None
    return ticker.ask if order.side is Side.BUY else ticker.bid
