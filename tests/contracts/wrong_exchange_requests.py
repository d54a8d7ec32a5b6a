"""Venues that send something else than they were asked, or misread the answer."""

import time
from collections.abc import Sequence

import attrs
from tidegate.domain.grid import qty_down
from tidegate.domain.instrument import FeeRates
from tidegate.domain.money import Price, Qty, Rate
from tidegate.domain.orders import (
    ClientId,
    ProtectiveLeg,
    Reduction,
    Symbol,
    TimeInForce,
    VenueOrderId,
)
from tidegate.domain.reports import (
    RejectReason,
)
from tidegate.domain.risk.approval import Approved
from tidegate.ports.exchange import (
    Accepted,
    Capability,
    Done,
    ExchangePort,
    Rejected,
    Unknown,
)

from tests.domain.samples import BTCUSDT, FEES

from .wrong_venue import Outcome, WrongVenue, sendable

__all__ = [
    "AcceptsAndDoesNothing",
    "AmendsTooMuch",
    "CancelsAll",
    "CheckThenAct",
    "DoubleFill",
    "DuplicateAccepted",
    "FlippingReduction",
    "LostCancel",
    "PostOnlyTakes",
    "Pretends",
    "RefusesEverything",
    "RoundsSilently",
    "SameLeverageIsError",
    "StopNotAttached",
    "TimeoutIsRejection",
    "TimeoutIsSuccess",
]


class DoubleFill(WrongVenue):
    """Sends every order twice, under a second id, to be sure that it arrives."""

    case = "test_a_market_order_fills_whole"

    def place(self, order: Approved | Reduction) -> Outcome:
        twin = attrs.evolve(order.order, client_id=ClientId(f"{order.order.client_id}-again"))
        outcome = super().place(order)
        super().place(sendable(twin))
        return outcome


class TimeoutIsRejection(WrongVenue):
    """Reports an answer that never came as a rejection."""

    case = "test_a_lost_answer_is_unknown_and_the_order_is_found"

    def place(self, order: Approved | Reduction) -> Outcome:
        outcome = super().place(order)
        if isinstance(outcome, Unknown):
            return Rejected(
                reason=RejectReason.OTHER, code=None, message="timeout", time_ms=outcome.sent_ms
            )
        return outcome


class TimeoutIsSuccess(WrongVenue):
    """Reports a request that was lost as accepted."""

    case = "test_a_lost_request_is_unknown_and_proven_never_to_have_arrived"

    def place(self, order: Approved | Reduction) -> Outcome:
        outcome = super().place(order)
        if isinstance(outcome, Unknown):
            return Accepted(venue_id=VenueOrderId("assumed"), time_ms=outcome.sent_ms)
        return outcome


class LostCancel(WrongVenue):
    """Confirms a cancel and forgets to send it."""

    case = "test_a_cancelled_order_is_over"

    def cancel(self, symbol: Symbol, order_id: ClientId | VenueOrderId) -> Outcome:
        return Accepted(venue_id=VenueOrderId(f"{symbol}-{order_id}"), time_ms=self.now_ms())


class CancelsAll(WrongVenue):
    """Cancels every order of the symbol instead of one."""

    case = "test_a_cancel_touches_one_order"

    def cancel(self, symbol: Symbol, order_id: ClientId | VenueOrderId) -> Outcome:
        outcome = super().cancel(symbol, order_id)
        for order in self.open_orders(symbol):
            super().cancel(symbol, order.venue_id)
        return outcome


class FlippingReduction(WrongVenue):
    """Forgets the reduce-only flag on the wire."""

    case = "test_reduce_only_never_flips"

    def place(self, order: Approved | Reduction) -> Outcome:
        return super().place(sendable(attrs.evolve(order.order, reduce_only=False)))


class DuplicateAccepted(WrongVenue):
    """Gives an order whose client id is taken another one, and sends it."""

    case = "test_a_duplicate_client_id_is_rejected_and_opens_nothing"

    def place(self, order: Approved | Reduction) -> Outcome:
        outcome = super().place(order)
        if isinstance(outcome, Rejected) and outcome.reason is RejectReason.DUPLICATE_CLIENT_ID:
            fresh = ClientId(f"{order.order.client_id}-2")
            return super().place(sendable(attrs.evolve(order.order, client_id=fresh)))
        return outcome


class StopNotAttached(WrongVenue):
    """Drops the stop from the entry, to set it later."""

    case = "test_an_attached_stop_is_on_the_venue_after_the_fill"

    def place(self, order: Approved | Reduction) -> Outcome:
        return super().place(sendable(attrs.evolve(order.order, stop_loss=None)))


class AmendsTooMuch(WrongVenue):
    """Sends the smallest quantity along with every new price."""

    case = "test_an_amended_price_changes_only_the_price"

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
        sent = BTCUSDT.qty_min if qty is None else qty
        return super().amend(
            symbol,
            client_id,
            qty=sent,
            price=price,
            trigger_price=trigger_price,
            stop_loss=stop_loss,
            take_profit=take_profit,
        )


class SameLeverageIsError(WrongVenue):
    """Passes the venue's "leverage not modified" on as a refusal."""

    case = "test_the_same_leverage_again_is_already_done"

    def set_leverage(self, symbol: Symbol, leverage: Rate) -> Done | Rejected | Unknown:
        outcome = super().set_leverage(symbol, leverage)
        if isinstance(outcome, Done) and outcome.was_already:
            return Rejected(
                reason=RejectReason.NOT_MODIFIED,
                code=110043,
                message="leverage not modified",
                time_ms=outcome.time_ms,
            )
        return outcome


class CheckThenAct(WrongVenue):
    """Looks for a client id first and sends later: two threads pass the look together."""

    case = "test_one_client_id_from_many_threads_opens_once"

    def place(self, order: Approved | Reduction) -> Outcome:
        request = order.order
        if self.find_order(request.symbol, request.client_id) is not None:
            return super().place(order)
        time.sleep(0.05)
        outcome = super().place(order)
        if isinstance(outcome, Rejected) and outcome.reason is RejectReason.DUPLICATE_CLIENT_ID:
            return Accepted(venue_id=VenueOrderId("mine too"), time_ms=outcome.time_ms)
        return outcome


class Pretends(WrongVenue):
    """Says that it cannot tell fee rates, and makes some up when asked."""

    case = "test_a_capability_is_there_or_refused[FEE_RATES]"
    supported = frozenset(Capability) - {Capability.FEE_RATES}

    def fee_rates(self, symbol: Symbol) -> FeeRates:
        self.instrument(symbol)
        return FEES


class RoundsSilently(WrongVenue):
    """Rounds a quantity to the step instead of refusing it."""

    case = "test_a_quantity_off_the_step_is_refused"

    def place(self, order: Approved | Reduction) -> Outcome:
        qty = max(qty_down(order.order.qty, BTCUSDT.qty_step), BTCUSDT.qty_step)
        return super().place(sendable(attrs.evolve(order.order, qty=qty)))


class PostOnlyTakes(WrongVenue):
    """Does not pass post-only on."""

    case = "test_a_post_only_order_never_takes"

    def place(self, order: Approved | Reduction) -> Outcome:
        request = order.order
        if request.time_in_force is TimeInForce.POST_ONLY:
            request = attrs.evolve(request, time_in_force=TimeInForce.GTC)
        return super().place(sendable(request))


class RefusesEverything(WrongVenue):
    """Is safe because it never trades."""

    case = "test_a_market_order_fills_whole"

    def place(self, order: Approved | Reduction) -> Outcome:
        return Rejected(
            reason=RejectReason.OTHER,
            code=None,
            message=f"no {order.order.client_id}",
            time_ms=self.now_ms(),
        )

    def place_batch(self, orders: Sequence[Approved | Reduction]) -> tuple[Outcome, ...]:
        return ExchangePort.place_batch(self, orders)


class AcceptsAndDoesNothing(WrongVenue):
    """Is safe because nothing ever happens."""

    case = "test_a_market_order_fills_whole"

    def place(self, order: Approved | Reduction) -> Outcome:
        return Accepted(venue_id=VenueOrderId(order.order.client_id), time_ms=self.now_ms())

    def place_batch(self, orders: Sequence[Approved | Reduction]) -> tuple[Outcome, ...]:
        return ExchangePort.place_batch(self, orders)
