"""What must hold after every step, judged by the journal's text and the venue's own books."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any

import attrs
from tidegate.domain.core.effects import AmendOrder, Effect, Place
from tidegate.domain.lifecycle import TERMINAL
from tidegate.domain.orders import Reduction, Symbol
from tidegate.domain.reports import Execution, Origin, PositionReport
from tidegate.domain.risk.approval import Approved
from tidegate.ports.state import Record

from .names import Violation
from .timeline import Timeline
from .venue import SimulatedVenue

__all__ = ["BARE_MS_MAX", "JournalView", "Watch"]

BARE_MS_MAX = 20_000
"""How long a running desk may leave a position bare that somebody else bared."""
_TOLERANCE = Decimal("1.05")
"""Prices move between the desk's look at them and the judge's."""
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


class Watch:
    """The judge of one run. ``exposure_max`` is a multiple of equity."""

    def __init__(self, venue: SimulatedVenue, timeline: Timeline, *, exposure_max: Decimal) -> None:
        self._venue = venue
        self._timeline = timeline
        self._exposure_max = exposure_max
        self.view = JournalView()
        self.kinds: tuple[str, ...] = ()
        self._sent: dict[str, int] = {}
        self._orders_seen = 0
        self._executions_seen = 0
        self._openers: dict[Symbol, bool] = {}
        self._held: dict[Symbol, Decimal] = {}
        self._excused: set[Symbol] = set()
        self._shown: dict[Symbol, tuple[int, int]] = {}
        self._bare_ms: dict[Symbol, int] = {}
        self._looked_ms = timeline.now_ms

    # The journal

    def took(self, first_version: int, records: Sequence[Record]) -> None:
        """Judge records that were just written.

        Raises:
            Violation: what they say must not be.

        """
        view = self.view
        self.kinds = tuple(
            view.take(first_version + place, record) for place, record in enumerate(records)
        )
        if "entry_intended" in self.kinds or "amend_intended" in self.kinds:
            self._judge_exposure()
        if "order_lapsed" in self.kinds or "order_refused" in self.kinds:
            self._judge_lapsed()

    def read_again(self, records: Sequence[Record]) -> None:
        """Take the journal as a new process finds it: a loss of power may have shortened it."""
        self.view = JournalView()
        for version, record in enumerate(records, start=1):
            self.view.take(version, record)

    def _judge_lapsed(self) -> None:
        for name in self.view.lapsed:
            if self._venue.truth.find(name) is not None:
                raise Violation(
                    "an order lapses only when it can never arrive", f"{name} is at the venue"
                )

    def _judge_exposure(self) -> None:
        """Count what is held at the last price, and what may still open at its worst."""
        truth = self._venue.truth
        if any(self._is_unknown_to_desk(row) for row in truth.executions):
            return
        total = sum(
            (
                abs(position.qty.value) * truth.quote(symbol).last.value
                for symbol, position in truth.folded.items()
            ),
            Decimal(0),
        )
        for name, intent in self.view.intents.items():
            if not intent.is_entry or name in self.view.ended:
                continue
            order = truth.find(name)
            if order is None:
                total += intent.qty * intent.worst
            elif truth.is_live(order):
                total += (order.qty.value - order.qty_filled.value) * intent.worst
        most = self._exposure_max * self._equity() * _TOLERANCE
        if total > most:
            raise Violation(
                "limits hold with orders in flight counted",
                f"{total:.2f} USDT are held or may open, at most {most:.2f} may",
            )

    def _is_unknown_to_desk(self, row: Execution) -> bool:
        """Tell whether somebody else's fill has not reached the desk yet."""
        is_others = row.client_id is None and row.origin is Origin.USER
        return is_others and row.execution_id not in self.view.bookings

    def _equity(self) -> Decimal:
        truth = self._venue.truth
        open_profit = sum((truth.unrealised(s).value for s in truth.folded), Decimal(0))
        return truth.wallet.value + open_profit

    # What leaves the desk

    def sending(self, effects: Sequence[Effect], *, durable_version: int) -> None:
        """Judge requests at the moment at which they leave the process.

        Raises:
            Violation: one must not leave.

        """
        for effect in effects:
            match effect:
                case Place(order=Approved()):
                    name = effect.order.order.client_id
                    self._judge_forced(name, self._intent_version(name), durable_version)
                    if not self.view.takes_entries:
                        raise Violation("a halted desk opens nothing", f"{name} leaves")
                case Place():
                    name = effect.order.order.client_id
                    self._judge_forced(name, self._intent_version(name), durable_version)
                case AmendOrder():
                    version = self.view.amends.get(effect.client_id)
                    self._judge_forced(effect.client_id, version, durable_version)
                case _:
                    continue

    def _intent_version(self, name: str) -> int | None:
        intent = self.view.intents.get(name)
        return None if intent is None else intent.version

    def _judge_forced(self, name: str, version: int | None, durable_version: int) -> None:
        if version is None or version > durable_version:
            raise Violation(
                "an intent is on the disk before its request leaves",
                f"{name} leaves, intended at version {version}, and {durable_version} are forced",
            )

    def placing(self, order: Approved | Reduction) -> None:
        """Judge an order that reaches the venue.

        Raises:
            Violation: it must not be there.

        """
        request = order.order
        intent, name = self.view.intents.get(request.client_id), request.client_id
        if isinstance(order, Approved) or not request.reduce_only:
            if intent is None or not intent.is_entry:
                raise Violation("the gate approves every order that opens", f"{name} was not")
            if request.qty.value > intent.qty:
                text = f"{name} has {request.qty}, approved were {intent.qty}"
                raise Violation("the gate approves every order that opens", text)
            if request.stop_loss is None:
                raise Violation("the stop travels inside the entry", f"{name} has none")
        self._sent[name] = self._sent.get(name, 0) + 1
        if self._sent[name] > 1:
            raise Violation("an order is sent once", f"{name} is sent again")

    # What a desk has seen

    def begin(self) -> None:
        """Begin with a process that has seen nothing yet."""
        self._shown.clear()

    def see(self, positions: Mapping[Symbol, PositionReport]) -> None:
        """Judge what a desk believes of the venue's positions.

        Raises:
            Violation: it went back to an older report.

        """
        for symbol, report in positions.items():
            age = (report.sequence, report.time_ms)
            if age < self._shown.get(symbol, age):
                text = f"{symbol} went back to change {report.sequence}"
                raise Violation("an older report of a position replaces no newer one", text)
            self._shown[symbol] = age

    # Every step

    def excuse(self, symbol: Symbol) -> None:
        """Note that somebody else takes a position's stop away, or fills what the desk did not."""
        self._excused.add(symbol)

    def look(self, *, is_running: bool) -> None:
        """Judge the venue's books; ``is_running`` tells whether a desk lives just now.

        Raises:
            Violation: they show what must not be.

        """
        passed_ms = self._timeline.now_ms - self._looked_ms
        self._looked_ms = self._timeline.now_ms
        self._see_orders()
        self._see_executions()
        truth = self._venue.truth
        for symbol, position in truth.folded.items():
            if position.is_flat or truth.leg(symbol, Origin.STOP_LOSS) is not None:
                self._bare_ms.pop(symbol, None)
                self._excused.discard(symbol)
            elif self._openers.get(symbol):
                self._judge_bare(symbol, passed_ms if is_running else 0)

    def _judge_bare(self, symbol: Symbol, passed_ms: int) -> None:
        if symbol not in self._excused:
            raise Violation("the stop lives on the venue", f"the position of {symbol} is bare")
        self._bare_ms[symbol] = self._bare_ms.get(symbol, 0) + passed_ms
        if self._bare_ms[symbol] > BARE_MS_MAX:
            text = f"the position of {symbol} is bare for {self._bare_ms[symbol]} ms"
            raise Violation("a bared position gets its stop back or is closed in time", text)

    def _see_orders(self) -> None:
        orders = self._venue.truth.orders
        if len(orders) == self._orders_seen:
            return
        for order in islice(orders.values(), self._orders_seen, None):
            if order.client_id in self.view.lapsed:
                raise Violation(
                    "an order lapses only when it can never arrive", f"{order.client_id} arrived"
                )
        self._orders_seen = len(orders)

    def _see_executions(self) -> None:
        """Remember who opened each position, and which stop has fired."""
        rows = self._venue.truth.executions
        for row in rows[self._executions_seen :]:
            if row.origin is not Origin.USER:
                # A stop that fired on a thin market leaves a rest without one.
                self._excused.add(row.symbol)
            before = self._held.get(row.symbol, Decimal(0))
            after = before + row.side.sign * row.qty.value
            if before == 0 or (before > 0) is not (after > 0):
                self._openers[row.symbol] = row.client_id in self._sent
            self._held[row.symbol] = after
        self._executions_seen = len(rows)
