"""The paper venue behind the exchange port and the wire's port.

A simulated Bybit linear venue in one-way mode. Every request and every piece of market data is one
transaction; see :mod:`.transactions`. Same data, same seed and same requests give the same
everything.
"""

from collections.abc import Callable, Iterator, Mapping

from tidegate.domain.instrument import FeeRates, Instrument
from tidegate.domain.mode import VenueKind
from tidegate.domain.money import ZERO, Money, Price, Qty, Rate
from tidegate.domain.orders import (
    ClientId,
    OrderRequest,
    ProtectiveLeg,
    Reduction,
    Symbol,
    VenueOrderId,
)
from tidegate.domain.reports import MarginMode, Origin
from tidegate.domain.risk.approval import Approved
from tidegate.ports.exchange import (
    Accepted,
    Capabilities,
    Capability,
    Done,
    MessageSink,
    PositionStop,
    Rejected,
)
from tidegate.ports.feed import FeedItem
from tidegate.ports.venue import PartialLegs, PartialStop, SelfMatch

from . import account_requests, decisions, feeding, partial_requests, position_requests, requests
from .account_queries import PaperAccountQueries
from .config import PaperConfig
from .opening import open_world
from .records import PaperOrder
from .refusals import Refusal, Refused
from .store import PaperStore
from .transactions import Transactions
from .world import World

__all__ = ["PaperVenue"]

_BATCH_SIZE_MAX = 20


class PaperVenue(PaperAccountQueries):
    """A venue in this process, with the state that ``store`` holds or ``wallet`` begins.

    ``wallet`` is the opening balance in USDT. A store that was begun with another wallet, seed or
    margin mode is refused, and so is one of a recorded market where this one ``is_live``, or the
    other way round. The venue owns the store and closes it.

    Raises:
        StoreOfAnother: the store was begun with something else.
        StateCorrupt: the store cannot be read.

    """

    def __init__(
        self,
        *,
        instruments: Mapping[Symbol, Instrument],
        fees: FeeRates,
        wallet: Money,
        config: PaperConfig,
        store: PaperStore,
        is_live: bool = False,
    ) -> None:
        try:
            self._world = open_world(
                instruments=instruments,
                fees=fees,
                wallet=wallet,
                config=config,
                store=store,
                is_live=is_live,
            )
        except BaseException:
            store.close()
            raise
        super().__init__(Transactions(self._world, store))

    @property
    def kind(self) -> VenueKind:
        """Always ``PAPER``."""
        return VenueKind.PAPER

    @property
    def capabilities(self) -> Capabilities:
        """Nearly everything is supported; an acknowledged order is known at once.

        A batch holds 20 orders (Bybit V5 order/create-batch, linear).
        """
        return Capabilities(supported=frozenset(Capability), batch_size_max=_BATCH_SIZE_MAX)

    def connect(self, sink: MessageSink) -> None:
        """Deliver every message from now on to ``sink``."""
        self._transactions.connect(sink)

    def close(self) -> None:
        """Stop messages and close the store. A second call is harmless."""
        self._transactions.close()

    # Driving

    def cursor(self) -> int:
        """Return the index of the first feed item that is not yet fully processed."""
        return self._transactions.head(lambda head: head.cursor)

    def pieces_done(self) -> int:
        """Return how many pieces of the item at the cursor were processed."""
        return self._transactions.head(lambda head: head.piece)

    def now_ms(self) -> int:
        """Return the time of the last point, or that which time was let pass to."""
        return self._transactions.head(lambda head: head.now_ms)

    def offer(self, item: FeedItem, *, index: int) -> Iterator[None]:
        """Process one item in pieces, as far as the caller takes them.

        Errors: see :meth:`SimulatedVenuePort.offer`.
        """
        if item.symbol not in self._world.instruments:
            traded = ", ".join(sorted(self._world.instruments))
            raise ValueError(f"item {index} is of {item.symbol}; this venue trades {traded}")
        cursor = self.cursor()
        if index > cursor:
            raise ValueError(f"item {index} was offered, item {cursor} comes next")
        return self._pieces(item, index)

    def _pieces(self, item: FeedItem, index: int) -> Iterator[None]:
        while self.cursor() == index:
            if self._transactions.advance(item):
                yield

    def advance_to(self, now_ms: int) -> None:
        """Let time pass without a price."""
        if now_ms > self.now_ms():
            self._transactions.decide(lambda: feeding.advance_time(self._world, now_ms))

    # Orders

    def place(self, order: Approved | Reduction) -> Accepted | Rejected:
        """Take an order that was approved, or that only reduces.

        Outcomes and errors: see :meth:`ExchangePort.place`.
        """
        return self.submit(order.order)

    def submit(
        self,
        order: OrderRequest,
        *,
        legs: PartialLegs | None = None,
        self_match: SelfMatch = SelfMatch.NONE,
    ) -> Accepted | Rejected:
        """Take an order as it came over a wire.

        Outcomes and errors: see :meth:`WireVenuePort.submit`.
        """

        def place() -> PaperOrder:
            if self._transactions.find(order.client_id) is not None:
                raise Refused(Refusal.DUPLICATE, f"OrderLinkedID is duplicate: {order.client_id}")
            return requests.place(self._world, order, legs=legs, self_match=self_match)

        return self._transactions.request(order.symbol, place)

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
        """Change an unfinished order, named by either id.

        Outcomes and errors: see :meth:`WireVenuePort.amend`.
        """
        wanted = requests.Amendment(
            qty=qty,
            price=price,
            trigger_price=trigger_price,
            stop_loss=stop_loss,
            take_profit=take_profit,
        )

        def change() -> PaperOrder:
            order = self._transactions.unfinished(symbol, client_id)
            requests.amend(self._world, order, wanted)
            return order

        return self._transactions.request(symbol, change)

    def cancel(self, symbol: Symbol, order_id: ClientId | VenueOrderId) -> Accepted | Rejected:
        """Cancel an unfinished order, named by either id; also one that the venue made.

        Outcomes and errors: see :meth:`ExchangePort.cancel`.
        """

        def end() -> PaperOrder:
            order = self._transactions.unfinished(symbol, order_id)
            requests.cancel(self._world, order)
            return order

        return self._transactions.request(symbol, end)

    def cancel_all(self, symbol: Symbol | None = None) -> Done | Rejected:
        """Cancel every order of a symbol, or of all, protective ones included, at once.

        No latency holds it up, and an order that is still under way never takes effect.

        Outcomes and errors: see :meth:`ExchangePort.cancel_all`.
        """
        return self._change(symbol, lambda world: requests.cancel_all(world, symbol))

    # Positions and the account

    def set_position_stop(self, stop: PositionStop) -> Done | Rejected:
        """Set, move or clear the protection of an open position, at once.

        Outcomes and errors: see :meth:`ExchangePort.set_position_stop`.
        """
        return self._change(
            stop.symbol, lambda world: position_requests.set_position_stop(world, stop)
        )

    def add_partial_stop(self, stop: PartialStop) -> Done | Rejected:
        """Add a pair of legs for a part of an open position, at once.

        Outcomes and errors: see :meth:`WireVenuePort.add_partial_stop`.
        """
        return self._change(
            stop.symbol, lambda world: partial_requests.add_partial_stop(world, stop)
        )

    def set_leverage(self, symbol: Symbol, leverage: Rate) -> Done | Rejected:
        """Set the leverage of ``symbol``, at once.

        Outcomes and errors: see :meth:`WireVenuePort.set_leverage`.
        """
        return self._change(
            symbol, lambda world: position_requests.set_leverage(world, symbol, leverage)
        )

    def set_margin_mode(self, mode: MarginMode) -> Done | Rejected:
        """Set the account's margin mode, at once.

        Outcomes and errors: see :meth:`WireVenuePort.set_margin_mode`.
        """
        return self._change(None, lambda world: account_requests.set_margin_mode(world, mode))

    def add_margin(self, symbol: Symbol, amount: Money) -> Done | Rejected:
        """Add to an isolated position's margin, or take back what was added, at once.

        Outcomes and errors: see :meth:`WireVenuePort.add_margin`.
        """
        return self._change(
            symbol, lambda world: account_requests.add_margin(world, symbol, amount)
        )

    def set_auto_add_margin(self, symbol: Symbol, *, on: bool) -> Done | Rejected:
        """Choose whether margin is added before a liquidation, at once.

        Outcomes and errors: see :meth:`WireVenuePort.set_auto_add_margin`.
        """
        return self._change(
            symbol, lambda world: account_requests.set_auto_add_margin(world, symbol, on=on)
        )

    def set_collateral(self, coin: str, *, on: bool) -> Done | Rejected:
        """Refuse every change: USDT is collateral, and there is nothing else.

        Outcomes and errors: see :meth:`WireVenuePort.set_collateral`.
        """
        return self._change(None, lambda _: account_requests.set_collateral(coin, on=on))

    def adjust_wallet(self, amount: Money) -> Done | Rejected:
        """Add to the wallet or take from it, at once.

        Outcomes and errors: see :meth:`WireVenuePort.adjust_wallet`.
        """
        return self._change(None, lambda world: account_requests.adjust_wallet(world, amount))

    def _change(self, symbol: Symbol | None, act: Callable[[World], bool]) -> Done | Rejected:
        return self._transactions.change(symbol, lambda: act(self._world))

    # What the venue decides

    def set_index(self, symbol: Symbol, index: Price) -> None:
        """Set the index price; index triggers may fire.

        Outcomes and errors: see :meth:`WireVenuePort.set_index`.
        """
        self._check_traded(symbol)
        if index.value <= ZERO:
            raise ValueError(f"index price {index} of {symbol}: it must be above zero")
        if not self._transactions.has_price(symbol):
            raise ValueError(f"{symbol} has no price yet: no market data so far")
        self._transactions.decide(
            lambda: decisions.set_index(self._world, symbol, index), ticker_of=symbol
        )

    def set_instrument(self, instrument: Instrument) -> None:
        """Replace a specification; what its new status does not allow ends.

        Outcomes and errors: see :meth:`WireVenuePort.set_instrument`.
        """
        self._check_traded(instrument.symbol)
        self._transactions.decide(
            lambda: decisions.set_instrument(self._world, instrument),
            ticker_of=instrument.symbol,
        )

    def _check_traded(self, symbol: Symbol) -> None:
        if symbol not in self._world.instruments:
            traded = ", ".join(sorted(self._world.instruments))
            raise ValueError(f"{symbol} is not traded here; {traded} is")

    def force_close(
        self, symbol: Symbol, qty: Qty, price: Price, origin: Origin
    ) -> Accepted | Rejected:
        """Close a part of a position at a price of the venue's choice.

        Outcomes and errors: see :meth:`WireVenuePort.force_close`.
        """
        decisions.check_forced(symbol, qty, price, origin)
        return self._transactions.request(
            symbol,
            lambda: decisions.force_close(self._world, symbol, qty, price, origin),
        )
