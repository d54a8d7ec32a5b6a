"""What drives a simulated venue, and what takes orders from a wire in front of it."""

from abc import abstractmethod
from collections.abc import Iterator

from tidegate.domain.orders import OrderRequest

from .exchange import Accepted, ExchangePort, Rejected
from .feed import FeedItem

__all__ = ["SimulatedVenuePort", "WireVenuePort"]


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


class WireVenuePort(SimulatedVenuePort):
    """A simulated venue that a protocol server puts behind a wire.

    What arrives over a wire was approved, or not, on the other side of it: a venue takes orders
    from anyone who is authenticated. The desk holds an ``ExchangePort`` and cannot reach this.
    """

    @abstractmethod
    def submit(self, order: OrderRequest) -> Accepted | Rejected:
        """Take an order as it came over the wire; checked and matched exactly as ``place`` is."""
