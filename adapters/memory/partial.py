"""Pairs of legs that protect a part of a position each (Bybit V5, ``tpslMode`` "Partial").

They stand beside the legs of the whole position. One that fires or is cancelled takes the other of
its pair with it, none is ever larger than the position, and all end with it.
"""

from collections.abc import Iterator

from tidegate.domain.grid import is_on_grid
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import ZERO_MONEY, ZERO_QTY, Price
from tidegate.domain.orders import OrderKind, ProtectiveLeg, Side, TimeInForce, Trigger
from tidegate.domain.reports import OrderReport, Origin, RejectReason
from tidegate.ports.account import PartialStop
from tidegate.ports.exchange import Done

from .books import Books
from .checks import leg_refusal, price_refusal
from .faults import Refusal
from .margins import announce
from .protection import price_of, trigger_direction

__all__ = ["PARTIAL_LEGS_MAX", "add_partial_stop"]

PARTIAL_LEGS_MAX = 20
"""How many stops, and how many targets, for parts of one position may wait (code 110061)."""

_PARAMETER = 10001
_Part = tuple[Origin, ProtectiveLeg, Price | None]


def _parts(stop: PartialStop) -> Iterator[_Part]:
    if stop.stop_loss is not None:
        yield Origin.STOP_LOSS, stop.stop_loss, stop.stop_loss_limit
    if stop.take_profit is not None:
        yield Origin.TAKE_PROFIT, stop.take_profit, stop.take_profit_limit


def add_partial_stop(books: Books, stop: PartialStop) -> Done | Refusal:
    """Add a pair of legs to an open position; nothing is added unless all of it is valid.

    ``Done``: it is so now, ``was_already`` where it was so before; ``Refusal``: why not, and
    nothing changed.

    Raises:
        QueryFailed: the symbol does not trade here, or has no price yet.

    """
    side = books.position(stop.symbol).side
    if side is None:
        return Refusal(
            reason=RejectReason.NO_POSITION,
            code=_PARAMETER,
            message="can not set tp/sl/ts for zero position",
        )
    refusal = _qty_refusal(books, stop)
    for part in _parts(stop):
        refusal = refusal or _part_refusal(books, stop, part, side)
    if refusal is not None:
        return refusal
    pair = books.next_pair()
    for part in _parts(stop):
        leg = books.put(_leg(books, stop, part, side))
        books.pairs[leg.venue_id] = pair
    announce(books, stop.symbol)
    return Done(time_ms=books.now_ms())


def _qty_refusal(books: Books, stop: PartialStop) -> Refusal | None:
    spec, held = books.instrument(stop.symbol), abs(books.position(stop.symbol).qty)
    if not is_on_grid(stop.qty, spec.qty_step):
        return Refusal(
            reason=RejectReason.OFF_GRID,
            code=_PARAMETER,
            message=f"tp/sl size {stop.qty} is no multiple of step {spec.qty_step}",
        )
    if not spec.qty_min <= stop.qty <= held:
        return Refusal(
            reason=RejectReason.QTY_OUT_OF_RANGE,
            code=_PARAMETER,
            message=f"tp/sl size {stop.qty}: {spec.qty_min} to the position's {held}",
        )
    return None


def _part_refusal(books: Books, stop: PartialStop, part: _Part, side: Side) -> Refusal | None:
    origin, leg, limit = part
    spec, now = books.instrument(stop.symbol), price_of(books.quote(stop.symbol), leg.by)
    refusal = leg_refusal(spec, leg, origin, side, [now]) or price_refusal(spec, limit, "limit")
    if refusal is not None:
        return refusal
    waiting = sum(
        order.origin is origin and order.status is Status.UNTRIGGERED
        for order in books.live(stop.symbol)
        if order.venue_id in books.pairs
    )
    if waiting < PARTIAL_LEGS_MAX:
        return None
    return Refusal(
        reason=RejectReason.TOO_MANY_ORDERS,
        code=110061,
        message=f"{waiting} partial {origin.value} orders wait; the limit is {PARTIAL_LEGS_MAX}",
    )


def _leg(books: Books, stop: PartialStop, part: _Part, side: Side) -> OrderReport:
    origin, leg, limit = part
    return OrderReport(
        symbol=stop.symbol,
        venue_id=books.next_order_id(),
        client_id=None,
        side=side.opposite,
        kind=OrderKind.MARKET if limit is None else OrderKind.LIMIT,
        status=Status.UNTRIGGERED,
        origin=origin,
        qty=stop.qty,
        qty_filled=ZERO_QTY,
        value_filled=ZERO_MONEY,
        price=limit,
        trigger=Trigger(price=leg.price, direction=trigger_direction(origin, side), by=leg.by),
        time_in_force=TimeInForce.IOC if limit is None else TimeInForce.GTC,
        reduce_only=True,
        created_ms=books.now_ms(),
        updated_ms=books.now_ms(),
    )
