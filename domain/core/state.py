"""The state of the desk: durable books, folded from events, and the view, fresh from the venue."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeVar

import attrs
from tidegate.domain.account_settings import AccountSetting
from tidegate.domain.closed_profits import ProfitComparison
from tidegate.domain.closings import NO_CLOSINGS, Closings
from tidegate.domain.instrument import FeeRates, Instrument
from tidegate.domain.ledger import Ledger
from tidegate.domain.mode import TradingState, VenueKind, strictest
from tidegate.domain.money import ZERO_MONEY, ZERO_QTY, Money, Price, Qty, Rate
from tidegate.domain.orders import (
    ClientId,
    Purpose,
    Side,
    Symbol,
)
from tidegate.domain.performance import Tally
from tidegate.domain.position import FLAT, Position
from tidegate.domain.recent import Recent
from tidegate.domain.reports import AccountReport, Execution, FundingPayment, PositionReport, Ticker
from tidegate.domain.signal import Signal
from tidegate.domain.trade import CloseReason

from .events import FindingRaised, MassCancelStarted, PanicStarted, PlannedRung, StreamsLost
from .ids import client_id, tag_of
from .managed import Managed, Pending
from .order_state import Amendment, Order

__all__ = [
    "EXECUTIONS_REMEMBERED",
    "FINISHED_KEPT",
    "SIGNALS_REMEMBERED",
    "TRANSFERS_REMEMBERED",
    "Amendment",
    "Books",
    "HeldRow",
    "LiveTrade",
    "Order",
    "State",
    "View",
    "frozen",
    "with_item",
    "without",
]

FINISHED_KEPT = 256
SIGNALS_REMEMBERED = 2_048
EXECUTIONS_REMEMBERED = 2_048
TRANSFERS_REMEMBERED = 512

K = TypeVar("K")
V = TypeVar("V")


def frozen(items: Mapping[K, V]) -> Mapping[K, V]:
    """Return a read-only view that nobody else can change."""
    return MappingProxyType(dict(items))


def with_item(items: Mapping[K, V], key: K, value: V) -> Mapping[K, V]:
    """Return a copy with one item set; its place is kept, a new one comes last."""
    copy = dict(items)
    copy[key] = value
    return MappingProxyType(copy)


def without(items: Mapping[K, V], key: K) -> Mapping[K, V]:
    """Return a copy without ``key``."""
    copy = dict(items)
    copy.pop(key, None)
    return MappingProxyType(copy)


@attrs.frozen(kw_only=True)
class LiveTrade:
    """A position of ours from its first fill until it is flat. Money is USDT.

    ``stop_wanted`` is where the stop must be, ``stop_confirmed`` what the venue showed.
    ``verify_by_ms`` is when an unconfirmed stop means closing. ``rung_closed`` counts what each
    rung has closed, ``rungs_dropped`` are those that an operator gave up. ``sequence`` numbers the
    trade's orders. ``risk`` is one R. ``refused_ms`` is when the venue last ended one of its
    reducing orders unasked: the next is sent a while later. ``refusals`` counts such endings since
    the last reduction: each makes the while longer. ``managed`` is what was decided about its
    protection since. ``entries`` are the entries that filled into it, the one that opened it first;
    ``filled_ms`` is the venue's time of the last such fill.
    """

    key: str
    signal: Signal
    side: Side
    opened_ms: int
    sequence: int
    stop_wanted: Price | None = None
    stop_confirmed: Price | None = None
    stop_in_flight: Price | None = None
    verify_by_ms: int | None = None
    rungs: tuple[PlannedRung, ...] = ()
    rungs_dropped: tuple[int, ...] = ()
    rung_closed: Mapping[int, Qty] = attrs.field(factory=lambda: frozen({}))
    closing: CloseReason | None = None
    refused_ms: int | None = None
    refusals: int = 0
    qty_opened: Qty = ZERO_QTY
    value_opened: Money = ZERO_MONEY
    qty_closed: Qty = ZERO_QTY
    value_closed: Money = ZERO_MONEY
    profit: Money = ZERO_MONEY
    fees: Money = ZERO_MONEY
    funding: Money = ZERO_MONEY
    slippage: Money = ZERO_MONEY
    risk: Money | None = None
    worst: Money = ZERO_MONEY
    best: Money = ZERO_MONEY
    last_close: CloseReason | None = None
    managed: Managed = attrs.field(factory=Managed)
    entries: tuple[ClientId, ...] = ()
    filled_ms: int = 0

    @property
    def symbol(self) -> Symbol:
        """Return the symbol traded."""
        return self.signal.symbol

    @property
    def is_protected(self) -> bool:
        """Tell whether the venue showed a stop at least as tight as the one that is wanted."""
        shown, wanted = self.stop_confirmed, self.stop_wanted
        if shown is None or wanted is None:
            return False
        return shown >= wanted if self.side is Side.BUY else shown <= wanted

    @property
    def is_stop_confirmed(self) -> bool:
        """Tell whether the venue showed the stop that is wanted."""
        return self.stop_wanted is not None and self.stop_confirmed == self.stop_wanted


@attrs.frozen(kw_only=True)
class Books:
    """The fold of the journal: nothing else may change it.

    ``finished`` keeps the last ``finished_kept`` ended orders, so that a late execution finds its
    order, and the entries of live trades for as long as those live.
    ``sends`` are the times of the orders sent within the last minute. ``decided_ms`` is when a
    strategy's wish for a symbol was last decided on, so that a replay does not decide twice.
    ``opened_ms`` is when the account was opened. ``history_until_ms`` is up to when the venue's
    history was last read in full, 0 where it never was. The ids of all bookings after
    ``remembered_since_ms`` are in ``executions``; ``turned_ms`` is when its generations last
    turned. ``streams_lost`` keeps the desk reducing until the streams are up and the account was
    read. ``panic_remaining`` names what the last panic could not close. ``venue`` and ``account``
    are those that the first session named: the journal belongs to them. ``tag`` marks the ids of
    its orders; with ``has_untagged`` those without any tag are its own as well. ``closings`` is
    what each of the last closing orders earned. ``early`` are the orders that were there before the
    account was opened. ``transfers`` are the ids of the last transfers that were booked.
    ``protecting`` are the changes of protection under way. ``guard_key`` names
    the closes of positions that are not ours, ``guard_closes`` counts them.
    """

    ledger: Ledger | None = None
    opened_ms: int = 0
    tally: Tally = attrs.field(factory=Tally)
    positions: Mapping[Symbol, Position] = attrs.field(factory=lambda: frozen({}))
    orders: Mapping[ClientId, Order] = attrs.field(factory=lambda: frozen({}))
    finished: Mapping[ClientId, Order] = attrs.field(factory=lambda: frozen({}))
    finished_kept: int = FINISHED_KEPT
    trades: Mapping[Symbol, LiveTrade] = attrs.field(factory=lambda: frozen({}))
    leverage: Mapping[Symbol, Rate] = attrs.field(factory=lambda: frozen({}))
    trading_state: TradingState = TradingState.ACTIVE
    streams_lost: StreamsLost | None = None
    panic: PanicStarted | None = None
    is_panic_running: bool = False
    panic_orders: int = 0
    mass_cancel: MassCancelStarted | None = None
    panic_remaining: tuple[str, ...] = ()
    signals: Recent = attrs.field(factory=lambda: Recent(SIGNALS_REMEMBERED))
    executions: Recent = attrs.field(factory=lambda: Recent(EXECUTIONS_REMEMBERED))
    findings: Mapping[str, FindingRaised] = attrs.field(factory=lambda: frozen({}))
    sends: tuple[int, ...] = ()
    sends_today: int = 0
    last_execution_ms: int = 0
    history_until_ms: int = 0
    remembered_since_ms: int = 0
    turned_ms: int = 0
    decided_ms: Mapping[Symbol, int] = attrs.field(factory=lambda: frozen({}))
    venue: VenueKind | None = None
    account: str | None = None
    settings: Mapping[str, AccountSetting] = attrs.field(factory=lambda: frozen({}))
    closings: Closings = NO_CLOSINGS
    early: tuple[ClientId, ...] = ()
    transfers: Recent = attrs.field(factory=lambda: Recent(TRANSFERS_REMEMBERED))
    tag: str = ""
    has_untagged: bool = True
    protecting: Mapping[Symbol, Pending] = attrs.field(factory=lambda: frozen({}))
    guard_key: str | None = None
    guard_closes: int = 0

    def bounded(self, *, finished: int, signals: int, executions: int) -> "Books":
        """Return the same books that from here on remember so many of each at least."""
        return attrs.evolve(
            self,
            finished_kept=finished,
            signals=attrs.evolve(self.signals, keep=signals),
            executions=attrs.evolve(self.executions, keep=executions),
        )

    def client_id(self, key: str, purpose: Purpose, sequence: int) -> ClientId:
        """Name the ``sequence``-th order of the trade ``key``, as an order of this journal."""
        return client_id(key, purpose, sequence, tag=self.tag)

    def is_ours(self, order_id: ClientId | None) -> bool:
        """Tell whether an id is one that this journal gave, by its tag; another desk's is not."""
        tag = tag_of(order_id)
        return tag is not None and (tag == self.tag or (tag == "" and self.has_untagged))

    def position(self, symbol: Symbol) -> Position:
        """Return the position of a symbol, flat when there is none."""
        return self.positions.get(symbol, FLAT)

    def order(self, client_id: ClientId | None) -> Order | None:
        """Return one order of ours, open or lately finished."""
        if client_id is None:
            return None
        return self.orders.get(client_id) or self.finished.get(client_id)

    def entries_of(self, trade: LiveTrade) -> tuple[Order, ...]:
        """Return the entries that filled into a trade, the one that opened it first."""
        found = map(self.order, trade.entries)
        return tuple(order for order in found if order is not None)

    def is_before_opening(self, client_id: ClientId | None) -> bool:
        """Tell whether an order was intended before the account was opened, as a panic's may be."""
        return client_id in self.early

    def contains(self, execution: Execution) -> bool:
        """Tell whether an execution is booked, or is in the wallet that opens the account.

        One from before what is remembered may be booked, and then its id is forgotten: it is new
        only where its order says so. An order that is not settled knows all of its own.
        """
        if self.ledger is None or execution.execution_id in self.executions:
            return True
        if self.is_before_opening(execution.client_id) and execution.time_ms < self.opened_ms:
            return True
        if execution.time_ms >= self.remembered_since_ms:
            return False
        order = self.order(execution.client_id)
        return order is None or order.has_booked(execution.execution_id)

    def contains_payment(self, payment: FundingPayment) -> bool:
        """Tell whether a funding payment is booked, or may be and its id is forgotten."""
        is_known = self.ledger is None or payment.payment_id in self.executions
        return is_known or payment.time_ms < self.remembered_since_ms

    def open_orders(self, symbol: Symbol) -> tuple[Order, ...]:
        """Return our orders of a symbol that are not settled, oldest first."""
        return tuple(order for order in self.orders.values() if order.request.symbol == symbol)

    @property
    def effective_state(self) -> TradingState:
        """Return the strictest of what the operator set, panic demands and lost streams leave."""
        panicked = TradingState.HALTED if self.panic is not None else TradingState.ACTIVE
        blind = TradingState.REDUCING if self.streams_lost is not None else TradingState.ACTIVE
        return strictest(self.trading_state, panicked, blind)


@attrs.frozen(kw_only=True)
class HeldRow:
    """A booking that waits for older ones; ``stream_changes`` is the count when it came."""

    row: Execution | FundingPayment
    since_ms: int
    stream_changes: int


@attrs.frozen(kw_only=True)
class View:
    """What the venue showed last; never journaled, asked for again after a restart.

    ``in_flight`` are the orders that this process sent, or is about to send, and whose answer is
    still to come. ``asked_ms`` is when something in doubt was last asked for or tried again.
    ``stream_down_since_ms`` is since when streams were down, or up without the activity having been
    read after; ``is_stream_up`` what they said last, ``stream_changes`` how often they said so, and
    ``stream_up_ms`` when they last came up. ``held`` are bookings that wait for older ones.
    ``unreadable_count`` is how many messages of the venue could not be understood. ``gone_ms`` is
    when the venue first said of an open order, which was to be cancelled, that there is none.
    ``missed_ms`` is when no query knew an order for the first time that could not arrive any more.
    ``naked_since_ms`` is since when a position that is not ours is shown without a stop.
    ``written_ms`` is when another process on this journal was last seen to write of a position.
    ``differences`` is what differed at the last reading of the activity, ``None`` before the first.
    ``reconcile_wanted`` is the last reconciliation asked for, ``reconciled`` and ``records_read``
    the last ones whose reading was believed and whose records came; ``reconcile_asked_ms`` is when
    one last began, ``agreed_ms`` when books and venue were last seen to agree. ``profits`` is the
    last comparison of closed profits.
    """

    instruments: Mapping[Symbol, Instrument] = attrs.field(factory=lambda: frozen({}))
    fees: Mapping[Symbol, FeeRates] = attrs.field(factory=lambda: frozen({}))
    tickers: Mapping[Symbol, Ticker] = attrs.field(factory=lambda: frozen({}))
    positions: Mapping[Symbol, PositionReport] = attrs.field(factory=lambda: frozen({}))
    account: AccountReport | None = None
    stream_down_since_ms: int | None = None
    is_stream_up: bool = False
    stream_up_ms: int | None = None
    held: tuple[HeldRow, ...] = ()
    stream_changes: int = 0
    panic_inventories: int = 0
    polled_ms: int | None = None
    inventory_asked_ms: int | None = None
    in_flight: frozenset[ClientId] = frozenset()
    asked_ms: Mapping[str, int] = attrs.field(factory=lambda: frozen({}))
    unreadable_count: int = 0
    gone_ms: Mapping[ClientId, int] = attrs.field(factory=lambda: frozen({}))
    missed_ms: Mapping[ClientId, int] = attrs.field(factory=lambda: frozen({}))
    naked_since_ms: Mapping[Symbol, int] = attrs.field(factory=lambda: frozen({}))
    differences: Mapping[str, str] | None = None
    written_ms: Mapping[Symbol, int] = attrs.field(factory=lambda: frozen({}))
    reconcile_wanted: int = 0
    reconciled: int = 0
    records_read: int = 0
    reconcile_asked_ms: int | None = None
    agreed_ms: int | None = None
    profits: ProfitComparison | None = None


@attrs.frozen(kw_only=True)
class State:
    """Books and view together: all that a decision looks at."""

    books: Books = attrs.field(factory=Books)
    view: View = attrs.field(factory=View)
