"""Venues that make fit what does not fit, or make up what they do not know."""

import attrs
from tidegate.domain.grid import price_down, qty_down
from tidegate.domain.instrument import FeeRates, Instrument
from tidegate.domain.money import Price, Qty, Rate
from tidegate.domain.orders import ClientId, ProtectiveLeg, Reduction, Symbol, TimeInForce
from tidegate.domain.reports import OrderReport, RejectReason
from tidegate.domain.risk.approval import Approved
from tidegate.ports.exchange import (
    Capabilities,
    Capability,
    Done,
    NotSupported,
    PositionStop,
    Rejected,
    Unknown,
)

from tests.domain.samples import BTCUSDT

from .wrong_venue import Outcome, WrongVenue, sendable

__all__ = [
    "CapsLeverage",
    "DeclaresNoRoom",
    "FeeRatesInPerCent",
    "FillOrKillTakesPart",
    "FiresPassedTriggers",
    "ForgivesFlatStops",
    "InventsInstruments",
    "LeverageNotSent",
    "PriceLost",
    "RefusesWhatItDeclares",
    "RoundsAmendments",
    "RoundsPrices",
    "ShrinksToMargin",
    "SpecificationOfYesterday",
]

_HALVES_MAX = 10


class RoundsPrices(WrongVenue):
    """Rounds a price to the tick instead of refusing it."""

    case = "test_a_price_off_the_tick_is_refused"

    def place(self, order: Approved | Reduction) -> Outcome:
        request = order.order
        if request.price is None:
            return super().place(order)
        price = price_down(request.price, BTCUSDT.tick)
        return super().place(sendable(attrs.evolve(request, price=price)))


class RoundsAmendments(WrongVenue):
    """Rounds an amended quantity to the step instead of refusing it."""

    case = "test_a_refused_amendment_changes_nothing"

    def amend(
        self,
        symbol: Symbol,
        client_id: ClientId,
        *,
        qty: Qty | None = None,
        price: Price | None = None,
        trigger_price: Price | None = None,
        stop_loss: ProtectiveLeg | None = None,
        take_profit: ProtectiveLeg | None = None,
    ) -> Outcome:
        sent = None if qty is None else qty_down(qty, BTCUSDT.qty_step)
        return super().amend(
            symbol,
            client_id,
            qty=sent,
            price=price,
            trigger_price=trigger_price,
            stop_loss=stop_loss,
            take_profit=take_profit,
        )


class ShrinksToMargin(WrongVenue):
    """Sends half of an order that the margin does not carry, and half again."""

    case = "test_an_order_beyond_the_margin_is_refused"

    def place(self, order: Approved | Reduction) -> Outcome:
        request, outcome = order.order, super().place(order)
        for _ in range(_HALVES_MAX):
            if not isinstance(outcome, Rejected) or _is_no_matter_of_size(outcome):
                break
            half = qty_down(Qty(request.qty.value / 2), BTCUSDT.qty_step)
            request = attrs.evolve(request, qty=max(half, BTCUSDT.qty_step))
            outcome = super().place(sendable(request))
        return outcome


def _is_no_matter_of_size(outcome: Rejected) -> bool:
    return outcome.reason not in {
        RejectReason.INSUFFICIENT_MARGIN,
        RejectReason.RISK_LIMIT,
        RejectReason.QTY_OUT_OF_RANGE,
    }


class FillOrKillTakesPart(WrongVenue):
    """Sends fill-or-kill as immediate-or-cancel."""

    case = "test_fill_or_kill_is_nothing"

    def place(self, order: Approved | Reduction) -> Outcome:
        request = order.order
        if request.time_in_force is TimeInForce.FOK:
            request = attrs.evolve(request, time_in_force=TimeInForce.IOC)
        return super().place(sendable(request))


class FiresPassedTriggers(WrongVenue):
    """Sends an order whose trigger was passed at once, as if it had fired."""

    case = "test_a_trigger_that_was_passed_is_refused"

    def place(self, order: Approved | Reduction) -> Outcome:
        outcome = super().place(order)
        wrong_side = RejectReason.TRIGGER_ON_WRONG_SIDE
        if isinstance(outcome, Rejected) and outcome.reason is wrong_side:
            return super().place(sendable(attrs.evolve(order.order, trigger=None)))
        return outcome


class ForgivesFlatStops(WrongVenue):
    """Takes a stop without a position for done: there is nothing to protect."""

    case = "test_a_flat_position_takes_no_stop"

    def set_position_stop(self, stop: PositionStop) -> Done | Rejected | Unknown:
        outcome = super().set_position_stop(stop)
        if isinstance(outcome, Rejected) and outcome.reason is RejectReason.NO_POSITION:
            return Done(time_ms=outcome.time_ms)
        return outcome


class CapsLeverage(WrongVenue):
    """Sets the highest leverage there is where more was asked for."""

    case = "test_a_leverage_beyond_the_venue_s_is_refused"

    def set_leverage(self, symbol: Symbol, leverage: Rate) -> Done | Rejected | Unknown:
        return super().set_leverage(symbol, min(leverage, BTCUSDT.leverage_max))


class LeverageNotSent(WrongVenue):
    """Confirms a leverage that it means to send with the next order."""

    case = "test_leverage_is_what_was_set"

    def set_leverage(self, symbol: Symbol, leverage: Rate) -> Done | Rejected | Unknown:
        del symbol, leverage
        return Done(time_ms=self.now_ms())


class FeeRatesInPerCent(WrongVenue):
    """Reports 0.055 for 0.055 per cent."""

    case = "test_fee_rates_are_fractions"

    def fee_rates(self, symbol: Symbol) -> FeeRates:
        rates, hundred = super().fee_rates(symbol), Rate.of(100)
        return attrs.evolve(rates, taker=rates.taker * hundred, maker=rates.maker * hundred)


class InventsInstruments(WrongVenue):
    """Gives an unknown symbol the specification of a known one."""

    case = "test_an_unknown_symbol_is_an_error"

    def instrument(self, symbol: Symbol) -> Instrument:
        return attrs.evolve(super().instrument(BTCUSDT.symbol), symbol=symbol)


class SpecificationOfYesterday(WrongVenue):
    """Goes on with limits that the venue has changed since."""

    case = "test_the_specification_is_the_venue_s"

    def instrument(self, symbol: Symbol) -> Instrument:
        known = super().instrument(symbol)
        return attrs.evolve(known, qty_min=known.qty_min.times(2))


class PriceLost(WrongVenue):
    """Leaves the limit out of an order's record."""

    case = "test_the_record_of_an_order_is_what_was_sent"

    def find_order(self, symbol: Symbol, client_id: ClientId) -> OrderReport | None:
        order = super().find_order(symbol, client_id)
        return None if order is None else attrs.evolve(order, price=None)


class RefusesWhatItDeclares(WrongVenue):
    """Declares that it amends, does so, and says that it cannot."""

    case = "test_a_capability_is_there_or_refused[AMEND]"

    def amend(
        self,
        symbol: Symbol,
        client_id: ClientId,
        *,
        qty: Qty | None = None,
        price: Price | None = None,
        trigger_price: Price | None = None,
        stop_loss: ProtectiveLeg | None = None,
        take_profit: ProtectiveLeg | None = None,
    ) -> Outcome:
        super().amend(
            symbol,
            client_id,
            qty=qty,
            price=price,
            trigger_price=trigger_price,
            stop_loss=stop_loss,
            take_profit=take_profit,
        )
        raise NotSupported(Capability.AMEND)


class DeclaresNoRoom(WrongVenue):
    """Says that a batch of its holds nothing."""

    case = "test_limits_are_declared"

    @property
    def capabilities(self) -> Capabilities:
        return attrs.evolve(super().capabilities, batch_size_max=0)
