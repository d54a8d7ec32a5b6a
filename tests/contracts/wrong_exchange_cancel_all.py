"""Venues that cancel less, or else, than everything, and wrong ways with an order's legs."""

from abc import abstractmethod

import attrs
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import ClientId, ProtectiveLeg, Symbol
from tidegate.domain.reports import OrderReport, Origin, RejectReason
from tidegate.ports.exchange import Accepted, Done, Rejected, Unknown

from .wrong_venue import Outcome, WrongVenue

__all__ = [
    "CancelAllIsNotHeard",
    "CancelAllLeavesConditionals",
    "CancelAllLeavesLegs",
    "CancelAllNeedsASymbol",
    "CancelAllTimeoutIsDone",
    "ClearedLegStays",
    "ClearsTheOtherLeg",
    "LegKindDropped",
    "LegsAreNotSent",
    "LegsNotModifiedIsAccepted",
    "NothingToCancelIsNews",
    "StopIsSentAsTarget",
]

_ZERO = ProtectiveLeg(price=Price.of(0))
Answer = Done | Rejected | Unknown


class CancelAllIsNotHeard(WrongVenue):
    """Takes the acknowledgement of a cancel-all for its effect."""

    case = "test_cancel_all_leaves_no_order[symbol]"

    def cancel_all(self, symbol: Symbol | None = None) -> Answer:
        del symbol
        return Done(time_ms=self.now_ms())


class CancelAllNeedsASymbol(WrongVenue):
    """Cancels nothing when no symbol is named."""

    case = "test_cancel_all_leaves_no_order[account]"

    def cancel_all(self, symbol: Symbol | None = None) -> Answer:
        if symbol is None:
            return Done(time_ms=self.now_ms())
        return super().cancel_all(symbol)


class _Spares(WrongVenue):
    """Cancels one by one, and leaves some."""

    def cancel_all(self, symbol: Symbol | None = None) -> Answer:
        found = [order for order in self.open_orders(symbol) if not self._is_spared(order)]
        for order in found:
            self.cancel(order.symbol, order.venue_id)
        return Done(time_ms=self.now_ms(), was_already=not found)

    @abstractmethod
    def _is_spared(self, order: OrderReport) -> bool:
        """Tell whether an order is left."""


class CancelAllLeavesConditionals(_Spares):
    """Leaves what waits for its trigger."""

    case = "test_cancel_all_ends_what_waits_for_a_trigger"

    def _is_spared(self, order: OrderReport) -> bool:
        return order.status is Status.UNTRIGGERED and order.origin is Origin.USER


class CancelAllLeavesLegs(_Spares):
    """Leaves what protects a position, which a cancel-all does not."""

    case = "test_cancel_all_bares_the_position"

    def _is_spared(self, order: OrderReport) -> bool:
        return order.origin is not Origin.USER


class NothingToCancelIsNews(WrongVenue):
    """Never says that there was nothing to do."""

    case = "test_cancel_all_of_nothing_is_done_already"

    def cancel_all(self, symbol: Symbol | None = None) -> Answer:
        outcome = super().cancel_all(symbol)
        return attrs.evolve(outcome, was_already=False) if isinstance(outcome, Done) else outcome


class CancelAllTimeoutIsDone(WrongVenue):
    """Takes a cancel-all without an answer for done."""

    case = "test_cancel_all_without_an_answer_is_unknown"

    def cancel_all(self, symbol: Symbol | None = None) -> Answer:
        outcome = super().cancel_all(symbol)
        return Done(time_ms=outcome.sent_ms) if isinstance(outcome, Unknown) else outcome


class _BendsLegs(WrongVenue):
    """Changes the legs that it is given before it sends them."""

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
        stop_loss, take_profit = self._bent(stop_loss, take_profit)
        return super().amend(
            symbol,
            client_id,
            qty=qty,
            price=price,
            trigger_price=trigger_price,
            stop_loss=stop_loss,
            take_profit=take_profit,
        )

    @abstractmethod
    def _bent(
        self, stop_loss: ProtectiveLeg | None, take_profit: ProtectiveLeg | None
    ) -> tuple[ProtectiveLeg | None, ProtectiveLeg | None]:
        """Return the legs as they are sent."""


class ClearsTheOtherLeg(_BendsLegs):
    """Sends zero for the leg that was not named, which clears it."""

    case = "test_an_amended_stop_changes_only_the_stop"

    def _bent(
        self, stop_loss: ProtectiveLeg | None, take_profit: ProtectiveLeg | None
    ) -> tuple[ProtectiveLeg | None, ProtectiveLeg | None]:
        return stop_loss or _ZERO, take_profit or _ZERO


class StopIsSentAsTarget(_BendsLegs):
    """Takes the two legs for one another."""

    case = "test_an_amended_target_changes_only_the_target"

    def _bent(
        self, stop_loss: ProtectiveLeg | None, take_profit: ProtectiveLeg | None
    ) -> tuple[ProtectiveLeg | None, ProtectiveLeg | None]:
        return take_profit, stop_loss


class LegKindDropped(_BendsLegs):
    """Does not say which price fires a leg, so that the last price does."""

    case = "test_which_price_fires_a_leg_can_be_amended"

    def _bent(
        self, stop_loss: ProtectiveLeg | None, take_profit: ProtectiveLeg | None
    ) -> tuple[ProtectiveLeg | None, ProtectiveLeg | None]:
        bare = [leg and ProtectiveLeg(price=leg.price) for leg in (stop_loss, take_profit)]
        return bare[0], bare[1]


class ClearedLegStays(_BendsLegs):
    """Leaves a leg out that is to be cleared, because it has no price."""

    case = "test_a_leg_at_zero_is_cleared"

    def _bent(
        self, stop_loss: ProtectiveLeg | None, take_profit: ProtectiveLeg | None
    ) -> tuple[ProtectiveLeg | None, ProtectiveLeg | None]:
        kept = [leg if leg and leg.price.sign else None for leg in (stop_loss, take_profit)]
        return kept[0], kept[1]


class LegsAreNotSent(WrongVenue):
    """Answers that legs were changed, and changes none."""

    case = "test_an_amended_stop_is_the_one_that_closes"

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
        order = self.find_order(symbol, client_id)
        if order is not None and (stop_loss or take_profit):
            return Accepted(venue_id=order.venue_id, time_ms=self.now_ms())
        return super().amend(symbol, client_id, qty=qty, price=price, trigger_price=trigger_price)


class LegsNotModifiedIsAccepted(WrongVenue):
    """Takes "not modified" for success without looking at the order."""

    case = "test_a_leg_not_modified_is_accepted_only_where_it_stands"

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
        outcome = super().amend(
            symbol,
            client_id,
            qty=qty,
            price=price,
            trigger_price=trigger_price,
            stop_loss=stop_loss,
            take_profit=take_profit,
        )
        order = self.find_order(symbol, client_id)
        is_said = isinstance(outcome, Rejected) and outcome.reason is RejectReason.NOT_MODIFIED
        if is_said and order is not None:
            return Accepted(venue_id=order.venue_id, time_ms=self.now_ms())
        return outcome
