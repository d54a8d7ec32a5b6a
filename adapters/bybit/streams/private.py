"""What the account's stream pushes, turned into the messages of the exchange port.

Rows of one message are independent: one that cannot be read is reported and the others pass.
Nothing is filtered out by content but rows of other products, contracts in USDC among them: a
repeated execution and an older position pass with their id and sequence, since the core counts once
and orders by itself.
"""

import logging
from collections.abc import Callable, Mapping

from tidegate.adapters.bybit.wire.executions import execution_or_funding, settles_in_usdt
from tidegate.adapters.bybit.wire.orders import order_report
from tidegate.adapters.bybit.wire.positions import position_report
from tidegate.adapters.bybit.wire.wallets import account_report
from tidegate.domain.reports import MarginMode, UnreadableReport, VenueMessage
from tidegate.ports.exchange import MessageSink

__all__ = ["DISCONNECT_TOPIC", "PRIVATE_TOPICS", "PrivateFeed"]

PRIVATE_TOPICS = ("order", "execution", "position", "wallet")
"""All-in-one topics; they cannot be mixed with categorised ones in a request (Bybit V5)."""

DISCONNECT_TOPIC = "dcp.future"
"""Carries nothing; being subscribed to it is what counts (Bybit V5, disconnect-cancel-all)."""

_LOG = logging.getLogger(__name__)
_CATEGORY = "linear"
_PUSH_SOURCE = "private stream"


class PrivateFeed:
    """Turns each pushed message into reports. Never raises because of what a message holds."""

    def __init__(
        self,
        sink: MessageSink,
        *,
        now_ms: Callable[[], int],
        margin_mode: Callable[[], MarginMode | None],
    ) -> None:
        self._sink = sink
        self._now_ms = now_ms
        self._margin_mode = margin_mode

    def take(self, message: Mapping[str, object]) -> None:
        """Take one pushed message."""
        topic, rows = message.get("topic"), message.get("data")
        if topic == DISCONNECT_TOPIC:
            return
        if topic not in PRIVATE_TOPICS or not isinstance(rows, list):
            self._unreadable(_PUSH_SOURCE, f"no message of a subscribed topic: {message}")
            return
        time_ms = self._time_of(message)
        for row in rows:
            self._take_row(str(topic), row, time_ms)

    def unreadable(self, text: str) -> None:
        """Report a message that was no JSON object."""
        self._unreadable(_PUSH_SOURCE, text)

    def _take_row(self, topic: str, row: object, time_ms: int) -> None:
        try:
            report = self._report(topic, row, time_ms)
        except Exception as error:  # noqa: BLE001 - whatever a row holds, the stream goes on
            self._unreadable(f"{_PUSH_SOURCE} {topic}", f"{error}: {row}")
            return
        if report is not None:
            self._sink(report)

    def _report(self, topic: str, row: object, time_ms: int) -> VenueMessage | None:
        if not isinstance(row, dict):
            raise TypeError("a row that is no object")
        if topic != "wallet" and not _is_of_this_desk(row):
            return None
        match topic:
            case "order":
                return order_report(row)
            case "execution":
                return execution_or_funding(row)
            case "position":
                return position_report(row, time_ms=time_ms)
            case _:
                mode = self._margin_mode()
                # Balances mean different things in the two modes; a query tells them meanwhile.
                return None if mode is None else account_report(row, mode=mode, time_ms=time_ms)

    def _time_of(self, message: Mapping[str, object]) -> int:
        created_ms = message.get("creationTime")
        is_time = isinstance(created_ms, int) and not isinstance(created_ms, bool)
        return int(str(created_ms)) if is_time else self._now_ms()

    def _unreadable(self, source: str, text: str) -> None:
        _LOG.warning("%s: unreadable: %.300s", source, text)
        self._sink(UnreadableReport(source=source, text=text, time_ms=self._now_ms()))


def _is_of_this_desk(row: Mapping[str, object]) -> bool:
    """Tell whether a row is of the product that this desk trades, perpetuals in USDT."""
    return row.get("category", _CATEGORY) == _CATEGORY and settles_in_usdt(row.get("symbol"))
