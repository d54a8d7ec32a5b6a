"""What drives a simulated venue, and what takes orders from a wire in front of it."""

import enum
from abc import abstractmethod
from collections.abc import Iterator

import attrs
from tidegate.domain.instrument import Instrument
from tidegate.domain.money import ZERO_MONEY, Distance, Money, Price, Qty, Rate
from tidegate.domain.orders import ClientId, OrderRequest, ProtectiveLeg, Symbol, VenueOrderId
from tidegate.domain.reports import MarginMode, OrderReport, Origin

from .account import PartialStop
from .exchange import Accepted, Done, ExchangePort, Rejected
from .feed import FeedItem

__all__ = [
    "PartialLegs",
    "PartialStop",
    "SelfMatch",
    "SimulatedVenuePort",
    "WireOrder",
    "WireVenuePort",
]


class SimulatedVenuePort(ExchangePort):
    """A venue that lives in this process and whose market is fed to it, one item at a time.

    The venue has no clock: its time is the time of the last point of its data. Its whole state is
    durable, so that a process that died goes on with the item that :meth:`cursor` names.
    """

    @abstractmethod
    def cursor(self) -> int:
        """Return the index of the first feed item that is not yet fully processed. Durable."""

    @abstractmethod
    def pieces_done(self) -> int:
        """Return how many pieces of the item at :meth:`cursor` were processed. Durable."""

    @abstractmethod
    def now_ms(self) -> int:
        """Return venue time: that of the last point processed, 0 before the first.

        A bar's open has the time ``start_ms`` and its close ``end_ms``. Time never goes back.
        """

    @abstractmethod
    def offer(self, item: FeedItem, *, index: int) -> Iterator[None]:
        """Process one item in pieces, and pause after each so that the desk reacts in time.

        A bar has four pieces: open, one extreme, the other, close; any other item has one. Each
        piece is committed before its messages go to the sink, and the iterator pauses after every
        piece that had an effect or that an order or a position lived through. With neither, the
        item runs through in one piece without a pause. The caller exhausts the iterator before it
        offers the next item.

        An item below the cursor yields nothing: it was processed before. Pieces of the item at the
        cursor that were committed before a crash are not repeated.

        Raises:
            ValueError: ``index`` is beyond the cursor (an item was left out), or the item's symbol
                is not traded here.

        """


class SelfMatch(enum.Enum):
    """Whom the venue cancels when an order would take from one of the same account (``smpType``).

    The flag of the incoming order decides. With ``NONE`` the two never meet: only market data fills
    orders here.
    """

    NONE = "none"
    CANCEL_MAKER = "cancel maker"
    CANCEL_TAKER = "cancel taker"
    CANCEL_BOTH = "cancel both"


@attrs.frozen(kw_only=True)
class PartialLegs:
    """An order's legs get sizes of their own: what it filled (Bybit ``tpslMode`` "Partial").

    A limit makes the leg a limit order at that price once it fires; ``None`` a market order.
    """

    stop_loss_limit: Price | None = None
    take_profit_limit: Price | None = None


@attrs.frozen(kw_only=True)
class WireOrder:
    """An order as its venue keeps it: the report, and what only a wire shows.

    ``bound`` is the worst price of a market order, once it is live: the venue shows it as a price.
    ``fee`` is cumulative, USDT. ``last_price_on_created`` is the last price when the order came.
    ``is_partial_leg`` tells that it protects a part of a position; ``legs`` is set on an order
    whose own legs will.
    """

    report: OrderReport
    bound: Price | None = None
    close_on_trigger: bool = False
    slippage_max: Rate | None = None
    trailing_distance: Distance | None = None
    trailing_activation: Price | None = None
    last_price_on_created: Price | None = None
    fee: Money = ZERO_MONEY
    is_partial_leg: bool = False
    legs: PartialLegs | None = None
    self_match: SelfMatch = SelfMatch.NONE


class WireVenuePort(SimulatedVenuePort):
    """A simulated venue that a protocol server puts behind a wire.

    What arrives over a wire was approved, or not, on the other side of it: a venue takes orders
    from anyone who is authenticated. The desk holds an ``ExchangePort`` and cannot reach this.

    Every change is durable and sends the messages that follow from it before the method returns.
    A refusal has the venue's code and changes nothing.

    Orders end as ``Accepted``: the venue has the change, which says nothing of a fill; other
    changes as ``Done``: it is so now, ``was_already`` where it was so before; both as ``Rejected``:
    refused, and nothing changed. There is no lost answer within one process.

    Raises:
        VenueError: the store could not be written, or the venue has stopped; nothing was done.

    """

    @abstractmethod
    def advance_to(self, now_ms: int) -> None:
        """Let time pass without a price: requests under way that are due have their effect.

        A time at or before :meth:`now_ms` changes nothing. Prices keep the time they came at.
        """

    @abstractmethod
    def submit(
        self,
        order: OrderRequest,
        *,
        legs: PartialLegs | None = None,
        self_match: SelfMatch = SelfMatch.NONE,
    ) -> Accepted | Rejected:
        """Take an order as it came over the wire; checked and matched exactly as ``place`` is.

        ``legs`` says that the order's stop and target are for what it fills, not for the position.
        """

    @abstractmethod
    def amend(
        self,
        symbol: Symbol,
        client_id: ClientId | VenueOrderId,
        *,
        qty: Qty | None = None,
        price: Price | None = None,
        trigger_price: Price | None = None,
        stop_loss: ProtectiveLeg | None = None,
        take_profit: ProtectiveLeg | None = None,
    ) -> Accepted | Rejected:
        """Change a resting order, named by either id; ``None`` leaves a value as it is.

        ``stop_loss`` and ``take_profit`` are the legs inside an order that has not filled at all; a
        leg at price zero clears.
        """

    @abstractmethod
    def wire_order(self, venue_id: VenueOrderId) -> WireOrder | None:
        """Return one order, finished or not; ``None`` when there never was one."""

    @abstractmethod
    def add_partial_stop(self, stop: PartialStop) -> Done | Rejected:
        """Add a pair of legs for a part of an open position; at most 20 of each kind at a time.

        One leg that fires or is cancelled takes the other with it. No leg is ever larger than the
        position, and all end with it (Bybit V5 position/trading-stop, ``tpslMode`` "Partial").
        """

    @abstractmethod
    def set_collateral(self, coin: str, *, on: bool) -> Done | Rejected:
        """Choose whether ``coin`` counts as margin."""

    @abstractmethod
    def set_margin_mode(self, mode: MarginMode) -> Done | Rejected:
        """Set the account's margin mode; refused while there is a position or an order."""

    @abstractmethod
    def set_leverage(self, symbol: Symbol, leverage: Rate) -> Done | Rejected:
        """Set the leverage of ``symbol``; the same leverage again is done, ``was_already``."""

    @abstractmethod
    def leverage(self, symbol: Symbol) -> Rate:
        """Return the leverage of ``symbol``, also without a position or a price."""

    @abstractmethod
    def add_margin(self, symbol: Symbol, amount: Money) -> Done | Rejected:
        """Add to the margin of an isolated position, or take back what was added (``amount < 0``).

        No more is added than is available, and no more taken than was added or would leave the
        position at its liquidation price.
        """

    @abstractmethod
    def set_auto_add_margin(self, symbol: Symbol, *, on: bool) -> Done | Rejected:
        """Choose whether margin is added from what is available before a liquidation; isolated."""

    @abstractmethod
    def auto_add_margin(self, symbol: Symbol) -> bool:
        """Tell whether margin is added before a liquidation of ``symbol``."""

    @abstractmethod
    def adjust_wallet(self, amount: Money) -> Done | Rejected:
        """Add to the wallet or take from it (demo funds); no more is taken than is available."""

    @abstractmethod
    def set_index(self, symbol: Symbol, index: Price) -> None:
        """Set the index price, which was the mark price until then; index triggers may fire.

        Raises:
            ValueError: the symbol is not traded here, or has no price yet.

        """

    @abstractmethod
    def set_instrument(self, instrument: Instrument) -> None:
        """Replace the specification of a symbol that is traded here; it stays after a restart.

        Resting orders are not checked again. A symbol that becomes ``REDUCE_ONLY`` loses every
        order that could open; one that becomes ``CLOSED`` loses every order, and its position is
        settled at the mark price. Leverage above the new maximum is lowered to it.

        Raises:
            ValueError: the symbol is not traded here.

        """

    @abstractmethod
    def force_close(
        self, symbol: Symbol, qty: Qty, price: Price, origin: Origin
    ) -> Accepted | Rejected:
        """Close a part of a position at a price of the venue's choice, whatever the market is.

        ``origin`` is liquidation or auto-deleveraging, which pay the taker fee, or settlement,
        which pays none. ``qty`` is unsigned and at most the position.

        Raises:
            ValueError: another origin, or a quantity or price that is not above zero.

        """
