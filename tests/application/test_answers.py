"""What callers are told at the edges: late answers, unknown symbols, wrong words, hard stops."""

import signal as signals
from collections.abc import Callable, Sequence

import attrs
import pytest
from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.application.decisions import Decisions
from tidegate.application.lifecycle import Interrupted
from tidegate.application.runner import WriterStopped
from tidegate.domain.core.events import (
    EntryIntended,
    Filled,
    LeverageRefused,
    OrderLapsed,
    OrderUnknown,
    SessionStopped,
)
from tidegate.domain.core.state import Books
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import ClientId, Side
from tidegate.domain.signal import ExactQty, Signal, StopAtPrice
from tidegate.ports.desk import Placed, Refused, Rejected
from tidegate.ports.state import Record, Snapshot

from tests.domain.core.scenes import config, only, opened, placed
from tests.domain.samples import BTCUSDT, FEES

from .bench import BTC, Bench, make_bench, signal
from .threaded_bench import (
    ETH,
    GatedVenue,
    KeptState,
    events_of,
    make_application,
    memory_venue,
    own_threads,
)

# Decisions


def test_a_leverage_refused_before_a_decision_belongs_to_no_signal() -> None:
    """The writer may take an older signal's refusal while this one still waits for its turn."""
    decisions = Decisions()
    decision = decisions.expect("s1", "key")
    decisions.take(LeverageRefused(symbol=BTC, leverage=Rate.of(3), message="too high"), 0)
    books = make_bench().runner.state.books
    assert decision.leverage_refused is None
    assert not decision.is_settled(books, ClientId("x"))


def test_a_leverage_refused_for_another_symbol_or_value_is_not_this_signals_answer() -> None:
    bench = make_bench(config=config())
    decisions = Decisions()
    placed(bench)
    (intended,) = only(bench, EntryIntended)
    decision = decisions.expect("s1", intended.trade_key)
    decisions.take(intended, 0)
    for symbol, leverage in ((ETH.symbol, "3"), (BTC, "4")):
        refusal = LeverageRefused(symbol=symbol, leverage=Rate.of(leverage), message="no")
        decisions.take(refusal, 0)
        assert decision.leverage_refused is None
    own = LeverageRefused(symbol=BTC, leverage=Rate.of(3), message="no")
    decisions.take(own, 0)
    assert decision.leverage_refused == own


def test_an_order_that_never_arrived_is_told_as_that_and_names_no_reason_of_the_venue() -> None:
    """Its caller wakes late: the order was unknown, then given up, and the books forgot it."""
    bench = make_bench(config=config())
    order_id = placed(bench)
    (intended,) = only(bench, EntryIntended)
    decisions = Decisions()
    decision = decisions.expect("s1", intended.trade_key)
    for event in (
        intended,
        OrderUnknown(client_id=order_id, sent_ms=1, cause="no answer"),
        OrderLapsed(client_id=order_id, time_ms=2),
    ):
        decisions.take(event, 0)
    assert decision.outcome(Books(), order_id) == Rejected(
        client_id=order_id, reason=None, message="the order never arrived"
    )


# The desk


def _desk_that_loaded_only_btc() -> Bench:
    venue = MemoryVenue(
        instruments={BTC: BTCUSDT, ETH.symbol: ETH}, fees=FEES, wallet=Money.of("10000")
    )
    venue.script.move(ETH.symbol, last=Price.of("3500"))
    return make_bench(venue=venue, config=config())


def _eth() -> Signal:
    return signal(
        "eth",
        symbol=ETH.symbol,
        sizing=ExactQty(Qty.of("0.10")),
        stop=StopAtPrice(Price.of("3400")),
    )


def test_a_symbol_that_was_not_loaded_at_the_start_is_loaded_with_its_first_signal() -> None:
    bench = _desk_that_loaded_only_btc()
    assert ETH.symbol not in bench.runner.state.view.instruments
    assert isinstance(bench.desk.execute(_eth()), Placed)
    assert bench.runner.state.view.instruments[ETH.symbol] == ETH
    assert bench.venue.position(ETH.symbol).qty == Qty.of("0.10")


def test_a_symbol_that_cannot_be_loaded_now_is_refused_and_can_be_traded_later() -> None:
    bench = _desk_that_loaded_only_btc()
    bench.venue.script.fail_queries(1)
    assert isinstance(bench.desk.execute(_eth()), Refused)
    assert bench.venue.positions() == ()
    later = attrs.evolve(_eth(), signal_id="later")
    assert isinstance(bench.desk.execute(later), Placed)


@pytest.mark.parametrize("word", ["", "reset", "RESET ", "yes"])
def test_panic_is_reset_by_the_literal_word_alone(word: str) -> None:
    bench = opened()
    assert bench.desk.panic("drill") == ()
    with pytest.raises(ValueError, match=f"confirmation {word!r}.*'RESET'"):
        bench.desk.reset_panic(confirmation=word)
    assert bench.desk.status().panic_cause == "drill"
    bench.desk.reset_panic(confirmation="RESET")
    assert bench.desk.status().panic_cause is None


# The life of an application

PRICES = {"BTCUSDT": "65000"}


class _Closing(GatedVenue):
    """A venue at whose closing a signal comes."""

    def close(self) -> None:
        super().close()
        signals.raise_signal(signals.SIGTERM)


class _Snapshots(KeptState):
    """Counts the snapshots that are kept."""

    saved = 0

    def save_snapshot(self, snapshot: Snapshot) -> None:
        self.saved += 1
        super().save_snapshot(snapshot)


def test_a_second_signal_during_a_stop_leaves_out_the_rest_and_exits_with_its_number() -> None:
    log: list[str] = []
    before = signals.getsignal(signals.SIGTERM)
    venue = _Closing((BTCUSDT,), log=log)
    venue.script.move(BTC, last=Price.of("65000"))
    application = make_application(venue, KeptState(log))
    application.start(with_signals=True)
    signals.raise_signal(signals.SIGTERM)
    assert application.wait_until_stop_asked(timeout_ms=1_000), "the first one only asks"
    with pytest.raises(Interrupted) as told:
        application.stop()
    assert told.value.code == 128 + signals.SIGTERM
    assert log == ["streams connected", "exchange closed"], "the books were not waited for"
    assert signals.getsignal(signals.SIGTERM) is before
    assert own_threads() == []


class _LateFill(KeptState):
    """Calls the test as the last row of a session is written."""

    at_last_row: Callable[[], object] | None = None

    def append(self, records: Sequence[Record], *, expected_version: int, durable: bool) -> int:
        if self.at_last_row is not None and records[-1].kind.startswith("session_stopped"):
            self.at_last_row()
        return super().append(records, expected_version=expected_version, durable=durable)


def test_what_fills_while_the_last_row_is_written_waits_for_the_next_start() -> None:
    venue, state = memory_venue(PRICES), _LateFill()
    state.at_last_row = lambda: venue.script.foreign_order(BTC, side=Side.BUY, qty=Qty.of("0.010"))
    application = make_application(venue, state)
    application.start()
    application.stop()
    assert isinstance(events_of(state)[-1], SessionStopped)
    assert venue.log == ["streams connected", "exchange closed"]
    assert not any(isinstance(event, Filled) for event in events_of(state))


def test_a_desk_whose_writer_failed_keeps_no_snapshot_and_one_that_stopped_well_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def wrong(*_: object) -> None:
        raise ZeroDivisionError("an adapter's own bug")

    for fails in (False, True):
        venue, state = memory_venue(PRICES), _Snapshots()
        application = make_application(venue, state)
        application.start()
        if fails:
            monkeypatch.setattr(venue, "place", wrong)
            with pytest.raises(WriterStopped, match="an adapter's own bug"):
                application.desk.execute(signal())
        application.stop()
        assert state.saved == (0 if fails else 1)
        assert own_threads() == []
