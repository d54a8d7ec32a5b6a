"""Cancelling every order of a symbol or of the account, until the venue shows none of them.

One request cancels at most 500 orders, and its answer only acknowledges it (Bybit V5
order/cancel-all). So the open orders are read back, and what is left is asked for again for as long
as it becomes less.
"""

import threading
from collections.abc import Sequence

import attrs
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import UnreadableReport
from tidegate.ports.exchange import Done, QueryFailed, Rejected, Unknown

from .outcomes import done
from .queries import StateQueries
from .replies import Answered
from .rest import Call, Lane, RestClient
from .wire.fields import Unreadable
from .wire.requests import cancel_all_body

__all__ = ["PAUSES_S", "CancelAll"]

PAUSES_S = (0.05, 0.2, 0.5, 1.0)
"""How long to wait between readings of the open orders, which may lag behind the cancel."""


@attrs.frozen
class _Left:
    """What a reading found: ``count`` of the orders to be cancelled, ``None`` when it failed."""

    count: int | None
    why: str = ""


class CancelAll:
    """Cancels everything. Any thread may call; ``closing`` ends the pauses."""

    def __init__(
        self,
        rest: RestClient,
        queries: StateQueries,
        *,
        closing: threading.Event,
        pauses_s: Sequence[float] = PAUSES_S,
    ) -> None:
        self._rest = rest
        self._queries = queries
        self._closing = closing
        self._pauses_s = pauses_s

    def run(self, symbol: Symbol | None) -> Done | Rejected | Unknown:
        """Cancel all that was there at the first answer; later orders are not waited for.

        Outcomes: see :meth:`ExchangePort.cancel_all`.
        """
        body = cancel_all_body(symbol)
        first: Answered | None = None
        before: int | None = None
        while True:
            reply = self._rest.change(Call.CANCEL_ALL, body, lane=Lane.SAFETY)
            if not isinstance(reply, Answered):
                return done(reply, now_ms=self._rest.clock.now_ms())
            first = reply if first is None else first
            left = self._read_until_none(symbol, until_ms=first.time_ms)
            if left.count == 0:
                is_first = reply is first
                return Done(time_ms=reply.time_ms, was_already=is_first and _names_none(reply))
            if left.count is None or (before is not None and left.count >= before):
                return Unknown(sent_ms=reply.sent_ms, cause=left.why)
            before = left.count

    def _read_until_none(self, symbol: Symbol | None, *, until_ms: int) -> _Left:
        left = self._read(symbol, until_ms)
        for pause_s in self._pauses_s:
            if left.count == 0 or self._closing.wait(pause_s):
                break
            left = self._read(symbol, until_ms)
        return left

    def _read(self, symbol: Symbol | None, until_ms: int) -> _Left:
        unread: list[UnreadableReport] = []
        try:
            orders = self._queries.open_orders(symbol, unread.append, lane=Lane.SAFETY)
        except (QueryFailed, Unreadable) as error:
            return _Left(None, f"acknowledged; the open orders could not be read: {error}")
        count = sum(order.created_ms <= until_ms for order in orders) + len(unread)
        return _Left(count, f"acknowledged; {count} orders are open all the same")


def _names_none(reply: Answered) -> bool:
    """Tell whether the venue says that it had nothing to cancel."""
    return reply.result.get("list") == []
