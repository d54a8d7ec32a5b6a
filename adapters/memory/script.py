"""The script of the venue: the one place from which prices, fills and faults come."""

from collections.abc import Iterable

import attrs
from tidegate.domain.lifecycle import Status
from tidegate.domain.margin import bankruptcy_price
from tidegate.domain.money import ZERO_MONEY, ZERO_QTY, Money, Price, Qty, Rate
from tidegate.domain.orders import (
    ClientId,
    OrderKind,
    Side,
    Symbol,
    TimeInForce,
    Trigger,
    VenueOrderId,
)
from tidegate.domain.records import PositionMode
from tidegate.domain.reports import (
    CancelReason,
    FundingPayment,
    OrderReport,
    Origin,
    RejectReason,
)

from .books import Books, Quote
from .delivery import MessageKind
from .faults import Refusal
from .margins import account_report
from .matching import end, execute, fire, is_crossing, sweep
from .options import Arrival, FillMode, RequestKind, ScriptError
from .requests import submit
from .turn import Shared

__all__ = ["Script"]


@attrs.frozen
class Script:
    """What a test tells the venue to do. Any thread may call.

    Raises :class:`ScriptError` for what no venue could do, such as filling a finished order.

    Raises:
        ScriptError: what was asked, no venue could do; nothing was changed.
        QueryFailed: the symbol does not trade here, or has no price yet.

    """

    _shared: Shared

    # Prices and time

    def move(
        self,
        symbol: Symbol,
        *,
        last: Price | None = None,
        mark: Price | None = None,
        index: Price | None = None,
        bid: Price | None = None,
        ask: Price | None = None,
        bid_size: Qty | None = None,
        ask_size: Qty | None = None,
    ) -> None:
        """Set prices. A new ``last`` takes every price along that is not given; else they stay.

        Sizes are what one order finds at the best price, in base coin; not given, they return to
        the options' depth. With ``AT_ONCE`` triggers fire and orders fill that the prices reach.
        """
        with self._shared.turn() as books:
            books.instrument(symbol)
            depth = books.options.depth
            known = books.quotes.get(symbol)
            quote = known if last is None else Quote.at(last, depth=depth)
            if quote is None:
                raise ScriptError(f"{symbol} has no price yet: its first move needs `last`")
            quote = Quote(
                last=quote.last,
                mark=quote.mark if mark is None else mark,
                index=quote.index if index is None else index,
                bid=quote.bid if bid is None else bid,
                ask=quote.ask if ask is None else ask,
                bid_size=depth if bid_size is None else bid_size,
                ask_size=depth if ask_size is None else ask_size,
            )
            if quote.bid > quote.ask:
                raise ScriptError(f"{symbol} bid {quote.bid} is above ask {quote.ask}")
            books.quotes[symbol] = quote
            books.tape.see(symbol, quote, time_ms=books.now_ms(), has_traded=last is not None)
            books.outbox.append(books.ticker(symbol))
            if books.options.fill_mode is FillMode.AT_ONCE:
                sweep(books, symbol)

    def advance(self, ms: int) -> None:
        """Let ``ms`` milliseconds pass at the venue."""
        with self._shared.turn() as books:
            books.advance(ms)

    # Orders and positions

    def fill(
        self, order_id: ClientId | VenueOrderId, qty: Qty | None = None, price: Price | None = None
    ) -> None:
        """Fill a live order, by default what is left of it, at its limit or the best price.

        A fill at the order's own limit that the prices have not reached is a maker's, else a
        taker's.
        """
        with self._shared.turn() as books:
            order = _live(books, order_id)
            if order.status is Status.UNTRIGGERED:
                raise ScriptError(f"{order_id} waits for its trigger: call trigger() first")
            left = order.qty - order.qty_filled
            qty = left if qty is None else qty
            if not ZERO_QTY < qty <= left:
                raise ScriptError(f"cannot fill {qty} of {order_id}: {left} is left")
            if order.reduce_only and qty > books.open_qty(order.symbol, order.side):
                raise ScriptError(f"cannot fill {qty} of {order_id}: reduce-only, and that is more")
            _fill(books, order, qty, _fill_price(books, order, price))

    def trigger(self, order_id: ClientId | VenueOrderId) -> None:
        """Fire a conditional order of ours; it fills at once only with ``AT_ONCE``."""
        with self._shared.turn() as books:
            order = _live(books, order_id)
            if order.status is not Status.UNTRIGGERED:
                raise ScriptError(f"{order_id} is {order.status.value}: it waits for no trigger")
            fire(books, order)

    def trigger_stop(self, symbol: Symbol, price: Price) -> None:
        """Fire the position's stop-loss and fill all of it at ``price``."""
        self._trigger_leg(symbol, Origin.STOP_LOSS, price)

    def trigger_take_profit(self, symbol: Symbol, price: Price) -> None:
        """Fire the position's take-profit and fill all of it at ``price``."""
        self._trigger_leg(symbol, Origin.TAKE_PROFIT, price)

    def _trigger_leg(self, symbol: Symbol, origin: Origin, price: Price) -> None:
        with self._shared.turn() as books:
            leg = books.leg(symbol, origin)
            if leg is None:
                raise ScriptError(f"{symbol} has no {origin.value} to fire")
            fired = books.put(attrs.evolve(leg, status=Status.TRIGGERED))
            _fill(books, fired, fired.qty, price)

    def set_position_mode(self, mode: PositionMode) -> None:
        """Show another position mode; positions themselves stay one for each symbol."""
        with self._shared.turn() as books:
            books.position_mode = mode

    def expire(self, order_id: ClientId | VenueOrderId, reason: CancelReason) -> None:
        """Let the venue cancel a live order for ``reason``."""
        with self._shared.turn() as books:
            end(books, _live(books, order_id), reason)

    def outrun_cancel(self, order_id: ClientId | VenueOrderId, price: Price) -> None:
        """Acknowledge the next cancel of an order, but let a fill at ``price`` get there first."""
        with self._shared.turn() as books:
            books.outruns[_live(books, order_id).venue_id] = price

    def liquidate(self, symbol: Symbol, price: Price | None = None) -> None:
        """Take a position over: its symbol's orders end, then it closes at the bankruptcy price."""
        with self._shared.turn() as books:
            position = books.position(symbol)
            side, entry = position.side, position.entry_price
            if side is None or entry is None:
                raise ScriptError(f"{symbol} is flat: there is nothing to liquidate")
            for order in books.live(symbol):
                end(books, order, CancelReason.BEFORE_LIQUIDATION)
            broke = bankruptcy_price(side=side, entry=entry, leverage=books.leverage(symbol))
            at = broke if price is None else price
            order = _venue_order(books, symbol, side.opposite, abs(position.qty))
            _fill(books, books.put(attrs.evolve(order, origin=Origin.LIQUIDATION)), order.qty, at)

    def close_by_hand(self, symbol: Symbol, price: Price | None = None) -> None:
        """Close a position as its owner would in the app, at ``price`` or the best price."""
        with self._shared.turn() as books:
            position = books.position(symbol)
            if position.side is None:
                raise ScriptError(f"{symbol} is flat: there is nothing to close")
            order = _venue_order(books, symbol, position.side.opposite, abs(position.qty))
            _fill(books, books.put(order), order.qty, _fill_price(books, order, price))

    def foreign_order(
        self,
        symbol: Symbol,
        *,
        side: Side,
        qty: Qty,
        price: Price | None = None,
        trigger: Trigger | None = None,
        reduce_only: bool = False,
        client_id: ClientId | None = None,
    ) -> VenueOrderId:
        """Place an order that the desk knows nothing of: a limit with a price, else at market."""
        with self._shared.turn() as books:
            order = attrs.evolve(
                _venue_order(books, symbol, side, qty),
                client_id=client_id,
                kind=OrderKind.MARKET if price is None else OrderKind.LIMIT,
                time_in_force=TimeInForce.IOC if price is None else TimeInForce.GTC,
                status=Status.ACKNOWLEDGED if trigger is None else Status.UNTRIGGERED,
                price=price,
                trigger=trigger,
                reduce_only=reduce_only,
            )
            outcome = submit(books, order)
            if isinstance(outcome, Refusal):
                raise ScriptError(f"the venue refuses this order: {outcome.message}")
            return outcome.venue_id

    def pay_funding(self, symbol: Symbol, rate: Rate) -> None:
        """Settle funding on a position: size x mark x rate, longs pay a positive rate.

        Source: Bybit V5, funding fee. A flat position pays nothing. The rate stands for the next
        settlement too.
        """
        with self._shared.turn() as books:
            position, mark = books.position(symbol), books.quote(symbol).mark
            books.tape.settle(symbol, rate, time_ms=books.now_ms())
            if position.is_flat:
                return
            payment = FundingPayment(
                payment_id=f"funding-{len(books.payments) + 1}",
                symbol=symbol,
                rate=rate,
                mark=mark,
                qty=position.qty,
                amount=mark * position.qty * rate,
                time_ms=books.now_ms(),
            )
            books.payments.append(payment)
            books.wallet = books.wallet - payment.amount
            books.records.add_payment(payment, balance=books.wallet)
            books.outbox.append(payment)
            books.outbox.append(account_report(books))

    def transfer(self, amount: Money) -> None:
        """Let money come to the account, or go when ``amount`` is below zero."""
        if amount == ZERO_MONEY:
            raise ScriptError("a transfer of nothing: give an amount above or below zero")
        with self._shared.turn() as books:
            if books.wallet + amount < ZERO_MONEY:
                raise ScriptError(f"cannot take {-amount} of {books.wallet} USDT")
            books.wallet = books.wallet + amount
            books.records.add_transfer(amount, balance=books.wallet, time_ms=books.now_ms())
            books.outbox.append(account_report(books))

    # Faults

    def reject_next(
        self,
        reason: RejectReason,
        code: int | None = None,
        message: str = "refused by the script",
        *,
        request: RequestKind | None = None,
    ) -> None:
        """Refuse the next request, or the next of that kind; it has no effect."""
        with self._shared.turn():
            refusal = Refusal(reason=reason, code=code, message=message)
            self._shared.faults.plan(refusal, request)

    def reject_items(
        self,
        places: Iterable[int],
        reason: RejectReason,
        code: int | None = None,
        message: str = "refused by the script",
    ) -> None:
        """Refuse the orders at these places of the next batch, counted from 0, and no others."""
        wanted = frozenset(places)
        if not wanted or min(wanted) < 0:
            raise ScriptError(f"places {sorted(wanted)}: at least one, counted from 0")
        with self._shared.turn():
            refusal = Refusal(reason=reason, code=code, message=message)
            self._shared.faults.plan_items(wanted, refusal)

    def time_out_next(self, executed: Arrival, *, request: RequestKind | None = None) -> None:
        """Let the next request, or the next of that kind, have no answer."""
        with self._shared.turn():
            self._shared.faults.plan(executed, request)

    def arrive(self) -> int:
        """Let the requests that are late take effect now, in order; return how many there were."""
        with self._shared.turn() as books:
            arrived = tuple(self._shared.late)
            self._shared.late.clear()
            for act in arrived:
                act(books)
            return len(arrived)

    def fail_queries(self, count: int) -> None:
        """Let the next ``count`` queries raise :class:`QueryFailed`; zero ends it."""
        with self._shared.turn():
            self._shared.faults.fail_queries(count)

    # Messages

    def delay_messages(self) -> None:
        """Keep every message back until :meth:`release`."""
        with self._shared.turn():
            self._shared.delivery.hold()

    def release(self) -> int:
        """Deliver what was kept back, in its order; return how many messages it was."""
        with self._shared.turn():
            return self._shared.delivery.release()

    def reorder(self) -> None:
        """Reverse the order of the messages that are kept back now."""
        with self._shared.turn():
            self._shared.delivery.reverse()

    def duplicate_next(self, kind: MessageKind | None = None) -> None:
        """Deliver the next message of ``kind`` twice; without a kind, the next but a ticker."""
        with self._shared.turn():
            self._shared.delivery.plan(kind=kind, copies=2)

    def drop_next(self, kind: MessageKind | None = None) -> None:
        """Lose the next message of ``kind``; without a kind, the next but a ticker."""
        with self._shared.turn():
            self._shared.delivery.plan(kind=kind, copies=0)

    def disconnect(self) -> None:
        """Take the stream down. Requests and queries still work; messages are lost."""
        with self._shared.turn() as books:
            self._shared.delivery.disconnect(books.now_ms())

    def reconnect(self) -> None:
        """Bring the stream up again; nothing that was missed is repeated."""
        with self._shared.turn() as books:
            self._shared.delivery.reconnect(books.now_ms())


def _live(books: Books, order_id: str) -> OrderReport:
    order = books.find(order_id)
    if order is None:
        raise ScriptError(f"the venue knows no order {order_id}")
    if not books.is_live(order):
        raise ScriptError(f"{order_id} has been {order.status.value}")
    return order


def _fill_price(books: Books, order: OrderReport, price: Price | None) -> Price:
    if price is not None:
        return price
    if order.price is not None:
        return order.price
    return books.quote(order.symbol).offered_to(order.side)[0]


def _fill(books: Books, order: OrderReport, qty: Qty, price: Price) -> None:
    """Execute at the script's word; the first price of a symbol is that of its first fill."""
    quote = books.quotes.get(order.symbol)
    is_maker = order.price == price and not (quote is not None and is_crossing(order, quote))
    if quote is None:
        books.quotes[order.symbol] = Quote.at(price, depth=books.options.depth)
    execute(books, order, qty=qty, price=price, is_maker=is_maker)


def _venue_order(books: Books, symbol: Symbol, side: Side, qty: Qty) -> OrderReport:
    """Return the record of a market order without a client id."""
    return OrderReport(
        symbol=symbol,
        venue_id=books.next_order_id(),
        client_id=None,
        side=side,
        kind=OrderKind.MARKET,
        status=Status.NEW,
        qty=qty,
        qty_filled=ZERO_QTY,
        value_filled=ZERO_MONEY,
        time_in_force=TimeInForce.IOC,
        reduce_only=True,
        created_ms=books.now_ms(),
        updated_ms=books.now_ms(),
    )
