"""Two desks on one journal: one order of all decisions, and each acts on its own alone."""

import threading
from collections.abc import Sequence
from contextlib import closing

import attrs
import pytest
from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.adapters.memory.state import MemoryState
from tidegate.adapters.postgres import PostgresState, Target
from tidegate.application.engine import Engine
from tidegate.application.objections import objection_to
from tidegate.application.recovery import load_view
from tidegate.application.runner import InlineRunner, WriterStopped
from tidegate.domain.core import events as ev
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.core.effects import Effect, Place, SetLeverage
from tidegate.domain.core.exposure import total
from tidegate.domain.core.inputs import (
    CancelRequest,
    LeverageAnswered,
    OpenRequest,
    PanicRequest,
    PlaceAccepted,
    StartRequest,
)
from tidegate.domain.mode import TradingMode, VenueKind
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import VenueOrderId
from tidegate.domain.signal import ExactQty
from tidegate.ports.state import Fenced, Record, StatePort, VersionConflict

from tests.adapters.postgres.server import shared_server
from tests.application.bench import BTC, MemoryClock, signal
from tests.application.threaded_bench import LOOSE, make_runner_bench, running, until
from tests.domain.samples import BTCUSDT, FEES

SEND_MS = 2_000
SHARED = CoreConfig(
    mode=TradingMode.PAPER,
    venue=VenueKind.MEMORY,
    limits=attrs.evolve(
        LOOSE,
        exposure_max=Rate.of("0.5"),
        pending_orders_max=1_000,
        orders_per_second_max=1_000,
        orders_per_minute_max=1_000,
    ),
    send_within_ms=SEND_MS,
    not_found_final_ms=1_000,
)
LIMIT = Money.of(5_000)
"""Half of a wallet of 10,000 USDT."""


def desk(state_port: StatePort, config: CoreConfig = SHARED) -> Engine:
    """Return an engine that has started and knows the market, as on a venue of its own view."""
    venue = MemoryVenue(instruments={BTC: BTCUSDT}, fees=FEES, wallet=Money.of("10000"))
    venue.script.move(BTC, last=Price.of("65000"))
    engine = Engine(config=config, clock=MemoryClock(venue), state_port=state_port)
    runner = InlineRunner(engine, venue)
    runner.submit(
        StartRequest(
            mode=config.mode, venue=config.venue, wallet=venue.account().wallet, tag="abcd"
        )
    )
    load_view(runner, frozenset({BTC}))
    runner.submit(venue.ticker(BTC))
    return engine


def wish(name: str, qty: str = "0.010") -> OpenRequest:
    return OpenRequest(signal=signal(name, sizing=ExactQty(Qty.of(qty))), key=name.ljust(16, "x"))


def sends(effects: Sequence[Effect]) -> list[Effect]:
    return [effect for effect in effects if isinstance(effect, Place | SetLeverage)]


def test_a_decision_on_old_books_is_made_again_on_what_the_other_wrote() -> None:
    journal = MemoryState()
    first, second = desk(journal), desk(journal)
    heard: list[ev.Event] = []
    second.listen(lambda event, _: heard.append(event))
    assert sends(first.handle(wish("one", "0.070")))  # 4,550 of 5,000 USDT
    refused = second.handle(wish("two", "0.070"))
    assert not sends(refused)
    decided = (ev.EntryIntended, ev.SignalRefused)
    assert [type(event) for event in heard if isinstance(event, decided)] == [
        ev.EntryIntended,
        ev.SignalRefused,
    ]
    assert sends(second.handle(wish("three", "0.006")))
    first.catch_up()
    assert first.state.books == second.state.books
    assert first.version == second.version == journal.version()


def test_what_one_decided_is_done_by_it_alone() -> None:
    journal = MemoryState()
    first, second = desk(journal), desk(journal)
    effects = first.handle(wish("one"))
    second.catch_up()
    assert sends(effects)
    assert second.state.books.orders.keys() == first.state.books.orders.keys()
    assert second.state.view.in_flight == frozenset()


def test_the_same_news_told_to_both_is_written_once() -> None:
    journal = MemoryState()
    first, second = desk(journal), desk(journal)
    first.handle(wish("one"))
    (name,) = first.state.books.orders
    news = PlaceAccepted(client_id=name, venue_id=VenueOrderId("v-1"))
    second.handle(news)  # of an order that it does not know yet
    assert journal.version() == first.version
    first.handle(news)
    second.catch_up()
    second.handle(news)
    assert journal.version() == first.version == second.version


def test_a_journal_that_is_not_shared_still_stops_the_second_writer() -> None:
    journal, alone = MemoryState(), attrs.evolve(SHARED, send_within_ms=0)
    first, second = desk(journal, alone), desk(journal, alone)
    with pytest.raises(VersionConflict, match="stop one of the two"):
        first.handle(wish("one"))
    assert sends(second.handle(wish("one")))


class Outrun(MemoryState):
    """A journal on which somebody else is always first."""

    tries = 0
    is_outrun = False

    def append(self, records: Sequence[Record], *, expected_version: int, durable: bool) -> int:
        if self.is_outrun:
            self.tries += 1
            raise VersionConflict(expected=expected_version, actual=expected_version + 1)
        return super().append(records, expected_version=expected_version, durable=durable)


def test_one_that_is_never_first_gives_up_after_a_bound() -> None:
    journal = Outrun()
    engine = desk(journal)
    journal.is_outrun = True
    with pytest.raises(VersionConflict):
        engine.handle(wish("one"))
    assert journal.tries == 1_000


def test_two_desks_on_one_database_never_pass_the_limit_and_keep_the_same_books() -> None:
    server = shared_server()
    dsn = server.database()
    with (
        closing(PostgresState(Target(dsn, "account"))) as one,
        closing(PostgresState(Target(dsn, "account"))) as other,
    ):
        engines = desk(one), desk(other)
        barrier = threading.Barrier(2, timeout=30)

        def fire(engine: Engine, name: str) -> None:
            barrier.wait()
            for number in range(25):
                engine.handle(wish(f"{name}{number}", "0.005"))

        threads = [
            threading.Thread(target=fire, args=pair) for pair in zip(engines, "ab", strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        for engine in engines:
            engine.catch_up()
        books = engines[0].state.books
        assert books == engines[1].state.books
        exposure = total(books, engines[0].state.view)
        # 325 USDT and slippage each: fifteen fit into 5,000, a sixteenth does not.
        assert len(books.orders) == 15
        assert exposure <= LIMIT
    server.give_back(dsn)


def test_an_order_that_others_may_have_given_up_is_not_sent_any_more() -> None:
    engine = desk(MemoryState())
    engine.handle(wish("one"))
    (order,) = engine.state.books.orders.values()
    assert order.signal is not None
    answer = LeverageAnswered(symbol=BTC, leverage=order.signal.leverage, refusal=None)
    (place,) = engine.handle(answer)
    clock = engine.clock
    assert isinstance(clock, MemoryClock)
    venue = clock._venue
    assert _held_back(place, engine, venue) is None
    venue.script.advance(SEND_MS - 1)
    assert _held_back(place, engine, venue) is None
    venue.script.advance(1)
    said = _held_back(place, engine, venue)
    assert said == "it waited 2000 ms to be sent, and other processes give it up after 2000 ms"
    engine.config = attrs.evolve(engine.config, send_within_ms=0)
    assert _held_back(place, engine, venue) is None


# A running desk, and another that writes to its journal


def test_a_running_desk_hears_of_a_panic_elsewhere_and_opens_nothing_more() -> None:
    bench = make_runner_bench(send_within_ms=SEND_MS)
    with running(bench):
        operator = Engine(
            config=bench.engine.config, clock=bench.engine.clock, state_port=bench.state_port
        )
        operator.handle(PanicRequest(cause="elsewhere", key="p" * 16))
        bench.runner.journal_moved(operator.version)
        until(lambda: bench.runner.state.books.panic is not None)
        bench.desk.execute(signal("late"), timeout_ms=5_000)
        until(lambda: not bench.runner.state.books.is_panic_running)
    assert bench.venue.sent == []


def test_many_words_of_the_same_move_are_one_message() -> None:
    bench = make_runner_bench(send_within_ms=SEND_MS)
    before = bench.runner._inbox.qsize()
    bench.runner.journal_moved(bench.engine.version)
    assert bench.runner._inbox.qsize() == before
    for _ in range(5):
        bench.runner.journal_moved(bench.engine.version + 1)
    assert bench.runner._inbox.qsize() == before + 1


def test_the_work_of_one_that_died_is_asked_for_and_repeated() -> None:
    bench = make_runner_bench(send_within_ms=SEND_MS, ask_again_ms=3_600_000)
    with running(bench):
        dead = Engine(
            config=bench.engine.config, clock=bench.engine.clock, state_port=bench.state_port
        )
        dead.handle(bench.venue.ticker(BTC))
        load_view_of(dead, bench.venue)
        dead.handle(wish("one"))
        (name,) = dead.state.books.orders
        dead.handle(CancelRequest(key="c" * 16, client_id=name))
        bench.runner.writer_ended("dead")
        until(lambda: f"cancel {name}" in bench.venue.log)
    assert bench.runner.failure is None


def load_view_of(engine: Engine, venue: MemoryVenue) -> None:
    load_view(InlineRunner(engine, venue), frozenset({BTC}))


def test_a_desk_whose_lease_is_lost_stops_and_sends_nothing() -> None:
    bench = make_runner_bench(send_within_ms=SEND_MS)
    with running(bench):
        bench.runner.lease_lost(Fenced("it stalled"))
        until(lambda: bench.runner.failure is not None)
        with pytest.raises(WriterStopped):
            bench.desk.execute(signal("late"), timeout_ms=5_000)
    assert isinstance(bench.runner.failure, Fenced)
    assert bench.venue.sent == []


def _held_back(place: Effect, engine: Engine, venue: MemoryVenue) -> str | None:
    now_ms = engine.clock.now_ms()
    return objection_to(place, engine.state, engine.config, venue, now_ms=now_ms, has_failed=False)
