"""Rules about changing what protects a position: tightening is free, loosening is judged.

A trading state never holds back a tighter stop, and neither does a limit: whatever it is, less is
at risk after it. What takes protection away is judged by the limits of an entry.
"""

import attrs
from tidegate.domain.costs import Costs
from tidegate.domain.instrument import Instrument
from tidegate.domain.managed_levels import is_tighter
from tidegate.domain.mode import TradingState
from tidegate.domain.money import ZERO_DISTANCE, Distance, Money, Price, Qty
from tidegate.domain.orders import Side, Symbol
from tidegate.domain.protection import PartialPair, ProtectionChange

from . import wording
from .bounds import EQUITY
from .limits import RiskLimits
from .trade_loss import AtRisk, worst_loss
from .verdict import Breach, Missing, Rule

__all__ = ["HeldPosition", "Objection", "judge_protection"]

Objection = Breach | Missing


@attrs.frozen(kw_only=True)
class HeldPosition:
    """A position as the rules look at it when its protection is to change.

    ``qty`` is unsigned base coin, ``entry`` its average entry and ``last`` the last price. ``stop``
    is the tightest that is known to be wanted or shown. ``liquidation`` is ``None`` where the
    venue names none; ``is_reported`` tells whether the venue was heard at all. ``entries`` are what
    the symbol's entries in flight may add to it.
    """

    symbol: Symbol
    side: Side
    qty: Qty
    entry: Price
    last: Price
    stop: Price | None
    trailing: Distance | None
    liquidation: Price | None
    is_reported: bool
    equity: Money | None
    costs: Costs | None
    instrument: Instrument
    trading_state: TradingState
    entries: tuple[AtRisk, ...] = ()


def judge_protection(
    change: ProtectionChange, held: HeldPosition, limits: RiskLimits
) -> tuple[Objection, ...]:
    """Return everything that forbids a change, nothing when it may be sent."""
    found: list[Objection | None] = []
    if change.pair is not None:
        return _of_pair(change.pair, held)
    if change.stop_loss is not None:
        found += _of_stop(_or_none(change.stop_loss), held, limits)
    if change.take_profit is not None and change.take_profit.sign > 0:
        found += [_target_side(change.take_profit, held), _in_range(change.take_profit, held)]
    if change.trailing_distance is not None:
        found += _of_trailing(change.trailing_distance, change, held)
    return tuple(one for one in found if one is not None)


def _or_none(price: Price) -> Price | None:
    return None if price.sign == 0 else price


def _is_looser(stop: Price | None, held: HeldPosition) -> bool:
    if stop is None:
        return held.stop is not None
    return held.stop is not None and is_tighter(held.stop, stop, side=held.side)


def _of_stop(stop: Price | None, held: HeldPosition, limits: RiskLimits) -> list[Objection | None]:
    found: list[Objection | None] = []
    is_looser = _is_looser(stop, held)
    if is_looser:
        found.append(_not_halted(_written(stop), held))
    if stop is None:
        return [*found, _stop_required(limits)]
    found += [_stop_side(stop, held), _in_range(stop, held)]
    if is_looser or held.stop is None:
        found.append(_before_liquidation(stop, held))
    if is_looser:
        found.append(_trade_risk(stop, held, limits))
    return found


def _written(stop: Price | None) -> str:
    return "no stop" if stop is None else f"a stop at {wording.price(stop)}"


def _not_halted(wanted: str, held: HeldPosition) -> Breach | None:
    if held.trading_state is not TradingState.HALTED:
        return None
    present = "nothing" if held.stop is None else wording.price(held.stop)
    return Breach(
        rule=Rule.TRADING_STATE,
        observed=f"{wanted} in place of {present} while HALTED",
        limit="placing or tightening protection",
        remedy="tighten it, close the position, or set the trading state to ACTIVE first",
    )


def _stop_required(limits: RiskLimits) -> Breach | None:
    if not limits.stop_required:
        return None
    return Breach(
        rule=Rule.PROTECTIVE_STOP,
        observed="no stop",
        limit="a protective stop",
        remedy="move the stop, close the position, or set limits.stop_required to false",
    )


def _stop_side(stop: Price, held: HeldPosition) -> Breach | None:
    if (held.last - stop).times(held.side.sign) > ZERO_DISTANCE:
        return None
    where = "below" if held.side is Side.BUY else "above"
    return Breach(
        rule=Rule.PROTECTIVE_STOP,
        observed=f"stop at {wording.price(stop)}",
        limit=f"{where} the last price of {wording.price(held.last)}",
        remedy="it would fire at once: close the position, or give a stop on the other side",
    )


def _target_side(target: Price, held: HeldPosition) -> Breach | None:
    if (target - held.last).times(held.side.sign) > ZERO_DISTANCE:
        return None
    where = "above" if held.side is Side.BUY else "below"
    return Breach(
        rule=Rule.VENUE_LIMITS,
        observed=f"take-profit at {wording.price(target)}",
        limit=f"{where} the last price of {wording.price(held.last)}",
        remedy="it would fire at once: close the position, or give a target on the other side",
    )


def _in_range(price: Price, held: HeldPosition) -> Breach | None:
    low, high = held.instrument.price_min, held.instrument.price_max
    if low <= price <= high:
        return None
    return Breach(
        rule=Rule.VENUE_LIMITS,
        observed=wording.price(price),
        limit=f"{wording.price(low)} to {wording.price(high)}",
        remedy="give a price that the venue takes",
    )


def _before_liquidation(stop: Price, held: HeldPosition) -> Objection | None:
    if not held.is_reported:
        return Missing(rule=Rule.LIQUIDATION_DISTANCE, what="the venue's view of the position")
    liquidation = held.liquidation
    if liquidation is None or is_tighter(stop, liquidation, side=held.side):
        return None
    return Breach(
        rule=Rule.LIQUIDATION_DISTANCE,
        observed=f"stop at {wording.price(stop)}",
        limit=f"before the liquidation at {wording.price(liquidation)}",
        remedy="move the stop nearer to the price, or add margin",
    )


def _trade_risk(stop: Price, held: HeldPosition, limits: RiskLimits) -> Objection | None:
    if held.equity is None:
        return Missing(rule=Rule.TRADE_RISK, what=EQUITY)
    if held.costs is None:
        return Missing(rule=Rule.TRADE_RISK, what="the account's fee rates")
    position = AtRisk(side=held.side, qty=held.qty, entry=held.entry, stop=stop)
    parts = [position, *(entry.under(stop) for entry in held.entries)]
    loss, cap = worst_loss(parts, held.costs), held.equity * limits.risk_per_trade_max
    if loss <= cap:
        return None
    return Breach(
        rule=Rule.TRADE_RISK,
        observed=f"{wording.usdt_above(loss)} lost at a stop of {wording.price(stop)}",
        limit=wording.usdt_below(cap),
        remedy=(
            "give a nearer stop, reduce the position, or cancel its entries first"
            if held.entries
            else "give a nearer stop, or reduce the position first"
        ),
    )


def _of_trailing(
    distance: Distance, change: ProtectionChange, held: HeldPosition
) -> list[Objection | None]:
    known = held.trailing
    if known is not None and (distance.sign == 0 or distance > known):
        wanted = "no trailing stop" if distance.sign == 0 else f"trailing {distance}"
        halted = _not_halted(wanted, held)
    else:
        halted = None
    if distance.sign == 0:
        return [halted]
    return [halted, _trailing_distance(distance, held), _activation(change, held)]


def _trailing_distance(distance: Distance, held: HeldPosition) -> Breach | None:
    if distance < Distance(held.last.value):
        return None
    return Breach(
        rule=Rule.VENUE_LIMITS,
        observed=f"trailing distance {distance}",
        limit=f"below the last price of {wording.price(held.last)}",
        remedy="give a distance in price, not a price",
    )


def _activation(change: ProtectionChange, held: HeldPosition) -> Breach | None:
    activation = change.trailing_activation
    if activation is None or (activation - held.last).times(held.side.sign) > ZERO_DISTANCE:
        return None
    where = "above" if held.side is Side.BUY else "below"
    return Breach(
        rule=Rule.VENUE_LIMITS,
        observed=f"trailing from {wording.price(activation)} on",
        limit=f"{where} the last price of {wording.price(held.last)}",
        remedy="leave the activation out to trail at once",
    )


def _of_pair(pair: PartialPair, held: HeldPosition) -> tuple[Objection, ...]:
    """Judge a partial pair: it comes on top, so nothing is loosened by it."""
    found: list[Objection | None] = []
    if pair.stop_loss is not None:
        price = pair.stop_loss.price
        found += [_stop_side(price, held), _in_range(price, held)]
    if pair.take_profit is not None:
        price = pair.take_profit.price
        found += [_target_side(price, held), _in_range(price, held)]
    if not held.instrument.qty_min <= pair.qty <= held.qty:
        coin = held.instrument.base_coin
        found.append(
            Breach(
                rule=Rule.VENUE_LIMITS,
                observed=wording.coins(pair.qty, coin),
                limit=f"{wording.coins(held.instrument.qty_min, coin)} to the position's "
                f"{wording.coins(held.qty, coin)}",
                remedy="give a part of the position",
            )
        )
    return tuple(one for one in found if one is not None)
