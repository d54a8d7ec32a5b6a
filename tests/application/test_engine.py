"""The one writer: nothing leaves that is not in the journal, and no listener stops it."""

from collections.abc import Sequence

import pytest
from tidegate.adapters.memory.state import MemoryState
from tidegate.application.engine import Engine, fold
from tidegate.domain.core import events as ev
from tidegate.domain.core.effects import AmendOrder
from tidegate.domain.core.events import Event
from tidegate.domain.core.inputs import AmendRequest, OpenRequest, StartRequest, StopRequest
from tidegate.domain.money import ZERO_QTY, Qty
from tidegate.ports.state import Record

from tests.application.bench import BTC, MemoryClock, make_bench, signal
from tests.application.order_bench import resting
from tests.domain.core.scenes import config, held, only, opened


class FullDisk(MemoryState):
    """A store that takes nothing more once it is full, and notes what was to be durable."""

    is_full = False

    def __init__(self) -> None:
        super().__init__()
        self.durable: list[bool] = []

    def append(self, records: Sequence[Record], *, expected_version: int, durable: bool) -> int:
        if self.is_full:
            raise OSError("no space left on device")
        self.durable.append(durable)
        return super().append(records, expected_version=expected_version, durable=durable)


def test_a_journal_that_cannot_be_written_lets_nothing_out_and_changes_nothing() -> None:
    bench = make_bench(config=config())
    full = FullDisk()
    engine = Engine(config=config(), clock=MemoryClock(bench.venue), state_port=full)
    engine.state = bench.runner.state
    full.is_full = True
    with pytest.raises(OSError, match="no space"):
        engine.handle(OpenRequest(signal=signal(), key="k" * 16))
    assert engine.state == bench.runner.state
    assert bench.venue.open_orders() == ()


def test_an_intent_is_durable_before_its_request_leaves() -> None:
    bench = opened()
    store = FullDisk()
    engine = Engine(config=config(), clock=MemoryClock(bench.venue), state_port=store)
    engine.state = bench.runner.state
    bench.desk.close_position(BTC)
    from tidegate.domain.core.inputs import CloseRequest
    from tidegate.domain.trade import CloseReason

    effects = engine.handle(CloseRequest(symbol=BTC, reason=CloseReason.OPERATOR, key="k" * 16))
    assert effects
    assert store.durable == [True]


def test_where_the_books_begin_is_durable_since_no_venue_could_tell_it_again() -> None:
    bench = make_bench()
    store = FullDisk()
    engine = Engine(config=config(), clock=MemoryClock(bench.venue), state_port=store)
    settings = engine.config
    engine.handle(
        StartRequest(mode=settings.mode, venue=settings.venue, wallet=bench.venue.account().wallet)
    )
    engine.handle(StopRequest(reason="stopped"))
    assert store.durable == [True, False]


def test_a_change_of_an_order_is_durable_before_its_request_leaves() -> None:
    bench = resting()
    (order,) = bench.runner.state.books.orders.values()
    store = FullDisk()
    engine = Engine(config=config(), clock=MemoryClock(bench.venue), state_port=store)
    engine.state = bench.runner.state
    effects = engine.handle(
        AmendRequest(key="k", client_id=order.request.client_id, qty=Qty.of("0.012"))
    )
    assert [type(effect) for effect in effects] == [AmendOrder]
    assert store.durable == [True]


def test_a_listener_that_raises_is_counted_and_stops_nobody() -> None:
    bench = make_bench(config=config())
    heard: list[Event] = []

    def broken(event: Event, _: int) -> None:
        raise RuntimeError(f"cannot take {event}")

    bench.runner.engine.listen(broken)
    bench.runner.engine.listen(lambda event, _: heard.append(event))
    start = len(bench.events())
    bench.desk.execute(signal())
    assert held(bench) != ZERO_QTY
    assert heard == bench.events()[start:]
    assert bench.runner.engine.listener_errors == len(heard)


def test_the_journal_alone_gives_the_books() -> None:
    bench = opened()
    bench.move("66100")
    bench.desk.close_position(BTC)
    books, version = fold(bench.state_port, bench.runner.engine.config)
    assert books == bench.runner.state.books
    assert version == bench.state_port.version()


def test_a_snapshot_and_the_journal_after_it_give_the_same_books() -> None:
    bench = opened()
    bench.runner.engine.save_snapshot()
    bench.move("66100")
    books, _ = fold(bench.state_port, bench.runner.engine.config)
    assert books == bench.runner.state.books
    assert only(bench, ev.Filled)


def test_an_empty_desk_keeps_no_snapshot() -> None:
    bench = make_bench()
    store = MemoryState()
    Engine(config=config(), clock=MemoryClock(bench.venue), state_port=store).save_snapshot()
    assert store.load_snapshot() is None
