"""The exchange port: what a venue must be able to do for the desk.

How requests and queries end is in :mod:`tidegate.ports.outcomes`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial

import attrs
from tidegate.domain.instrument import FeeRates, Instrument
from tidegate.domain.mode import VenueKind
from tidegate.domain.money import Price, Qty, Rate
from tidegate.domain.orders import ClientId, ProtectiveLeg, Reduction, Symbol, VenueOrderId
from tidegate.domain.reports import (
    AccountReport,
    Execution,
    FundingPayment,
    OrderReport,
    PositionReport,
    Ticker,
    UnreadableReport,
    VenueMessage,
)
from tidegate.domain.risk.approval import Approved

from .account import AccountPort, PositionStop
from .batches import one_by_one
from .market_data import MarketDataPort
from .outcomes import (
    Accepted,
    Capabilities,
    Capability,
    Done,
    History,
    NotSupported,
    QueryFailed,
    Rejected,
    TimeRange,
    Unknown,
    VenueError,
)

__all__ = [
    "Accepted",
    "Amendment",
    "Cancellation",
    "Capabilities",
    "Capability",
    "Done",
    "ExchangePort",
    "History",
    "Holdings",
    "MessageSink",
    "NotSupported",
    "PositionStop",
    "QueryFailed",
    "Rejected",
    "TimeRange",
    "Unknown",
    "VenueError",
]

MessageSink = Callable[[VenueMessage], None]


@attrs.frozen(kw_only=True)
class Holdings:
    """What the whole account holds: positions that are not flat, and orders that are not finished.

    ``unreadable`` are rows that were not understood: something is there, and it is not known what.
    """

    positions: tuple[PositionReport, ...]
    orders: tuple[OrderReport, ...]
    unreadable: tuple[UnreadableReport, ...] = ()


@attrs.frozen(kw_only=True)
class Amendment:
    """A change of one resting order; ``None`` leaves a value as it is.

    ``qty`` is the new total. ``stop_loss`` and ``take_profit`` are the legs inside an order that
    has not filled at all; a leg at price zero clears.
    """

    symbol: Symbol
    client_id: ClientId
    qty: Qty | None = None
    price: Price | None = None
    trigger_price: Price | None = None
    stop_loss: ProtectiveLeg | None = None
    take_profit: ProtectiveLeg | None = None


@attrs.frozen(kw_only=True)
class Cancellation:
    """The cancel of one order, named by either id."""

    symbol: Symbol
    order_id: ClientId | VenueOrderId


class ExchangePort(AccountPort, MarketDataPort, ABC):
    """A venue. Every method may be called from any thread."""

    @property
    @abstractmethod
    def kind(self) -> VenueKind:
        """What this adapter really talks to, for the agreement check with the trading mode."""

    def account_id(self) -> str | None:
        """Return the venue's id of the account, ``None`` where a venue has one account only.

        Raises:
            QueryFailed: the venue gave no usable answer.

        """
        return None

    @property
    @abstractmethod
    def capabilities(self) -> Capabilities:
        """What this venue supports."""

    @abstractmethod
    def connect(self, sink: MessageSink) -> None:
        """Open streams and deliver every message to ``sink``, which never raises or blocks.

        There is no replay of what was missed before. A second call replaces the sink.

        Raises:
            NotSupported: the venue pushes nothing.

        """

    @abstractmethod
    def close(self) -> None:
        """Close streams and connections. A second call is harmless."""

    @abstractmethod
    def instrument(self, symbol: Symbol) -> Instrument:
        """Return the specification of ``symbol``; :class:`QueryFailed` for an unknown one.

        Raises:
            QueryFailed: the symbol is not known, a field is missing, or the venue gave no usable
                answer.

        """

    @abstractmethod
    def fee_rates(self, symbol: Symbol) -> FeeRates:
        """Return the account's fee rates for ``symbol``.

        Raises:
            QueryFailed: the symbol is not known, or the venue gave no usable answer.
            NotSupported: the venue lacks the query.

        """

    @abstractmethod
    def ticker(self, symbol: Symbol) -> Ticker:
        """Return current prices.

        Raises:
            QueryFailed: the symbol is not known, it has no price yet, or the venue gave no usable
                answer.

        """

    @abstractmethod
    def account(self) -> AccountReport:
        """Return balances and margin.

        Raises:
            QueryFailed: the venue gave no usable answer.

        """

    @abstractmethod
    def position(self, symbol: Symbol) -> PositionReport:
        """Return the position of ``symbol``, with quantity zero when flat.

        Raises:
            QueryFailed: the symbol is not known, or the venue gave no usable answer.

        """

    @abstractmethod
    def positions(self) -> tuple[PositionReport, ...]:
        """Return every position that is not flat.

        Raises:
            QueryFailed: the venue gave no usable answer.

        """

    @abstractmethod
    def place(self, order: Approved | Reduction) -> Accepted | Rejected | Unknown:
        """Send an order. A client id that the venue already knows is rejected as a duplicate.

        ``Accepted``: acknowledged, which is neither live nor filled; ``Rejected``: refused, without
        effect; ``Unknown``: no answer, so ask for the order by its id and send nothing again.

        Raises:
            NotSupported: the order needs what the venue lacks; nothing was sent.

        """

    def place_batch(
        self, orders: Sequence[Approved | Reduction]
    ) -> tuple[Accepted | Rejected | Unknown, ...]:
        """Send several orders at once; one outcome for each, in the order given.

        Each order is judged by itself: a batch is no transaction. A batch whose answer is lost is
        unknown for every order in it. A venue without batches sends them one by one.

        Raises:
            ValueError: more than ``capabilities.batch_size_max``; nothing was sent.
            NotSupported: an order needs what the venue lacks; nothing was sent.

        """
        self.capabilities.check_batch(len(orders))
        return one_by_one(partial(self.place, order) for order in orders)

    @abstractmethod
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
    ) -> Accepted | Rejected | Unknown:
        """Change a resting order, as :class:`Amendment` says.

        ``Accepted``: acknowledged, which is no proof of the change; ``Rejected``: refused, without
        effect; ``Unknown``: no answer, so read the order before it is changed again.

        Raises:
            NotSupported: the venue lacks amending, or the legs inside an order; nothing was sent.

        """

    def amend_batch(
        self, changes: Sequence[Amendment]
    ) -> tuple[Accepted | Rejected | Unknown, ...]:
        """Change several orders at once; see :meth:`place_batch`.

        What a venue's batch cannot carry, such as conditional orders, goes singly.
        """
        self.capabilities.check_batch(len(changes))
        return one_by_one(
            partial(
                self.amend,
                change.symbol,
                change.client_id,
                qty=change.qty,
                price=change.price,
                trigger_price=change.trigger_price,
                stop_loss=change.stop_loss,
                take_profit=change.take_profit,
            )
            for change in changes
        )

    @abstractmethod
    def cancel(
        self, symbol: Symbol, order_id: ClientId | VenueOrderId
    ) -> Accepted | Rejected | Unknown:
        """Cancel one order by either id. An ended order is ``ORDER_NOT_FOUND`` or ``_FINISHED``.

        ``Accepted``: acknowledged, and the order may still fill before it ends; ``Rejected``:
        refused, without effect; ``Unknown``: no answer, so ask for the order before it counts as
        ended.
        """

    def cancel_batch(
        self, cancels: Sequence[Cancellation]
    ) -> tuple[Accepted | Rejected | Unknown, ...]:
        """Cancel several orders at once; see :meth:`place_batch`."""
        self.capabilities.check_batch(len(cancels))
        return one_by_one(
            partial(self.cancel, cancel.symbol, cancel.order_id) for cancel in cancels
        )

    def cancel_all(self, symbol: Symbol | None = None) -> Done | Rejected | Unknown:
        """Cancel every order of a symbol, or of the account, foreign ones and stops included.

        It bares positions: protective legs are orders too (Bybit V5 order/cancel-all). ``Done``:
        every order that was there before the answer is over; ``was_already``: there was none.

        ``Rejected``: refused as a whole; ``Unknown``: no answer, so list the open orders.

        Raises:
            NotSupported: the venue lacks it: cancel one by one.

        """
        del symbol
        raise NotSupported(Capability.CANCEL_ALL)

    @abstractmethod
    def set_position_stop(self, stop: PositionStop) -> Done | Rejected | Unknown:
        """Set, move or clear the protection of an open position, for its whole size.

        ``Done``: the venue shows it; ``Rejected``: refused, nothing changed; ``Unknown``: no
        answer, so read it back before anything else.

        Raises:
            NotSupported: the venue lacks it; nothing was sent.

        """

    @abstractmethod
    def set_leverage(self, symbol: Symbol, leverage: Rate) -> Done | Rejected | Unknown:
        """Set the leverage of ``symbol``; the same leverage again is done, ``was_already``.

        ``Done``: the venue shows it; ``Rejected``: refused, nothing changed; ``Unknown``: no
        answer, so read it back before anything else.

        Raises:
            NotSupported: the venue lacks it; nothing was sent.

        """

    @abstractmethod
    def open_orders(self, symbol: Symbol | None = None) -> tuple[OrderReport, ...]:
        """Return every order that is not finished, oldest first.

        Raises:
            QueryFailed: the venue gave no usable answer.

        """

    def holdings(self) -> Holdings:
        """Return every position and open order, and what could not be read of them.

        The orders are read first: an entry that fills meanwhile is then seen as open or as held.
        The other way round it is neither, and its stop looks like one that protects nothing. Where
        :meth:`positions` and :meth:`open_orders` are whole or fail, that is all of it.

        Raises:
            QueryFailed: the venue gave no usable answer.

        """
        orders = self.open_orders()
        return Holdings(positions=self.positions(), orders=orders)

    @abstractmethod
    def find_order(self, symbol: Symbol, client_id: ClientId) -> OrderReport | None:
        """Return one order from the live set or the history; ``None`` when neither knows it.

        Raises:
            QueryFailed: the venue gave no usable answer: the order may exist.

        """

    @abstractmethod
    def find_by_venue_id(self, symbol: Symbol, venue_id: VenueOrderId) -> OrderReport | None:
        """Do as :meth:`find_order` by the venue's own id, which every order has, a stop's too.

        Raises:
            QueryFailed: the venue gave no usable answer: the order may exist.

        """

    @abstractmethod
    def order_history(self, symbol: Symbol | None, within: TimeRange) -> History[OrderReport]:
        """Return orders last updated within the range.

        Raises:
            QueryFailed: the venue gave no usable answer.
            NotSupported: the venue lacks the query.

        """

    @abstractmethod
    def executions(self, symbol: Symbol | None, within: TimeRange) -> History[Execution]:
        """Return executions within the range.

        Raises:
            QueryFailed: the venue gave no usable answer.
            NotSupported: the venue lacks the query.

        """

    @abstractmethod
    def funding_payments(self, symbol: Symbol | None, within: TimeRange) -> History[FundingPayment]:
        """Return funding settlements within the range.

        Raises:
            QueryFailed: the venue gave no usable answer.
            NotSupported: the venue lacks the query.

        """
