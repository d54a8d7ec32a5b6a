"""What must hold after every step, judged by the journal's text and the venue's own books."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import islice

from tidegate.domain.core.effects import AmendOrder, Effect, Place
from tidegate.domain.money import Qty
from tidegate.domain.orders import Reduction, Symbol
from tidegate.domain.reports import Execution, Origin, PositionReport
from tidegate.domain.risk.approval import Approved
from tidegate.ports.state import Record

from .journal_view import JournalView
from .names import Violation
from .timeline import Timeline
from .venue import SimulatedVenue

__all__ = ["BARE_MS_MAX", "Watch"]

BARE_MS_MAX = 20_000
"""How long a running desk may leave what somebody else did: a bared position, a larger entry."""
_TOLERANCE = Decimal("1.05")
"""Prices move between the desk's look at them and the judge's."""


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
        self._life = 0
        self._levered: dict[Symbol, int] = {}
        self._left: dict[str, int] = {}
        self._enlarged_ms: dict[str, int] = {}
        self._own_qty: dict[str, Decimal] = {}
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
                # What somebody else added to it the desk may not have heard of yet.
                qty = min(order.qty.value, intent.qty, self._own_qty.get(name, intent.qty))
                total += max(qty - order.qty_filled.value, Decimal(0)) * intent.worst
        most = self._exposure_max * self._equity() * _TOLERANCE
        if total > most:
            raise Violation(
                "limits hold with orders in flight counted",
                f"{total:.2f} USDT are held or may open, at most {most:.2f} may",
            )

    def _is_unknown_to_desk(self, row: Execution) -> bool:
        """Tell whether a fill of what somebody else did has not reached the desk yet."""
        is_others = row.client_id is None and row.origin is Origin.USER
        is_others = is_others or row.client_id in self._enlarged_ms
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
                    self._left[name] = self._life
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
            self._judge_leverage(request.symbol, name, intent.leverage)
        self._sent[name] = self._sent.get(name, 0) + 1
        if self._sent[name] > 1:
            raise Violation("an order is sent once", f"{name} is sent again")

    def _judge_leverage(self, symbol: Symbol, name: str, judged: Decimal | None) -> None:
        """Hold a symbol's leverage against an entry's, which may arrive after its process died.

        What somebody set in the life of the process that sent it was not known there yet.
        """
        there = self._venue.truth.leverage(symbol).value
        was_set = self._levered.get(symbol, -1)
        if there != judged and was_set < self._left.get(name, self._life):
            text = f"{name} leaves at {there} in {symbol}, and was judged at {judged}"
            raise Violation("an entry leaves at the leverage that it was judged at", text)

    # What a desk has seen

    def begin(self) -> None:
        """Begin with a process that has seen nothing yet, and that finds out what others did."""
        self._shown.clear()
        self._life += 1

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

    def levered(self, symbol: Symbol) -> None:
        """Note that somebody else sets a leverage: a running desk may not have heard of it."""
        self._levered[symbol] = self._life

    def is_entry(self, name: str | None) -> bool:
        """Tell whether an order is an entry of the desk's."""
        intent = None if name is None else self.view.intents.get(name)
        return intent is not None and intent.is_entry

    def enlarged(self, name: str, qty: Qty) -> None:
        """Note that somebody else makes an entry of ``qty`` larger: it is to go, or it fills."""
        self._enlarged_ms.setdefault(name, 0)
        self._own_qty.setdefault(name, qty.value)

    def look(self, *, is_running: bool) -> None:
        """Judge the venue's books; ``is_running`` tells whether a desk lives just now.

        Raises:
            Violation: they show what must not be.

        """
        passed_ms = self._timeline.now_ms - self._looked_ms
        self._looked_ms = self._timeline.now_ms
        self._see_orders()
        self._see_executions()
        self._judge_enlarged(passed_ms if is_running else 0)
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

    def _judge_enlarged(self, passed_ms: int) -> None:
        for name, ms in self._enlarged_ms.items():
            order, intent = self._venue.truth.find(name), self.view.intents.get(name)
            if order is None or intent is None or not self._venue.truth.is_live(order):
                continue
            if order.qty.value <= intent.qty:
                continue
            self._enlarged_ms[name] = ms + passed_ms
            if self._enlarged_ms[name] > BARE_MS_MAX:
                text = f"{name} rests with {order.qty} for {ms + passed_ms} ms, not {intent.qty}"
                raise Violation("an entry that somebody enlarged is cancelled in time", text)

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
