"""The orders of an account by number, id and link id; the open ones apart from those that ended."""

from collections import deque
from collections.abc import Iterator

import attrs
from tidegate.domain.lifecycle import TERMINAL
from tidegate.domain.orders import VenueOrderId
from tidegate.domain.reports import OrderReport

from .text import STATUSES, link_id

__all__ = ["ENDED_ORDERS_MAX", "NumberedOrder", "OrderIndex"]

ENDED_ORDERS_MAX = 100_000
"""How many orders that ended are remembered; beyond that the one that ended first is forgotten."""


@attrs.frozen(kw_only=True)
class NumberedOrder:
    """The last record of an order, and its number: orders count up as they come."""

    number: int
    report: OrderReport


class OrderIndex:
    """Remembers the last record of every order that the wire shows."""

    def __init__(self, ended_max: int = ENDED_ORDERS_MAX) -> None:
        self._ended_max = ended_max
        self._count = 0
        self._open: dict[VenueOrderId, NumberedOrder] = {}
        self._ended: dict[VenueOrderId, NumberedOrder] = {}
        self._links: dict[str, VenueOrderId] = {}
        self._ending: deque[VenueOrderId] = deque()

    def note(self, report: OrderReport) -> None:
        """Take over a record; one that is only acknowledged is not shown yet."""
        if report.status not in STATUSES:
            return
        venue_id = report.venue_id
        known = self.by_id(venue_id)
        if known is None:
            self._count += 1
            self._links.setdefault(link_id(report.client_id), venue_id)
        number = self._count if known is None else known.number
        order = NumberedOrder(number=number, report=report)
        if report.status not in TERMINAL:
            self._open[venue_id] = order
            return
        self._open.pop(venue_id, None)
        if venue_id not in self._ended:
            self._ending.append(venue_id)
        self._ended[venue_id] = order
        self._forget()

    def _forget(self) -> None:
        while len(self._ending) > self._ended_max:
            gone = self._ended.pop(self._ending.popleft())
            self._links.pop(link_id(gone.report.client_id), None)

    def by_id(self, venue_id: str) -> NumberedOrder | None:
        """Return an order by the venue's id."""
        key = VenueOrderId(venue_id)
        return self._open.get(key) or self._ended.get(key)

    def by_link(self, link: str) -> NumberedOrder | None:
        """Return an order by its ``orderLinkId``; an empty one names none."""
        venue_id = self._links.get(link) if link else None
        return None if venue_id is None else self.by_id(venue_id)

    def open_orders(self) -> Iterator[NumberedOrder]:
        """Yield the orders that are not finished, oldest first."""
        yield from tuple(self._open.values())

    def ended_orders(self) -> Iterator[NumberedOrder]:
        """Yield the orders that ended, in the order in which they did, the last one first."""
        for venue_id in tuple(reversed(self._ending)):
            yield self._ended[venue_id]
