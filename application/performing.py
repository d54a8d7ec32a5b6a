"""One blocking call: an effect run against the exchange port, its answer turned into inputs."""

import logging
from typing import assert_never

import attrs
from tidegate.domain.core import inputs as given
from tidegate.domain.core.effects import (
    AmendOrder,
    ApplySetting,
    Cancel,
    Effect,
    FindOrder,
    Place,
    ReadActivity,
    ReadInstrument,
    ReadPosition,
    ReadRecords,
    SetLeverage,
    SetProtection,
    SetStop,
    TakeInventory,
)
from tidegate.domain.money import ZERO_QTY
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Execution, OrderReport, RejectReason
from tidegate.ports.account import PartialStop
from tidegate.ports.clock import ClockPort
from tidegate.ports.exchange import (
    Accepted,
    Amendment,
    Cancellation,
    Capability,
    Done,
    ExchangePort,
    History,
    NotSupported,
    PositionStop,
    Rejected,
    TimeRange,
    Unknown,
    VenueError,
)

from .account_applying import apply_setting
from .activity import read_activity, read_records
from .withholding import withheld

__all__ = ["amended", "amendment", "cancellation", "cancelled", "perform", "placed"]

_LOG = logging.getLogger(__name__)


def perform(effect: Effect, port: ExchangePort, clock: ClockPort) -> tuple[given.Input, ...]:
    """Run one effect. A request always has an answer, or its order would wait for ever.

    A failed query gives no input, and what waits for it asks again later.
    """
    try:
        return _perform(effect, port, clock)
    except NotSupported as error:
        _LOG.warning("%s is not supported: %s", type(effect).__name__, error)
        return _not_supported(effect, error)
    except VenueError as error:
        _LOG.warning("%s failed: %s", type(effect).__name__, error)
        return _unanswered(effect, error, clock)


def _not_supported(effect: Effect, error: NotSupported) -> tuple[given.Input, ...]:
    """Answer for a venue that cannot do what was asked: nothing was sent."""
    if isinstance(effect, Place):
        return (
            given.PlaceRefused(
                client_id=effect.order.order.client_id,
                reason=RejectReason.NOT_SUPPORTED,
                code=None,
                message=str(error),
            ),
        )
    if isinstance(effect, SetProtection):
        return (
            given.ProtectionAnswered(
                symbol=effect.symbol,
                key=effect.key,
                refusal=str(error),
                reason=RejectReason.NOT_SUPPORTED,
            ),
        )
    if isinstance(effect, SetStop):
        return withheld(effect, str(error))
    return _declined(effect, str(error))


def _unanswered(effect: Effect, error: VenueError, clock: ClockPort) -> tuple[given.Input, ...]:
    """Answer for a request that broke on its way: it may or may not have arrived."""
    if isinstance(effect, AmendOrder):
        return (given.AmendAnswered(asked=effect, refusal=None),)
    if isinstance(effect, Place):
        return (
            given.PlaceUnknown(
                client_id=effect.order.order.client_id,
                sent_ms=clock.now_ms(),
                cause=str(error),
            ),
        )
    return _declined(effect, str(error))


def _declined(effect: Effect, why: str) -> tuple[given.Input, ...]:
    match effect:
        case SetLeverage():
            return (
                given.LeverageAnswered(symbol=effect.symbol, leverage=effect.leverage, refusal=why),
            )
        case SetStop():
            return (
                given.StopAnswered(
                    symbol=effect.symbol, price=effect.price, refusal=why, is_unknown=True
                ),
            )
        case AmendOrder():
            return (given.AmendAnswered(asked=effect, refusal=why),)
        case SetProtection():
            return (
                given.ProtectionAnswered(
                    symbol=effect.symbol, key=effect.key, refusal=why, is_unknown=True
                ),
            )
        case Cancel():
            return (
                given.CancelAnswered(
                    symbol=effect.symbol,
                    client_id=effect.client_id,
                    venue_id=effect.venue_id,
                    refusal=why,
                ),
            )
        case _:
            return ()


def _perform(effect: Effect, port: ExchangePort, clock: ClockPort) -> tuple[given.Input, ...]:
    match effect:
        case Place():
            return (placed(effect, port.place(effect.order)),)
        case Cancel():
            return (cancelled(effect, port.cancel(effect.symbol, cancellation(effect).order_id)),)
        case AmendOrder():
            return (_amend(effect, port),)
        case SetLeverage():
            answer = port.set_leverage(effect.symbol, effect.leverage)
            return (
                given.LeverageAnswered(
                    symbol=effect.symbol, leverage=effect.leverage, refusal=_refusal(answer)
                ),
            )
        case SetStop():
            answer = port.set_position_stop(
                PositionStop(symbol=effect.symbol, stop_loss=effect.price)
            )
            return (
                given.StopAnswered(
                    symbol=effect.symbol,
                    price=effect.price,
                    refusal=_refusal(answer),
                    is_unknown=isinstance(answer, Unknown),
                ),
            )
        case ApplySetting():
            return apply_setting(effect, port)
        case SetProtection():
            return (_protect(effect, port),)
        case _:
            return _query(effect, port, clock)


_Query = FindOrder | ReadPosition | ReadInstrument | ReadActivity | ReadRecords | TakeInventory


def _query(effect: _Query, port: ExchangePort, clock: ClockPort) -> tuple[given.Input, ...]:
    match effect:
        case FindOrder():
            return _find(effect, port, clock)
        case ReadPosition():
            return (port.position(effect.symbol),)
        case ReadInstrument():
            return (given.InstrumentRead(instrument=port.instrument(effect.symbol)),)
        case ReadActivity():
            return read_activity(effect, port, clock)
        case ReadRecords():
            return (read_records(effect, port, clock),)
        case TakeInventory():
            return _inventory(port)
        case _:
            assert_never(effect)


def placed(effect: Place, answer: Accepted | Rejected | Unknown) -> given.Input:
    """Return what the core is told of the answer to an order."""
    client_id = effect.order.order.client_id
    match answer:
        case Accepted():
            return given.PlaceAccepted(client_id=client_id, venue_id=answer.venue_id)
        case Rejected():
            return given.PlaceRefused(
                client_id=client_id,
                reason=answer.reason,
                code=answer.code,
                message=answer.message,
            )
        case Unknown():
            return given.PlaceUnknown(
                client_id=client_id, sent_ms=answer.sent_ms, cause=answer.cause
            )
        case _:
            assert_never(answer)


def _protect(effect: SetProtection, port: ExchangePort) -> given.Input:
    change, symbol = effect.change, effect.symbol
    pair = change.pair
    if pair is None:
        answer = port.set_position_stop(
            PositionStop(
                symbol=symbol,
                stop_loss=change.stop_loss,
                stop_loss_by=change.stop_loss_by,
                take_profit=change.take_profit,
                take_profit_by=change.take_profit_by,
                trailing_distance=change.trailing_distance,
                trailing_activation=change.trailing_activation,
            )
        )
    else:
        answer = port.add_partial_stop(
            PartialStop(
                symbol=symbol,
                qty=pair.qty,
                stop_loss=pair.stop_loss,
                take_profit=pair.take_profit,
                stop_loss_limit=pair.stop_loss_limit,
                take_profit_limit=pair.take_profit_limit,
            )
        )
    return given.ProtectionAnswered(
        symbol=symbol,
        key=effect.key,
        refusal=_refusal(answer),
        reason=answer.reason if isinstance(answer, Rejected) else None,
        is_unknown=isinstance(answer, Unknown),
        was_already=isinstance(answer, Done) and answer.was_already,
    )


def cancellation(effect: Cancel) -> Cancellation:
    """Return the cancel as the port takes it: ours by client id, foreign by venue id."""
    order_id = effect.client_id or effect.venue_id
    assert order_id is not None, f"a cancel in {effect.symbol} names no order"
    return Cancellation(symbol=effect.symbol, order_id=order_id)


def cancelled(effect: Cancel, answer: Accepted | Rejected | Unknown) -> given.Input:
    """Return what the core is told of the answer to a cancel."""
    return given.CancelAnswered(
        symbol=effect.symbol,
        client_id=effect.client_id,
        venue_id=effect.venue_id,
        refusal=None if isinstance(answer, Accepted) else _why(answer),
        is_gone=isinstance(answer, Rejected) and answer.reason in _GONE,
    )


def _amend(effect: AmendOrder, port: ExchangePort) -> given.Input:
    answer = port.amend(
        effect.symbol,
        effect.client_id,
        qty=effect.qty,
        price=effect.price,
        trigger_price=effect.trigger_price,
        stop_loss=effect.stop_loss,
        take_profit=effect.take_profit,
    )
    return amended(effect, answer)


def amendment(effect: AmendOrder) -> Amendment:
    """Return the change as the port takes it."""
    return Amendment(
        symbol=effect.symbol,
        client_id=effect.client_id,
        qty=effect.qty,
        price=effect.price,
        trigger_price=effect.trigger_price,
        stop_loss=effect.stop_loss,
        take_profit=effect.take_profit,
    )


def amended(effect: AmendOrder, answer: Accepted | Rejected | Unknown) -> given.Input:
    """Return what the core is told: an answer that never came says no more than one that took."""
    refusal = answer.message if isinstance(answer, Rejected) else None
    return given.AmendAnswered(asked=effect, refusal=refusal)


_GONE = frozenset({RejectReason.ORDER_NOT_FOUND, RejectReason.ORDER_FINISHED})


def _inventory(port: ExchangePort) -> tuple[given.Input, ...]:
    """Take the inventory; what could not be read stops entries besides, until it is compared."""
    held = port.holdings()
    whole = given.Inventory(
        positions=held.positions, orders=held.orders, unreadable=held.unreadable
    )
    return (*held.unreadable, whole)


def _why(answer: Rejected | Unknown) -> str:
    return answer.message if isinstance(answer, Rejected) else f"no answer: {answer.cause}"


def _refusal(answer: Done | Rejected | Unknown) -> str | None:
    return None if isinstance(answer, Done) else _why(answer)


def _find(effect: FindOrder, port: ExchangePort, clock: ClockPort) -> tuple[given.Input, ...]:
    """Look for an order, and for its executions: their messages may have been lost."""
    asked_ms = clock.now_ms()
    report = port.find_order(effect.symbol, effect.client_id)
    if report is None:
        return _not_found(effect, asked_ms, port, clock)
    is_filled = report.qty_filled > ZERO_QTY
    if not is_filled or Capability.HISTORY not in port.capabilities.supported:
        return (report,)
    return (*_executions(report, port, clock), report)


def _not_found(
    effect: FindOrder, asked_ms: int, port: ExchangePort, clock: ClockPort
) -> tuple[given.Input, ...]:
    """Say that no query knows the order, after all that it executed where that is asked for."""
    nothing = given.OrderNotFound(client_id=effect.client_id, asked_ms=asked_ms)
    if effect.since_ms is None or Capability.HISTORY not in port.capabilities.supported:
        return (nothing,)
    history = _history(effect.symbol, effect.since_ms, clock.now_ms(), port)
    rows = (row for row in history.rows if row.client_id == effect.client_id)
    return (*rows, attrs.evolve(nothing, has_executions=history.is_complete))


def _executions(report: OrderReport, port: ExchangePort, clock: ClockPort) -> tuple[Execution, ...]:
    end_ms = max(clock.now_ms(), report.updated_ms)
    rows = _history(report.symbol, report.created_ms, end_ms, port).rows
    return tuple(row for row in rows if row.venue_id == report.venue_id)


def _history(symbol: Symbol, since_ms: int, end_ms: int, port: ExchangePort) -> History[Execution]:
    """Return executions since a time; when they cannot be read there are none, not completely."""
    within = TimeRange(start_ms=min(since_ms, end_ms), end_ms=end_ms)
    try:
        return port.executions(symbol, within)
    except VenueError as error:
        _LOG.warning("the executions of %s could not be read: %s", symbol, error)
        return History(rows=(), covers=within, is_complete=False)
