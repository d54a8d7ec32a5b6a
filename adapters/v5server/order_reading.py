"""What a create request means: an order for the venue, in the words of the domain."""

import uuid
from collections.abc import Mapping
from decimal import ROUND_UP, Decimal
from types import MappingProxyType
from typing import TypeVar

import attrs
from tidegate.domain.instrument import Instrument
from tidegate.domain.money import EXACT, ZERO_QTY, Distance, Price, Qty, Rate
from tidegate.domain.orders import (
    ClientId,
    OrderKind,
    OrderRequest,
    ProtectiveLeg,
    Purpose,
    Role,
    Side,
    TimeInForce,
    Trigger,
    TriggerBy,
)
from tidegate.domain.reports import PositionReport, Ticker
from tidegate.ports.venue import PartialLegs, SelfMatch

from .errors import V5Error
from .reading import Params, bad
from .text import DIRECTIONS, HIDDEN_PREFIX, KINDS, SIDES, SMP_TYPES, TIMES_IN_FORCE, TRIGGERS_BY

__all__ = [
    "LINK_ID_LENGTH_MAX",
    "WantedOrder",
    "leg",
    "leg_change",
    "leg_limit",
    "link_id_given",
    "trigger_by",
    "wanted_order",
]

V = TypeVar("V")

LINK_ID_LENGTH_MAX = 36
_SLIPPAGE_DECIMALS = Decimal("1e-30")
_TICKS_MAX = 10_000
_PERCENT_MIN, _PERCENT_MAX = Decimal("0.01"), Decimal(10)

_SIDES = MappingProxyType({word: side for side, word in SIDES.items()})
_KINDS = MappingProxyType({word: kind for kind, word in KINDS.items()})
_TIMES = MappingProxyType({word: time for time, word in TIMES_IN_FORCE.items()})
_TRIGGERS_BY: Mapping[str, TriggerBy] = MappingProxyType(
    {word: by for by, word in TRIGGERS_BY.items()}
)
_SELF_MATCHES = MappingProxyType({word: kind for kind, word in SMP_TYPES.items()})
_LEG_MODES = MappingProxyType({"Full": "Full", "Partial": "Partial"})
_DIRECTIONS = MappingProxyType({str(number): way for way, number in DIRECTIONS.items()})


def link_id_given(params: Params) -> str:
    """Return ``orderLinkId``, which may be absent; refuse what is no such id.

    Raises:
        V5Error: a parameter is missing, or is not one that the venue takes; the code is the
            venue's.

    """
    text = params.text("orderLinkId")
    letters = text.replace("-", "").replace("_", "")
    is_plain = letters.isascii() and (letters.isalnum() or not letters)
    if len(text) > LINK_ID_LENGTH_MAX or not is_plain or text.startswith(HIDDEN_PREFIX):
        raise bad(
            f"orderLinkId {text!r}: at most {LINK_ID_LENGTH_MAX} of 0-9 A-Z a-z - _ are accepted, "
            f"not beginning with {HIDDEN_PREFIX}"
        )
    return text


def trigger_by(params: Params, name: str) -> TriggerBy:
    """Return the price that fires a trigger; the last price by default.

    Raises:
        V5Error: a parameter is missing, or is not one that the venue takes; the code is the
            venue's.

    """
    return params.choice(name, _TRIGGERS_BY, TriggerBy.LAST)


def leg(params: Params, price_name: str, by_name: str) -> ProtectiveLeg | None:
    """Return an attached stop or target; ``"0"`` and nothing mean none."""
    changed = leg_change(params, price_name, by_name)
    return None if changed is None or changed.price.sign == 0 else changed


def leg_change(params: Params, price_name: str, by_name: str) -> ProtectiveLeg | None:
    """Return the change of a leg: at price zero it goes, ``None`` leaves it as it is."""
    price = params.price(price_name)
    if price is None:
        return None
    return ProtectiveLeg(price=price, by=trigger_by(params, by_name))


@attrs.frozen(kw_only=True)
class WantedOrder:
    """A create request, and what the venue is told besides the order."""

    request: OrderRequest
    legs: PartialLegs | None = None
    self_match: SelfMatch = SelfMatch.NONE


def wanted_order(
    params: Params, *, instrument: Instrument, position: PositionReport, ticker: Ticker
) -> WantedOrder:
    """Read a create request; :class:`V5Error` says what is wrong with it.

    Raises:
        V5Error: a parameter is missing, or is not one that the venue takes; the code is the
            venue's.

    """
    return WantedOrder(
        request=_request(params, instrument=instrument, position=position, ticker=ticker),
        legs=_partial_legs(params),
        self_match=params.choice("smpType", _SELF_MATCHES, SelfMatch.NONE),
    )


def _partial_legs(params: Params) -> PartialLegs | None:
    """Return the sizes of their own that ``tpslMode`` Partial gives the legs."""
    mode = params.choice("tpslMode", _LEG_MODES, "Full")
    limits = {name: leg_limit(params, name) for name in ("tp", "sl")}
    if mode == "Full":
        if any(limit is not None for limit in limits.values()):
            raise bad("a Limit take-profit or stop-loss needs tpslMode Partial")
        return None
    return PartialLegs(stop_loss_limit=limits["sl"], take_profit_limit=limits["tp"])


def leg_limit(params: Params, name: str) -> Price | None:
    """Return the limit of a leg of type Limit; ``name`` is ``tp`` or ``sl``.

    Raises:
        V5Error: a parameter is missing, or is not one that the venue takes; the code is the
            venue's.

    """
    kind = params.choice(f"{name}OrderType", _KINDS, OrderKind.MARKET)
    limit = params.price(f"{name}LimitPrice")
    if kind is OrderKind.MARKET or limit is None:
        return None
    return limit


def _request(
    params: Params, *, instrument: Instrument, position: PositionReport, ticker: Ticker
) -> OrderRequest:
    if params.has("bboSideType"):
        raise bad("bboSideType: orders priced from the book are not served here; give a price")
    side = _required(params, "side", _SIDES)
    kind = _required(params, "orderType", _KINDS)
    link_id = link_id_given(params) or f"{HIDDEN_PREFIX}{uuid.uuid4().hex}"
    reduces = params.flag("reduceOnly")
    try:
        return OrderRequest(
            client_id=ClientId(link_id),
            symbol=instrument.symbol,
            side=side,
            qty=_qty(params, kind, instrument, position),
            kind=kind,
            purpose=Purpose(Role.ENTRY),
            price=_price(params, kind),
            time_in_force=_time_in_force(params, kind),
            reduce_only=reduces,
            close_on_trigger=params.flag("closeOnTrigger"),
            trigger=_trigger(params),
            stop_loss=leg(params, "stopLoss", "slTriggerBy"),
            take_profit=leg(params, "takeProfit", "tpTriggerBy"),
            slippage_max=_slippage(params, side=side, kind=kind, tick=instrument.tick, now=ticker),
        )
    except ValueError as error:
        raise bad(str(error)) from error


def _required(params: Params, name: str, choices: Mapping[str, V]) -> V:
    params.need(name)
    return params.choice(name, choices, next(iter(choices.values())))


def _qty(params: Params, kind: OrderKind, instrument: Instrument, position: PositionReport) -> Qty:
    """Return the quantity; zero with both flags closes the whole position (Bybit V5, create)."""
    qty = params.qty("qty")
    if qty is None:
        raise bad("qty is missing")
    if qty != ZERO_QTY or not (params.flag("reduceOnly") and params.flag("closeOnTrigger")):
        return qty
    if position.qty == ZERO_QTY:
        raise V5Error(110017, "current position is zero, cannot fix reduce-only order qty")
    is_market = kind is OrderKind.MARKET
    return min(
        abs(position.qty), instrument.qty_max_market if is_market else instrument.qty_max_limit
    )


def _price(params: Params, kind: OrderKind) -> Price | None:
    if kind is OrderKind.MARKET:
        return None
    price = params.price("price")
    if price is None:
        raise bad("price is missing: a Limit order needs one")
    return price


def _time_in_force(params: Params, kind: OrderKind) -> TimeInForce:
    default = TimeInForce.IOC if kind is OrderKind.MARKET else TimeInForce.GTC
    if params.text("timeInForce") == "RPI":
        raise bad("timeInForce RPI is not served here; accepted: " + ", ".join(_TIMES))
    found = params.choice("timeInForce", _TIMES, default)
    return default if kind is OrderKind.MARKET else found


def _trigger(params: Params) -> Trigger | None:
    price = params.price("triggerPrice")
    if price is None or price.sign == 0:
        return None
    direction = params.text("triggerDirection")
    if direction not in _DIRECTIONS:
        raise bad(f"triggerDirection is {direction!r}; 1 (rises to) or 2 (falls to) is accepted")
    by = trigger_by(params, "triggerBy")
    return Trigger(price=price, direction=_DIRECTIONS[direction], by=by)


def _slippage(
    params: Params, *, side: Side, kind: OrderKind, tick: Distance, now: Ticker
) -> Rate | None:
    """Return the tolerance as a fraction of the best price, rounded up in the last of 30 digits.

    The venue behind rounds the bound to the grid toward the best price: rounded down, the fraction
    of a whole number of ticks would lose the last of them.
    """
    word = params.text("slippageToleranceType")
    if not word:
        return None
    if kind is not OrderKind.MARKET:
        raise bad("slippageToleranceType is for Market orders only")
    given = params.amount(Rate, "slippageTolerance")
    if given is None:
        raise bad("slippageTolerance is missing beside its type")
    match word:
        case "TickSize":
            if given.value != given.value.to_integral_value() or not 1 <= given.value <= _TICKS_MAX:
                raise V5Error(
                    110108, f"slippageTolerance {given}: a whole number from 1 to {_TICKS_MAX}"
                )
            best = now.ask if side is Side.BUY else now.bid
            fraction = EXACT.divide(EXACT.multiply(given.value, tick.value), best.value)
        case "Percent":
            if not _PERCENT_MIN <= given.value <= _PERCENT_MAX:
                raise V5Error(
                    110109, f"slippageTolerance {given}: {_PERCENT_MIN} to {_PERCENT_MAX} percent"
                )
            fraction = EXACT.divide(given.value, Decimal(100))
        case _:
            raise bad(f"slippageToleranceType is {word!r}; accepted: TickSize, Percent")
    return Rate(fraction.quantize(_SLIPPAGE_DECIMALS, rounding=ROUND_UP, context=EXACT))
