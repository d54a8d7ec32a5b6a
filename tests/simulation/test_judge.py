"""The judge of a simulation finds what must not be: each rule is broken in a run that was sound."""

import json
import re
from collections.abc import Sequence
from typing import Any

import attrs
import pytest
from tidegate.application.executor import OrderExecutor
from tidegate.application.simulation import disk, rest, watch, world
from tidegate.application.simulation.journal import SimulatedJournal
from tidegate.application.simulation.journal_view import JournalView
from tidegate.application.simulation.names import Violation
from tidegate.application.simulation.parts import EXPOSURE_MAX
from tidegate.application.simulation.plan import Plan, Store, draw_plan
from tidegate.application.simulation.timeline import Timeline
from tidegate.application.simulation.venue import SimulatedVenue
from tidegate.application.simulation.watch import Watch
from tidegate.domain.core.effects import Place
from tidegate.domain.core.state import Books
from tidegate.domain.money import ZERO_MONEY, ZERO_QTY, Price, Rate
from tidegate.domain.orders import Reduction, Symbol
from tidegate.domain.reports import PositionReport
from tidegate.domain.risk.approval import Approved
from tidegate.ports.state import Record, StateCorrupt

_SEEDS = range(400)
"""Where a run is looked for in which something happens."""
_NEEDED = {"entry_intended", "filled", "funding_booked"}
_SYMBOL = Symbol("BTCUSDT")


class _Noting(Watch):
    """A judge that keeps what it was shown."""

    records: list[Record]
    placed: list[Approved | Reduction]

    def took(self, first_version: int, records: Sequence[Record]) -> None:
        self.records += records
        super().took(first_version, records)

    def placing(self, order: Approved | Reduction) -> None:
        self.placed.append(order)
        super().placing(order)


@attrs.frozen
class _Sound:
    """What a sound run wrote, sent, and left at its venue."""

    seed: int
    records: tuple[Record, ...]
    placed: tuple[Approved | Reduction, ...]
    venue: SimulatedVenue

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(record.kind.partition(".")[0] for record in self.records)

    def first(self, kind: str) -> Record:
        return next(one for one in self.records if one.kind.partition(".")[0] == kind)

    def before(self, kind: str) -> list[Record]:
        return list(self.records[: self.records.index(self.first(kind))])

    def judge(self, records: Sequence[Record] = ()) -> Watch:
        """Return a judge that has read ``records`` and has seen nothing else."""
        watch = Watch(self.venue, Timeline(), exposure_max=EXPOSURE_MAX.value)
        watch.read_again(records)
        return watch

    @property
    def entry(self) -> Approved:
        return next(order for order in self.placed if isinstance(order, Approved))


def _sound_run(seed: int) -> _Sound:
    _Noting.records, _Noting.placed = [], []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world, "Watch", _Noting)
        run = world.Run(draw_plan(seed))
        assert run.run().violation is None
    return _Sound(seed, tuple(_Noting.records), tuple(_Noting.placed), run.venue)


@pytest.fixture(scope="module")
def sound() -> _Sound:
    """Return the first run in which an entry was filled, and funding paid."""
    return next(run for run in map(_sound_run, _SEEDS) if run.kinds >= _NEEDED)


def _changed(record: Record, **changes: Any) -> Record:
    return attrs.evolve(record, body=json.dumps({**json.loads(record.body), **changes}))


def _in_body(record: Record, part: str, **changes: Any) -> Record:
    return _changed(record, **{part: {**json.loads(record.body)[part], **changes}})


def test_an_order_that_is_intended_again(sound: _Sound) -> None:
    record = sound.first("entry_intended")
    with pytest.raises(Violation, match=r"an order is intended once: .* is intended again"):
        sound.judge().took(1, [record, record])


def test_a_signal_with_two_entries(sound: _Sound) -> None:
    record = sound.first("entry_intended")
    again = _in_body(record, "order", client_id="another")
    with pytest.raises(Violation, match=r"a signal is traded once: .* has another entry, another"):
        sound.judge().took(1, [record, again])


@pytest.mark.parametrize("kind", ["filled", "funding_booked"])
def test_a_booking_that_is_counted_twice(sound: _Sound, kind: str) -> None:
    record = sound.first(kind)
    with pytest.raises(Violation, match=r"a booking is counted once: .* is booked again"):
        sound.judge().took(1, [record, record])


def test_an_order_that_lapses_and_is_at_the_venue(sound: _Sound) -> None:
    name = sound.entry.order.client_id
    lapsed = attrs.evolve(
        sound.first("entry_intended"), kind="order_lapsed.1", body=json.dumps({"client_id": name})
    )
    with pytest.raises(Violation, match=f"can never arrive: {name} is at the venue"):
        sound.judge().took(1, [lapsed])
    late = sound.judge([lapsed])
    with pytest.raises(Violation, match=f"can never arrive: {name} arrived"):
        late.look(is_running=True)


def test_more_than_the_limit_that_may_open(sound: _Sound) -> None:
    huge = _changed(sound.first("entry_intended"), worst_price="1000000000")
    huge = _in_body(huge, "order", client_id="on its way", qty="1000")
    with pytest.raises(Violation, match="limits hold with orders in flight counted"):
        _without_fills(sound).took(1, [huge])


def _without_fills(sound: _Sound) -> Watch:
    """Return a judge to whom no fill of others is news."""
    return sound.judge([one for one in sound.records if one.kind.startswith("filled")])


@pytest.mark.parametrize("is_journaled", [False, True], ids=["not journaled", "not forced"])
def test_a_request_that_leaves_before_its_intent_is_on_the_disk(
    sound: _Sound, is_journaled: bool
) -> None:
    judge = sound.judge(sound.records if is_journaled else ())
    with pytest.raises(Violation, match="an intent is on the disk before its request leaves"):
        judge.sending([Place(order=sound.entry, urgent=False)], durable_version=0)


def test_an_entry_of_a_halted_desk(sound: _Sound) -> None:
    halted = attrs.evolve(
        sound.records[0], kind="trading_state_changed.1", body=json.dumps({"state": "HALTED"})
    )
    judge = sound.judge([*_intents_of(sound), halted])
    with pytest.raises(Violation, match="a halted desk opens nothing"):
        judge.sending([Place(order=sound.entry, urgent=False)], durable_version=10**6)


def _intents_of(sound: _Sound) -> list[Record]:
    return [one for one in sound.records if one.kind.startswith("entry_intended")]


def test_an_entry_that_nobody_approved(sound: _Sound) -> None:
    with pytest.raises(Violation, match=r"the gate approves every order that opens: .* was not"):
        sound.judge().placing(sound.entry)


def test_an_entry_that_is_larger_than_was_approved(sound: _Sound) -> None:
    smaller = [_in_body(one, "order", qty="0.0001") for one in _intents_of(sound)]
    with pytest.raises(Violation, match=r"the gate approves .* approved were 0.0001"):
        sound.judge(smaller).placing(sound.entry)


def test_an_order_that_is_sent_twice(sound: _Sound) -> None:
    judge = sound.judge(_intents_of(sound))
    judge.placing(sound.entry)
    with pytest.raises(Violation, match=r"an order is sent once: .* is sent again"):
        judge.placing(sound.entry)


def test_a_report_that_replaces_a_newer_one(sound: _Sound) -> None:
    judge = sound.judge()
    judge.see({_SYMBOL: _report(2)})
    judge.see({_SYMBOL: _report(2)})
    with pytest.raises(Violation, match="replaces no newer one: BTCUSDT went back to change 1"):
        judge.see({_SYMBOL: _report(1)})
    judge.begin()
    judge.see({_SYMBOL: _report(1)})


def _report(sequence: int) -> PositionReport:
    return PositionReport(
        symbol=_SYMBOL,
        qty=ZERO_QTY,
        entry_price=None,
        mark=Price.of(1),
        leverage=Rate.of(1),
        liquidation_price=None,
        stop_loss=None,
        take_profit=None,
        initial_margin=ZERO_MONEY,
        maintenance_margin=ZERO_MONEY,
        unrealised=ZERO_MONEY,
        sequence=sequence,
        time_ms=5,
    )


def _broken_by(seed: int) -> str:
    violation = world.Run(draw_plan(seed)).run().violation
    assert violation is not None
    return str(violation)


def _first_broken() -> str:
    """Return what the first seed says that breaks a rule: in it happens what is judged."""
    violations = (world.Run(draw_plan(seed)).run().violation for seed in _SEEDS)
    return str(next(one for one in violations if one is not None))


def test_a_position_that_loses_its_stop_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Watch, "excuse", lambda *_: None)
    said = _first_broken()
    assert re.fullmatch(
        "the stop lives on the venue: the position of (BTC|XBT)USDT is bare", said
    ), said


def test_a_position_that_somebody_bared_and_that_stays_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "BARE_MS_MAX", 0)
    monkeypatch.setattr(Watch, "enlarged", lambda *_: None)
    said = _first_broken()
    rule = "a bared position gets its stop back or is closed in time"
    assert re.fullmatch(rf"{rule}: the position of \w+ is bare for \d+ ms", said), said


def test_an_entry_that_somebody_enlarged_and_that_stays_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "BARE_MS_MAX", 0)
    monkeypatch.setattr(Watch, "_judge_bare", lambda *_: None)
    said = _first_broken()
    rule = "an entry that somebody enlarged is cancelled in time"
    assert re.fullmatch(rf"{rule}: \S+ rests with [\d.]+ for \d+ ms, not [\d.]+", said), said


def test_an_entry_at_a_leverage_that_somebody_set_before_the_desk_began(sound: _Sound) -> None:
    entry = sound.entry
    judge = sound.judge(sound.records)
    judged = sound.venue.truth.leverage(entry.order.symbol)
    sound.venue.lever(entry.order.symbol, Rate.of(7))
    judge.levered(entry.order.symbol)
    judge.placing(entry)
    judge = sound.judge(sound.records)
    judge.levered(entry.order.symbol)
    judge.begin()
    with pytest.raises(Violation, match=r"leaves at 7 in .*, and was judged at \d"):
        judge.placing(entry)
    sound.venue.lever(entry.order.symbol, judged)


def test_a_booking_that_was_missed(monkeypatch: pytest.MonkeyPatch, sound: _Sound) -> None:
    monkeypatch.setattr(JournalView, "_funding_booked", lambda *_: None)
    assert re.fullmatch(
        r"after quiet time the books are the venue's: funding-\d+ was missed",
        _broken_by(sound.seed),
    )


def test_books_that_are_not_the_fold_of_their_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "fold", lambda *_: (Books(), 0))
    said = _broken_by(0)
    assert re.match(r"the state is the fold of the journal: at version \d+ they differ in ", said)


def test_books_that_leave_their_journal_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "evolve", lambda books, *_: books)
    assert _first_broken().startswith("the state is the fold of the journal: they differ in ")


def test_an_order_on_other_terms_than_the_books_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "_is_as_asked", lambda *_: False)
    rule = "after quiet time the books are the venue's"
    assert re.match(rf"{rule}: order \S+ is [\d.]+ at .*, in the books ", _first_broken())


def test_code_of_the_desk_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise LookupError("no such thing")

    monkeypatch.setattr(OrderExecutor, "execute", fail)
    said = _broken_by(0)
    assert said.startswith("no code of the desk fails: LookupError: no such thing"), said


def test_a_journal_that_cannot_be_read_back(monkeypatch: pytest.MonkeyPatch) -> None:
    write = SimulatedJournal.append

    def fail(
        self: SimulatedJournal, records: Sequence[Record], *, expected_version: int, durable: bool
    ) -> int:
        if any(record.kind.startswith("entry_intended") for record in records):
            raise StateCorrupt("version 3 is damaged")
        return write(self, records, expected_version=expected_version, durable=durable)

    monkeypatch.setattr(SimulatedJournal, "append", fail)
    assert _broken_by(0) == "a journal that was written can be read: version 3 is damaged"


def test_a_torn_journal_that_shows_other_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = disk._rows
    monkeypatch.setattr(disk, "_rows", lambda state: rows(state)[::-1])
    found = (world.Run(plan).run().violation for plan in map(draw_plan, _SEEDS) if _is_torn(plan))
    assert any(
        violation is not None and violation.rule == "a torn journal never lies"
        for violation in found
    )


def _is_torn(plan: Plan) -> bool:
    return plan.store is Store.SQLITE and len(plan.kills) > 0
