"""Approvals for the suite: the real judge, over a desk that has room for anything.

Venues must also be shown orders that they refuse, so the judge sees an instrument without limits.
"""

import attrs
from tidegate.domain.instrument import Instrument, InstrumentStatus, RiskTier
from tidegate.domain.mode import VENUES_OF, TradingMode, TradingState, VenueKind
from tidegate.domain.money import ONE, ZERO_MONEY, ZERO_RATE, Money, Price, Qty, Rate
from tidegate.domain.orders import OrderRequest, Side
from tidegate.domain.reports import MarginMode
from tidegate.domain.risk.approval import Approved
from tidegate.domain.risk.judge import Refused, judge
from tidegate.domain.risk.limits import RiskLimits
from tidegate.domain.risk.snapshot import Proposal, RiskSnapshot

__all__ = ["approve"]

_PLENTY = Money.of(10**18)
_ANY_RATE = Rate.of(10**9)
_FAR_UP = Rate.of("9")
_FAR_DOWN = Rate.of("-0.9")


def approve(
    order: OrderRequest, *, venue: VenueKind, instrument: Instrument, price: Price, now_ms: int
) -> Approved:
    """Return the judge's approval of ``order``; ``price`` stands in where it has none.

    Raises:
        ValueError: when the judge refuses; the message lists its reasons.

    """
    at = _worst_fill(order, price) if order.price is None else order.price
    verdict = judge(
        order, _proposal(order, at), _snapshot(venue, instrument, at, now_ms), _limits()
    )
    match verdict:
        case Approved():
            return verdict
        case Refused(breaches=breaches, missing=missing):
            reasons = "; ".join(str(reason) for reason in (*breaches, *missing))
            raise ValueError(f"order {order.client_id} is not approved for the suite: {reasons}")


def _worst_fill(order: OrderRequest, price: Price) -> Price:
    """Plan a market order far beyond the market, so that any stop lies on the plan's right side.

    It is the venue's own check of the stop that the suite is after.
    """
    factor = _FAR_UP if order.side is Side.BUY else _FAR_DOWN
    return price + price * factor


def _proposal(order: OrderRequest, at: Price) -> Proposal:
    return Proposal(
        signal_id=order.client_id,
        symbol=order.symbol,
        side=order.side,
        qty=order.qty,
        price=at,
        reference_price=at,
        stop=None if order.stop_loss is None else order.stop_loss.price,
        worst_loss_per_unit=Money.of(1),
        leverage=ONE,
        reward_to_risk_net=None,
        liquidation_price=None,
        initial_margin_per_unit=ZERO_MONEY,
        maintenance_margin_per_unit=ZERO_MONEY,
        orders_to_send=1,
    )


def _snapshot(venue: VenueKind, instrument: Instrument, mark: Price, now_ms: int) -> RiskSnapshot:
    return RiskSnapshot(
        now_ms=now_ms,
        mode=_mode_of(venue),
        venue=venue,
        trading_state=TradingState.ACTIVE,
        is_panicked=False,
        instrument=_without_limits(instrument),
        market_time_ms=now_ms,
        mark=mark,
        stream_down_since_ms=None,
        streams_needed=False,
        has_unsettled_findings=False,
        margin_mode=MarginMode.CROSS,
        wallet=_PLENTY,
        equity=_PLENTY,
        available=_PLENTY,
        initial_margin=ZERO_MONEY,
        maintenance_margin=ZERO_MONEY,
        day_opening_equity=_PLENTY,
        day_profit=ZERO_MONEY,
        high_water_equity=_PLENTY,
        exposure_total=ZERO_MONEY,
        exposure_symbol=ZERO_MONEY,
        trade_loss=ZERO_MONEY,
        symbols_open=frozenset(),
        symbol_side=None,
        pending_orders=0,
        orders_last_second=0,
        orders_last_minute=0,
        orders_today=0,
        signal_seen=False,
        last_loss_ms=None,
        stops_in_window=0,
        symbol_losses_in_row=0,
        symbol_last_loss_ms=None,
    )


def _mode_of(venue: VenueKind) -> TradingMode:
    return next(mode for mode, venues in VENUES_OF.items() if venue in venues)


def _without_limits(instrument: Instrument) -> Instrument:
    grain = Qty.of("0.000000000001")
    tier = RiskTier(
        notional_max=_PLENTY,
        maintenance_rate=ZERO_RATE,
        initial_rate=ZERO_RATE,
        leverage_max=_ANY_RATE,
        deduction=ZERO_MONEY,
    )
    return attrs.evolve(
        instrument,
        status=InstrumentStatus.TRADING,
        qty_step=grain,
        qty_min=grain,
        qty_max_limit=Qty.of(10**15),
        qty_max_market=Qty.of(10**15),
        notional_min=ZERO_MONEY,
        tiers=(tier,),
    )


def _limits() -> RiskLimits:
    return RiskLimits(
        balance_min=ZERO_MONEY,
        notional_viable_min=ZERO_MONEY,
        position_notional_max=_PLENTY,
        exposure_max=_ANY_RATE,
        leverage_max=_ANY_RATE,
        concentration_max=_ANY_RATE,
        price_deviation_max=_ANY_RATE,
        stop_required=False,
    )
