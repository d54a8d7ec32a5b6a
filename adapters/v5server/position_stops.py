"""POST position/trading-stop (Bybit V5): the protection of a position, whole or in parts."""

from tidegate.domain.instrument import Instrument
from tidegate.domain.money import Distance
from tidegate.ports.exchange import Done, PositionStop, Rejected, Unknown
from tidegate.ports.venue import PartialStop

from .errors import V5Error
from .operations_orders import check_category, check_position_index, refused
from .order_reading import leg, leg_limit, trigger_by
from .reading import Params, bad
from .replies import Reply
from .routes import Call

__all__ = ["NOT_MODIFIED", "trading_stop"]

NOT_MODIFIED = 34040

_LEGS = ("takeProfit", "stopLoss", "trailingStop")


def trading_stop(call: Call) -> Reply:
    """Set, move or clear protection; with ``tpslMode`` Partial a pair of legs is added.

    Raises:
        V5Error: the request is refused; nothing was changed.
        NotSupported: the venue behind the server lacks it.

    """
    params = call.params
    check_category(params)
    instrument = call.exchange.instrument(params.need("symbol"))
    check_position_index(call.account, params)
    if not any(params.has(name) for name in _LEGS):
        raise V5Error(NOT_MODIFIED, "not modified")
    mode = call.account.tpsl_modes.get(instrument.symbol, "Full")
    match params.text("tpslMode", mode):
        case "Full":
            outcome = call.account.venue.set_position_stop(_whole(params, instrument))
        case "Partial":
            outcome = call.account.venue.add_partial_stop(_part(params, instrument))
        case mode:
            raise bad(f"tpslMode is {mode!r}; accepted: Full, Partial")
    return _answer(outcome)


def _answer(outcome: Done | Rejected | Unknown) -> Reply:
    match outcome:
        case Done(was_already=True):
            raise V5Error(NOT_MODIFIED, "not modified")
        case Done():
            return Reply()
        case Rejected():
            raise refused(outcome)
        case Unknown(cause=cause):
            raise V5Error(10016, f"no answer to the change: {cause}")


def _whole(params: Params, instrument: Instrument) -> PositionStop:
    if leg_limit(params, "tp") is not None or leg_limit(params, "sl") is not None:
        raise bad("a Limit take-profit or stop-loss needs tpslMode Partial")
    distance = params.price("trailingStop")
    return PositionStop(
        symbol=instrument.symbol,
        stop_loss=params.price("stopLoss"),
        stop_loss_by=trigger_by(params, "slTriggerBy"),
        take_profit=params.price("takeProfit"),
        take_profit_by=trigger_by(params, "tpTriggerBy"),
        trailing_distance=None if distance is None else Distance(distance.value),
        trailing_activation=params.price("activePrice"),
    )


def _part(params: Params, instrument: Instrument) -> PartialStop:
    sizes = [params.qty(name) for name in ("tpSize", "slSize")]
    given = [size for size in sizes if size is not None]
    if not given or given[0] != given[-1]:
        raise bad(f"tpSize {sizes[0]} and slSize {sizes[1]}: equal sizes are needed with Partial")
    if params.has("trailingStop"):
        raise bad("trailingStop is for the whole position: it needs tpslMode Full")
    stop, target = leg(params, "stopLoss", "slTriggerBy"), leg(params, "takeProfit", "tpTriggerBy")
    if stop is None and target is None:
        raise V5Error(NOT_MODIFIED, "not modified")
    try:
        return PartialStop(
            symbol=instrument.symbol,
            qty=given[0],
            stop_loss=stop,
            take_profit=target,
            stop_loss_limit=None if stop is None else leg_limit(params, "sl"),
            take_profit_limit=None if target is None else leg_limit(params, "tp"),
        )
    except ValueError as error:
        raise bad(str(error)) from error
