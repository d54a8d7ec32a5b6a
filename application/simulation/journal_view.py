"""What the journal's text says, read without any of the desk's code: for whoever judges."""

import json
from decimal import Decimal
from typing import Any

import attrs
from tidegate.domain.lifecycle import TERMINAL
from tidegate.ports.state import Record

from .names import Violation

__all__ = ["JournalView"]

_TERMINAL = frozenset(status.name for status in TERMINAL)


@attrs.frozen(kw_only=True)
class _Intent:
    """An order as the journal has it: what it may open, and where in the journal it stands."""

    version: int
    is_entry: bool
    signal_id: str | None
    symbol: str
    qty: Decimal
    worst: Decimal
    leverage: Decimal | None


class JournalView:
    """What the journal's text says, read without any of the desk's code."""

    def __init__(self) -> None:
        self.version = 0
        self.intents: dict[str, _Intent] = {}
        self.amends: dict[str, int] = {}
        self.ended: set[str] = set()
        self.lapsed: set[str] = set()
        self.bookings: set[str] = set()
        self.state = "ACTIVE"
        self.is_panicked = False
        self.is_blind = False

    @property
    def takes_entries(self) -> bool:
        """Tell whether the desk may send what adds risk."""
        return self.state in {"ACTIVE", "0"} and not self.is_panicked and not self.is_blind

    def take(self, version: int, record: Record) -> str:
        """Take one record; returns its kind without the number of its shape."""
        self.version = version
        kind = record.kind.partition(".")[0]
        reader = getattr(self, f"_{kind}", None)
        if reader is not None:
            reader(json.loads(record.body), version)
        return kind

    def _entry_intended(self, body: dict[str, Any], version: int) -> None:
        self._intend(body, version, is_entry=True, signal_id=body["signal"]["signal_id"])

    def _order_intended(self, body: dict[str, Any], version: int) -> None:
        self._intend(body, version, is_entry=False, signal_id=None)

    def _intend(
        self, body: dict[str, Any], version: int, *, is_entry: bool, signal_id: str | None
    ) -> None:
        order = body["order"]
        name = order["client_id"]
        if name in self.intents:
            raise Violation("an order is intended once", f"{name} is intended again")
        if signal_id is not None and any(
            known.signal_id == signal_id for known in self.intents.values()
        ):
            raise Violation("a signal is traded once", f"{signal_id} has another entry, {name}")
        self.intents[name] = _Intent(
            version=version,
            is_entry=is_entry,
            signal_id=signal_id,
            symbol=order["symbol"],
            qty=Decimal(order["qty"]),
            worst=Decimal(body["worst_price"]) if is_entry else Decimal(0),
            leverage=Decimal(body["signal"]["leverage"]) if is_entry else None,
        )

    def _amend_intended(self, body: dict[str, Any], version: int) -> None:
        name = body["client_id"]
        self.amends[name] = version
        known = self.intents.get(name)
        if known is not None and known.is_entry:
            # Either may be what the order is: the larger counts.
            worst = max(known.worst, Decimal(body["worst_price"]))
            qty = max(known.qty, Decimal(body["request"]["qty"]))
            self.intents[name] = attrs.evolve(known, worst=worst, qty=qty)

    def _order_refused(self, body: dict[str, Any], version: int) -> None:
        self._order_lapsed(body, version)

    def _order_lapsed(self, body: dict[str, Any], _: int) -> None:
        self.ended.add(body["client_id"])
        self.lapsed.add(body["client_id"])

    def _order_updated(self, body: dict[str, Any], _: int) -> None:
        if str(body["status"]).upper() in _TERMINAL:
            self.ended.add(body["client_id"])

    def _filled(self, body: dict[str, Any], _: int) -> None:
        self._book(body["execution"]["execution_id"])

    def _funding_booked(self, body: dict[str, Any], _: int) -> None:
        self._book(body["payment"]["payment_id"])

    def _book(self, name: str) -> None:
        if name in self.bookings:
            raise Violation("a booking is counted once", f"{name} is booked again")
        self.bookings.add(name)

    def _trading_state_changed(self, body: dict[str, Any], _: int) -> None:
        self.state = str(body["state"])

    def _panic_started(self, _: dict[str, Any], __: int) -> None:
        self.is_panicked = True

    def _panic_reset(self, _: dict[str, Any], __: int) -> None:
        self.is_panicked = False

    def _streams_lost(self, _: dict[str, Any], __: int) -> None:
        self.is_blind = True

    def _streams_regained(self, _: dict[str, Any], __: int) -> None:
        self.is_blind = False
