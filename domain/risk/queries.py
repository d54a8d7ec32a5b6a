"""What may still be done, without asking for anything: queries that change nothing."""

import attrs
from tidegate.domain.instrument import Instrument
from tidegate.domain.margin import leverage_allowed
from tidegate.domain.money import EXACT, ZERO_MONEY, ZERO_QTY, ZERO_RATE, Money, Qty, Rate
from tidegate.domain.reports import MarginMode

from . import wording
from .judge import evaluate
from .limits import RiskLimits
from .snapshot import Proposal, RiskSnapshot

__all__ = [
    "Count",
    "LeverageCapped",
    "LeverageDecision",
    "LeverageDenied",
    "LeverageGranted",
    "RiskOverview",
    "check_leverage",
    "largest_position",
    "overview",
    "remaining_exposure",
]


def remaining_exposure(snapshot: RiskSnapshot, limits: RiskLimits) -> Money:
    """Return the notional that may still be added to the account's total, USDT, at least zero.

    Zero while equity is not known: every entry is refused then.
    """
    if snapshot.equity is None:
        return ZERO_MONEY
    cap = snapshot.equity * limits.exposure_max
    return max(cap - snapshot.exposure_total, ZERO_MONEY)


def largest_position(proposal: Proposal, snapshot: RiskSnapshot, limits: RiskLimits) -> Qty:
    """Return the largest quantity of this plan that every rule lets through now; zero when none.

    The plan's own quantity does not matter. Its prices, leverage and amounts per base coin do.
    """
    largest = evaluate(proposal, snapshot, limits).largest
    return ZERO_QTY if largest is None else largest


@attrs.frozen(kw_only=True)
class LeverageGranted:
    """The leverage may be used as asked."""

    leverage: Rate


@attrs.frozen(kw_only=True)
class LeverageCapped:
    """Less than ``asked`` may be used: ``leverage``, on the instrument's step. ``reason`` why."""

    asked: Rate
    leverage: Rate
    reason: str


@attrs.frozen(kw_only=True)
class LeverageDenied:
    """Neither ``asked`` nor less may be used. ``reason`` says why, with the limit."""

    asked: Rate
    reason: str


LeverageDecision = LeverageGranted | LeverageCapped | LeverageDenied
"""``LeverageGranted``: as asked; ``LeverageCapped``: less, with the reason;
``LeverageDenied``: none at all."""


def check_leverage(
    asked: Rate, instrument: Instrument, limits: RiskLimits, notional: Money
) -> LeverageDecision:
    """Grant, cap or deny a leverage for a symbol whose exposure will be ``notional`` USDT in all.

    The cap is the lowest of the configured limit, the instrument's and the risk tier's, on the
    instrument's leverage step. A leverage below the instrument's minimum is denied, and so is any
    where no risk tier takes the notional.
    """
    low = instrument.leverage_min
    if asked < low:
        return LeverageDenied(
            asked=asked, reason=f"{_x(asked)} is below the venue's minimum of {_x(low)}"
        )
    of_tier = leverage_allowed(instrument.tiers, notional)
    if of_tier == ZERO_RATE:
        last = wording.usdt(instrument.tiers[-1].notional_max)
        return LeverageDenied(
            asked=asked,
            reason=f"{wording.usdt(notional)} is above the last risk tier's limit of {last}",
        )
    cap, source = min(
        (limits.leverage_max, "the configured maximum"),
        (instrument.leverage_max, "the venue's maximum for the symbol"),
        (of_tier, f"the risk tier's maximum for {wording.usdt(notional)}"),
        key=lambda bound: bound[0].value,
    )
    leverage = _down(min(asked, cap), instrument.leverage_step)
    if leverage < low:
        return LeverageDenied(
            asked=asked, reason=f"{source} is {_x(cap)}, below the venue's minimum of {_x(low)}"
        )
    if leverage == asked:
        return LeverageGranted(leverage=asked)
    if asked <= cap:
        source, cap = "the venue's leverage step", instrument.leverage_step
    return LeverageCapped(asked=asked, leverage=leverage, reason=f"{source} is {_x(cap)}")


def _x(leverage: Rate) -> str:
    return wording.multiple(leverage, "x")


def _down(leverage: Rate, step: Rate) -> Rate:
    steps = EXACT.divide_int(leverage.value, step.value)
    return Rate(EXACT.multiply(steps, step.value))


@attrs.frozen(kw_only=True)
class Count:
    """A number of things beside the largest number allowed."""

    used: int
    most: int

    @property
    def left(self) -> int:
        """Return how many more are allowed, at least zero."""
        return max(0, self.most - self.used)


@attrs.frozen(kw_only=True)
class RiskOverview:
    """The whole account against its limits. Money is USDT, rates are fractions.

    ``None`` means not known, or for margin rates that they are not defined: the venue reports
    account-wide rates in cross margin only. ``day_loss_remaining`` is what may still be lost
    today before entries stop, at least zero.
    """

    equity: Money | None
    wallet: Money | None
    available: Money | None
    exposure_total: Money
    exposure_cap: Money | None
    exposure_remaining: Money
    day_profit: Money | None
    day_loss_cap: Money | None
    day_loss_remaining: Money | None
    drawdown: Rate | None
    drawdown_max: Rate
    initial_margin_rate: Rate | None
    initial_margin_rate_max: Rate
    maintenance_margin_rate: Rate | None
    maintenance_margin_rate_max: Rate
    positions: Count
    pending_orders: Count
    orders_last_second: Count
    orders_last_minute: Count
    orders_today: Count
    stops_in_window: Count


def overview(snapshot: RiskSnapshot, limits: RiskLimits) -> RiskOverview:
    """Set the account beside its limits, from the snapshot that the rules judge on."""
    equity, day_loss_cap = snapshot.equity, _day_loss_cap(snapshot, limits)
    is_cross = snapshot.margin_mode is MarginMode.CROSS
    return RiskOverview(
        equity=equity,
        wallet=snapshot.wallet,
        available=snapshot.available,
        exposure_total=snapshot.exposure_total,
        exposure_cap=None if equity is None else equity * limits.exposure_max,
        exposure_remaining=remaining_exposure(snapshot, limits),
        day_profit=snapshot.day_profit,
        day_loss_cap=day_loss_cap,
        day_loss_remaining=_day_loss_remaining(snapshot.day_profit, day_loss_cap),
        drawdown=_drawdown(snapshot.high_water_equity, equity) if snapshot.is_fall_known else None,
        drawdown_max=limits.drawdown_max,
        initial_margin_rate=_share(snapshot.initial_margin, equity) if is_cross else None,
        initial_margin_rate_max=limits.initial_margin_rate_max,
        maintenance_margin_rate=_share(snapshot.maintenance_margin, equity) if is_cross else None,
        maintenance_margin_rate_max=limits.maintenance_margin_rate_max,
        positions=Count(used=len(snapshot.symbols_open), most=limits.positions_max),
        pending_orders=Count(used=snapshot.pending_orders, most=limits.pending_orders_max),
        orders_last_second=Count(
            used=snapshot.orders_last_second, most=limits.orders_per_second_max
        ),
        orders_last_minute=Count(
            used=snapshot.orders_last_minute, most=limits.orders_per_minute_max
        ),
        orders_today=Count(used=snapshot.orders_today, most=limits.orders_per_day_max),
        stops_in_window=Count(used=snapshot.stops_in_window, most=limits.stops_in_window_max),
    )


def _day_loss_cap(snapshot: RiskSnapshot, limits: RiskLimits) -> Money | None:
    opening = snapshot.day_opening_equity
    return None if opening is None else opening * limits.day_loss_max


def _day_loss_remaining(day_profit: Money | None, cap: Money | None) -> Money | None:
    if day_profit is None or cap is None:
        return None
    return max(cap + day_profit, ZERO_MONEY)


def _drawdown(high_water: Money | None, equity: Money | None) -> Rate | None:
    if high_water is None or equity is None or high_water <= ZERO_MONEY:
        return None
    return max((high_water - equity) / high_water, ZERO_RATE)


def _share(part: Money | None, equity: Money | None) -> Rate | None:
    """Return a part of equity, ``None`` where there is no equity to be a part of."""
    if part is None or equity is None or equity <= ZERO_MONEY:
        return None
    return part / equity
