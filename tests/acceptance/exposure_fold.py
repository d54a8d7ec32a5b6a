"""Exposure and its limit as the text of journal rows tells them, and a shaken scheduler.

The fold imports none of the program's own arithmetic: positions at mark, plus entries in flight at
their worst price, against a share of equity. Marks are fixed by whoever asks.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import attrs
from tidegate.ports.state import StoredRecord

__all__ = ["ExposureFold", "shaken"]


@attrs.define
class _InFlight:
    symbol: str
    worst: Fraction
    qty: Fraction
    filled: Fraction = Fraction(0)
    reported: Fraction = Fraction(0)
    is_open: bool = True

    def value(self) -> Fraction:
        bound = self.qty if self.is_open else max(self.reported, self.filled)
        return self.worst * (bound - self.filled)


_ENDED = {"filled", "cancelled", "deactivated", "rejected"}


class ExposureFold:
    """Exposure and limit after each journal row, from the rows' text alone."""

    def __init__(self, marks: Mapping[str, Fraction], share: Fraction) -> None:
        self._marks = marks
        self._share = share
        self._qty: defaultdict[str, Fraction] = defaultdict(Fraction)
        self._cash = Fraction(0)
        self._entries: dict[str, _InFlight] = {}
        self._handlers: dict[str, Callable[[Any], None]] = {
            "account_opened": self._opened,
            "entry_intended": self._intended,
            "order_updated": self._updated,
            "order_refused": self._ended,
            "order_lapsed": self._ended,
            "filled": self._filled,
        }

    def take(self, row: StoredRecord) -> None:
        handler = self._handlers.get(row.record.kind.split(".")[0])
        if handler is not None:
            handler(json.loads(row.record.body))

    @property
    def exposure(self) -> Fraction:
        held = sum((abs(Fraction(q)) * self._marks[s] for s, q in self._qty.items()), Fraction(0))
        return held + sum((entry.value() for entry in self._entries.values()), Fraction(0))

    @property
    def limit(self) -> Fraction:
        value = sum(Fraction(q) * self._marks[s] for s, q in self._qty.items())
        return self._share * (self._cash + value)

    @property
    def positions(self) -> dict[str, Fraction]:
        return {symbol: Fraction(qty) for symbol, qty in self._qty.items() if qty != 0}

    def _opened(self, body: Any) -> None:
        self._cash = Fraction(body["wallet"])

    def _intended(self, body: Any) -> None:
        order = body["order"]
        self._entries[order["client_id"]] = _InFlight(
            order["symbol"], Fraction(body["worst_price"]), Fraction(order["qty"])
        )

    def _updated(self, body: Any) -> None:
        entry = self._entries.get(body["client_id"])
        if entry is not None:
            entry.reported = Fraction(body["qty_filled"])
            entry.is_open = body["status"] not in _ENDED
            self._forget_if_settled(body["client_id"], entry)

    def _ended(self, body: Any) -> None:
        entry = self._entries.get(body["client_id"])
        if entry is not None:
            entry.is_open = False
            self._forget_if_settled(body["client_id"], entry)

    def _filled(self, body: Any) -> None:
        fill = body["execution"]
        qty = Fraction(fill["qty"])
        sign = 1 if fill["side"] == "buy" else -1
        self._qty[fill["symbol"]] += sign * qty
        self._cash -= sign * qty * Fraction(fill["price"]) + Fraction(fill["fee"])
        entry = self._entries.get(fill["client_id"])
        if entry is not None:
            entry.filled += qty
            self._forget_if_settled(fill["client_id"], entry)

    def _forget_if_settled(self, name: str, entry: _InFlight) -> None:
        if not entry.is_open and entry.value() == 0:
            del self._entries[name]


@contextmanager
def shaken() -> Iterator[None]:
    """Let threads change places as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
