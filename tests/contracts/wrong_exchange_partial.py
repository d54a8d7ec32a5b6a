"""Venues that protect a part of a position wrongly, each in one way."""

import attrs
from tidegate.domain.money import ZERO_QTY, Price
from tidegate.domain.orders import ClientId, ProtectiveLeg, Symbol, TriggerBy, VenueOrderId
from tidegate.domain.reports import OrderReport, Origin, RejectReason
from tidegate.ports.account import PartialStop
from tidegate.ports.exchange import Done, PositionStop, Rejected, Unknown

from .wrong_venue import Outcome, WrongVenue

__all__ = [
    "ActivationAloneIsDone",
    "CancelsOneLegOfAPair",
    "FlatTakesPartialStops",
    "LegByLeg",
    "PartialLimitDropped",
    "PartialReplacesPartial",
    "PartialReplacesWhole",
    "PartialStopForAll",
    "PartialStopGrows",
    "PartialStopsOutlive",
    "PartialTargetForAll",
    "PartialTimeoutIsDone",
    "PartialTriggerByLast",
    "PartialTrimmed",
    "SiblingStays",
]

Answer = Done | Rejected | Unknown
_ZERO = Price.of(0)


def _of_whole(stop: PartialStop) -> PositionStop:
    """Return the stop as one for the whole position."""
    return PositionStop(
        symbol=stop.symbol,
        stop_loss=None if stop.stop_loss is None else stop.stop_loss.price,
        take_profit=None if stop.take_profit is None else stop.take_profit.price,
    )


class PartialStopForAll(WrongVenue):
    """Sends a partial stop in Full mode: it covers the whole position."""

    case = "test_a_partial_stop_closes_its_part_and_no_more"

    def add_partial_stop(self, stop: PartialStop) -> Answer:
        return super().set_position_stop(_of_whole(stop))


class PartialTargetForAll(WrongVenue):
    """Sends a target in Full mode, and stops as they should be."""

    case = "test_a_partial_target_closes_its_part_and_no_more"

    def add_partial_stop(self, stop: PartialStop) -> Answer:
        if stop.take_profit is None:
            return super().add_partial_stop(stop)
        return super().set_position_stop(_of_whole(stop))


class PartialReplacesWhole(WrongVenue):
    """Switches the symbol to Partial mode first, which takes the stop of the whole away."""

    case = "test_a_partial_stop_leaves_that_of_the_whole_alone"

    def add_partial_stop(self, stop: PartialStop) -> Answer:
        super().set_position_stop(PositionStop(symbol=stop.symbol, stop_loss=_ZERO))
        return super().add_partial_stop(stop)


class PartialReplacesPartial(WrongVenue):
    """Moves the pair that there is instead of adding one more."""

    case = "test_each_partial_stop_is_one_more"

    def add_partial_stop(self, stop: PartialStop) -> Answer:
        with self._shared.turn() as books:
            for leg in tuple(books.parts(stop.symbol)):
                super().cancel(stop.symbol, leg.venue_id)
        return super().add_partial_stop(stop)


class LegByLeg(WrongVenue):
    """Sends the two legs of a pair one by one, and forgets that they belong together."""

    case = "test_a_pair_with_one_leg_on_the_wrong_side_adds_neither"

    def add_partial_stop(self, stop: PartialStop) -> Answer:
        if stop.stop_loss is None or stop.take_profit is None:
            return super().add_partial_stop(stop)
        target = super().add_partial_stop(attrs.evolve(stop, stop_loss=None, stop_loss_limit=None))
        if not isinstance(target, Done):
            return target
        return super().add_partial_stop(
            attrs.evolve(stop, take_profit=None, take_profit_limit=None)
        )


class SiblingStays(LegByLeg):
    """The same fault, found where a leg fires and the other stays."""

    case = "test_a_leg_of_a_pair_that_fires_takes_the_other_with_it"


class CancelsOneLegOfAPair(WrongVenue):
    """Cancels a leg and puts its sibling back."""

    case = "test_a_leg_of_a_pair_that_is_cancelled_takes_the_other_with_it"

    def cancel(self, symbol: Symbol, order_id: ClientId | VenueOrderId) -> Outcome:
        with self._shared.turn() as books:
            leg = books.find(order_id)
            sibling = None if leg is None else books.sibling(leg)
            outcome = super().cancel(symbol, order_id)
            if sibling is not None:
                books.put(sibling)
            return outcome


class PartialStopGrows(WrongVenue):
    """Shows every leg with the size that was asked for, whatever is left of the position."""

    case = "test_a_partial_stop_is_never_larger_than_the_position"
    asked = ZERO_QTY

    def add_partial_stop(self, stop: PartialStop) -> Answer:
        self.asked = stop.qty
        return super().add_partial_stop(stop)

    def open_orders(self, symbol: Symbol | None = None) -> tuple[OrderReport, ...]:
        listed = super().open_orders(symbol)
        return tuple(
            attrs.evolve(order, qty=self.asked) if order.origin is Origin.STOP_LOSS else order
            for order in listed
        )


class PartialStopsOutlive(WrongVenue):
    """Lists the legs of a position that is gone."""

    case = "test_partial_stops_end_with_the_position"

    def open_orders(self, symbol: Symbol | None = None) -> tuple[OrderReport, ...]:
        with self._shared.turn() as books:
            legs = tuple(books.orders[venue_id] for venue_id in books.pairs)
        listed = super().open_orders(symbol)
        return (*listed, *(leg for leg in legs if leg not in listed))


class PartialTrimmed(WrongVenue):
    """Makes a part that is larger than the position fit."""

    case = "test_a_partial_stop_beyond_the_position_is_refused"

    def add_partial_stop(self, stop: PartialStop) -> Answer:
        held = abs(self.position(stop.symbol).qty)
        return super().add_partial_stop(attrs.evolve(stop, qty=min(stop.qty, held)))


class FlatTakesPartialStops(WrongVenue):
    """Takes a partial stop without a position for done: there is nothing to protect."""

    case = "test_a_flat_position_takes_no_partial_stop"

    def add_partial_stop(self, stop: PartialStop) -> Answer:
        outcome = super().add_partial_stop(stop)
        if isinstance(outcome, Rejected) and outcome.reason is RejectReason.NO_POSITION:
            return Done(time_ms=outcome.time_ms)
        return outcome


class PartialLimitDropped(WrongVenue):
    """Sends every leg as one that fires at market."""

    case = "test_a_partial_leg_with_a_limit_rests_once_it_fired"

    def add_partial_stop(self, stop: PartialStop) -> Answer:
        bare = attrs.evolve(stop, stop_loss_limit=None, take_profit_limit=None)
        return super().add_partial_stop(bare)


def _by_last(leg: ProtectiveLeg | None) -> ProtectiveLeg | None:
    return None if leg is None else attrs.evolve(leg, by=TriggerBy.LAST)


class PartialTriggerByLast(WrongVenue):
    """Leaves out which price a leg watches, and so gets the last price."""

    case = "test_a_partial_leg_watches_the_price_that_was_named"

    def add_partial_stop(self, stop: PartialStop) -> Answer:
        return super().add_partial_stop(
            attrs.evolve(
                stop,
                stop_loss=_by_last(stop.stop_loss),
                take_profit=_by_last(stop.take_profit),
            )
        )


class PartialTimeoutIsDone(WrongVenue):
    """Takes a request without an answer for done."""

    case = "test_a_partial_stop_without_an_answer_is_unknown"

    def add_partial_stop(self, stop: PartialStop) -> Answer:
        outcome = super().add_partial_stop(stop)
        return Done(time_ms=outcome.sent_ms) if isinstance(outcome, Unknown) else outcome


class ActivationAloneIsDone(WrongVenue):
    """Takes "nothing was given" for "nothing to change"."""

    case = "test_an_activation_without_a_distance_is_refused"

    def set_position_stop(self, stop: PositionStop) -> Answer:
        if stop.trailing_distance is None:
            stop = attrs.evolve(stop, trailing_activation=None)
        return super().set_position_stop(stop)
