"""The scripted venue's state: prices, orders, executions, positions and wallet, kept exactly."""

from collections import deque
from collections.abc import Iterator, Mapping

import attrs
from tidegate.domain.instrument import FeeRates, Instrument
from tidegate.domain.lifecycle import OPEN, Status
from tidegate.domain.money import ZERO_MONEY, ZERO_QTY, Distance, Money, Price, Qty, Rate
from tidegate.domain.orders import ClientId, Side, Symbol, VenueOrderId
from tidegate.domain.position import FLAT, Position
from tidegate.domain.records import PositionMode
from tidegate.domain.reports import (
    Execution,
    FundingPayment,
    MarginMode,
    OrderReport,
    Origin,
    Ticker,
    VenueMessage,
)
from tidegate.ports.clock import ClockPort
from tidegate.ports.exchange import QueryFailed

from .options import MemoryOptions, ScriptError
from .quote import Quote
from .records import Records
from .tape import Tape

__all__ = ["LEG_ORIGINS", "Books", "LegPrices", "Quote", "Trail"]

LEG_ORIGINS = (Origin.STOP_LOSS, Origin.TAKE_PROFIT, Origin.TRAILING_STOP)
"""The venue-made orders that protect a position, in the order in which they fire."""


@attrs.frozen(kw_only=True)
class Trail:
    """A trailing stop: its distance, and the price that must be reached before it trails."""

    distance: Distance
    activation: Price | None


@attrs.frozen(kw_only=True)
class LegPrices:
    """Where a position's protection stands; ``None`` for a leg that it does not have."""

    stop_loss: Price | None
    take_profit: Price | None
    trailing_distance: Distance | None


@attrs.define(kw_only=True)
class Books:
    """Everything the venue knows. Not thread-safe: the venue holds its lock around every use.

    ``outruns`` holds the price of the fill that will beat an order's next cancel. ``pairs`` are the
    legs for parts of a position, by the number of their pair; ``extra_margins`` what was added to
    positions by hand, USDT; ``adds_margin`` where margin is to be added by itself.
    ``outbox`` collects what the stream will say, in the order of the changes. Orders stay in
    ``orders`` when they end, oldest first: they are the history.
    """

    instruments: Mapping[Symbol, Instrument]
    fees: FeeRates
    wallet: Money
    options: MemoryOptions
    clock: ClockPort
    quotes: dict[Symbol, Quote] = attrs.field(factory=dict)
    orders: dict[VenueOrderId, OrderReport] = attrs.field(factory=dict)
    by_client_id: dict[ClientId, VenueOrderId] = attrs.field(factory=dict)
    executions: list[Execution] = attrs.field(factory=list)
    payments: list[FundingPayment] = attrs.field(factory=list)
    folded: dict[Symbol, Position] = attrs.field(factory=dict)
    leverages: dict[Symbol, Rate] = attrs.field(factory=dict)
    outruns: dict[VenueOrderId, Price] = attrs.field(factory=dict)
    trails: dict[Symbol, Trail] = attrs.field(factory=dict)
    pairs: dict[VenueOrderId, int] = attrs.field(factory=dict)
    extra_margins: dict[Symbol, Money] = attrs.field(factory=dict)
    adds_margin: dict[Symbol, bool] = attrs.field(factory=dict)
    mode_set: MarginMode | None = None
    position_mode: PositionMode = PositionMode.ONE_WAY
    outbox: deque[VenueMessage] = attrs.field(factory=deque)
    records: Records = attrs.field(factory=Records)
    tape: Tape = attrs.field(factory=Tape)
    _open_ids: dict[VenueOrderId, None] = attrs.field(factory=dict)
    _sequences: dict[Symbol, int] = attrs.field(factory=dict)
    _advanced_ms: int = 0
    _orders_made: int = 0
    _pairs_made: int = 0

    def now_ms(self) -> int:
        """Return the venue's time: the clock's, plus what the script advanced."""
        return self.clock.now_ms() + self._advanced_ms

    def advance(self, ms: int) -> None:
        """Let ``ms`` milliseconds pass.

        Raises:
            ScriptError: ``ms`` is below zero.

        """
        if ms < 0:
            raise ScriptError(f"cannot advance by {ms} ms: time does not go back")
        self._advanced_ms += ms

    def next_order_id(self) -> VenueOrderId:
        """Return a fresh venue order id."""
        self._orders_made += 1
        return VenueOrderId(f"order-{self._orders_made}")

    def next_pair(self) -> int:
        """Return the number of a new pair of legs for a part of a position."""
        self._pairs_made += 1
        return self._pairs_made

    def instrument(self, symbol: Symbol) -> Instrument:
        """Return a specification; :class:`QueryFailed` for a symbol that does not trade here.

        Raises:
            QueryFailed: the symbol does not trade here.

        """
        try:
            return self.instruments[symbol]
        except KeyError:
            known = ", ".join(sorted(self.instruments))
            raise QueryFailed(f"unknown symbol {symbol!r}; this venue trades {known}") from None

    def fee_rates(self, symbol: Symbol) -> FeeRates:
        """Return the fee rates; :class:`QueryFailed` for a symbol that does not trade here.

        Raises:
            QueryFailed: the symbol does not trade here.

        """
        self.instrument(symbol)
        return self.fees

    def quote(self, symbol: Symbol) -> Quote:
        """Return the prices; :class:`QueryFailed` before the script gave any.

        Raises:
            QueryFailed: the symbol does not trade here, or has no price yet.

        """
        self.instrument(symbol)
        if symbol not in self.quotes:
            raise QueryFailed(f"{symbol} has no price yet: let the script move it first")
        return self.quotes[symbol]

    def position(self, symbol: Symbol) -> Position:
        """Return the fold of the symbol's executions."""
        return self.folded.get(symbol, FLAT)

    def leverage(self, symbol: Symbol) -> Rate:
        """Return the symbol's leverage."""
        return self.leverages.get(symbol, self.options.leverage)

    @property
    def margin_mode(self) -> MarginMode:
        """Return the account's margin mode: that of the options until it was changed."""
        return self.options.margin_mode if self.mode_set is None else self.mode_set

    def extra_margin(self, symbol: Symbol) -> Money:
        """Return what was added to the margin of the position by hand."""
        return self.extra_margins.get(symbol, ZERO_MONEY)

    def put(self, order: OrderReport) -> OrderReport:
        """Keep the new state of an order, stamp it with the time, and announce it."""
        stamped = attrs.evolve(order, updated_ms=self.now_ms())
        self.orders[stamped.venue_id] = stamped
        if stamped.status in OPEN:
            self._open_ids[stamped.venue_id] = None
        else:
            self._open_ids.pop(stamped.venue_id, None)
        if stamped.client_id is not None:
            self.by_client_id[stamped.client_id] = stamped.venue_id
        self.outbox.append(stamped)
        return stamped

    def record(self, execution: Execution) -> None:
        """Keep an execution and announce it."""
        self.executions.append(execution)
        self.outbox.append(execution)

    def find(self, order_id: str) -> OrderReport | None:
        """Return an order by its client id or venue id."""
        venue_id = self.by_client_id.get(ClientId(order_id), VenueOrderId(order_id))
        return self.orders.get(venue_id)

    def live(self, symbol: Symbol | None = None) -> Iterator[OrderReport]:
        """Yield unfinished orders, oldest first; it is safe to change orders meanwhile."""
        for venue_id in tuple(self._open_ids):
            order = self.orders[venue_id]
            if venue_id in self._open_ids and symbol in (None, order.symbol):
                yield order

    def is_live(self, order: OrderReport) -> bool:
        """Tell whether an order is not finished."""
        return order.venue_id in self._open_ids

    def leg(self, symbol: Symbol, origin: Origin) -> OrderReport | None:
        """Return the live order of that kind for the whole position, if it has one."""
        for order in self.live(symbol):
            is_whole = order.venue_id not in self.pairs
            if is_whole and order.origin is origin and order.status is Status.UNTRIGGERED:
                return order
        return None

    def parts(self, symbol: Symbol) -> Iterator[OrderReport]:
        """Yield the waiting legs for parts of the position, oldest first."""
        for order in self.live(symbol):
            if order.venue_id in self.pairs and order.status is Status.UNTRIGGERED:
                yield order

    def sibling(self, leg: OrderReport) -> OrderReport | None:
        """Return the waiting other leg of a pair for a part of the position."""
        pair = self.pairs.get(leg.venue_id)
        for order in self.parts(leg.symbol):
            if order.venue_id != leg.venue_id and self.pairs[order.venue_id] == pair:
                return order
        return None

    def sequence(self, symbol: Symbol) -> int:
        """Return how often the position of ``symbol`` has changed."""
        return self._sequences.get(symbol, 0)

    def count_change(self, symbol: Symbol) -> None:
        """Count one change of the position of ``symbol``."""
        self._sequences[symbol] = self.sequence(symbol) + 1

    def ticker(self, symbol: Symbol) -> Ticker:
        """Return the scripted prices as the venue reports them.

        Raises:
            QueryFailed: the symbol does not trade here, or has no price yet.

        """
        quote = self.quote(symbol)
        return Ticker(
            symbol=symbol,
            last=quote.last,
            mark=quote.mark,
            index=quote.index,
            bid=quote.bid,
            ask=quote.ask,
            bid_size=quote.bid_size,
            ask_size=quote.ask_size,
            time_ms=self.now_ms(),
        )

    def leg_prices(self, symbol: Symbol) -> LegPrices:
        """Return where the position's protection stands."""
        plan = self.trails.get(symbol)
        return LegPrices(
            stop_loss=_trigger_price(self.leg(symbol, Origin.STOP_LOSS)),
            take_profit=_trigger_price(self.leg(symbol, Origin.TAKE_PROFIT)),
            trailing_distance=None if plan is None else plan.distance,
        )

    def unrealised(self, symbol: Symbol) -> Money:
        """Return the profit of the position of ``symbol`` at mark, zero when flat.

        Raises:
            QueryFailed: the symbol does not trade here, or has no price yet.

        """
        position = self.position(symbol)
        return ZERO_MONEY if position.is_flat else position.unrealised(self.quote(symbol).mark)

    def open_qty(self, symbol: Symbol, side: Side) -> Qty:
        """Return how much an order of ``side`` can reduce, zero when it would open or add."""
        position = self.position(symbol)
        return abs(position.qty) if position.side is side.opposite else ZERO_QTY


def _trigger_price(leg: OrderReport | None) -> Price | None:
    return None if leg is None or leg.trigger is None else leg.trigger.price
