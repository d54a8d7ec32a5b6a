"""To break-even after a rung: due, intended, confirmed; nothing bared when the venue refuses."""

import json

import attrs
import pytest
from tidegate.adapters.memory.options import Arrival, RequestKind
from tidegate.application.codec import decode, decode_books, encode, encode_books
from tidegate.domain.core import events as ev
from tidegate.domain.core.inputs import TimePassed
from tidegate.domain.core.state import State
from tidegate.domain.core.step import deadline_ms, step
from tidegate.domain.management import BreakEven, Management
from tidegate.domain.mode import TradingState
from tidegate.domain.money import Distance, Money, Price, Qty, Rate
from tidegate.domain.orders import Side
from tidegate.domain.protection import ProtectionSource
from tidegate.domain.reports import RejectReason
from tidegate.domain.signal import RungSpec
from tidegate.domain.trade import CloseReason
from tidegate.ports.protection import Protected
from tidegate.ports.state import Record

from tests.application.bench import BTC, Bench

from .protection_scenes import EVEN, managed, policy, shown_stop
from .scenes import config, only, since, trade


def steps(bench: Bench, start: int = 0) -> list[str]:
    """Return the events about protection, in order."""
    names = {
        ev.BreakEvenDue,
        ev.ProtectionIntended,
        ev.ProtectionTaken,
        ev.ProtectionUnknown,
        ev.ProtectionConfirmed,
        ev.ProtectionFailed,
    }
    return [type(event).__name__ for event in since(bench, start) if type(event) in names]


@pytest.mark.parametrize(
    ("side", "target", "even"),
    [
        # (455 + 0.3575 + 0.0396) / (0.007 x (1 - 0.00055)) = 65092.53..., up to the tick of 0.10
        (Side.BUY, "66000", "65092.6"),
        # (455 - 0.3575 - 0.0384) / (0.007 x (1 + 0.00055)) = 64907.73..., down to the tick
        (Side.SELL, "64000", "64907.7"),
    ],
)
def test_the_stop_goes_to_where_what_is_left_pays_every_cost(
    side: Side, target: str, even: str
) -> None:
    bench = managed(EVEN, side=side)
    start = len(bench.events())
    bench.move(target)
    assert steps(bench, start) == [
        "BreakEvenDue",
        "ProtectionIntended",
        "ProtectionConfirmed",
    ]
    (due,) = only(bench, ev.BreakEvenDue)
    assert (due.symbol, due.trade_key, due.rung) == (BTC, trade(bench).key, 1)
    (intended,) = only(bench, ev.ProtectionIntended)
    assert intended.source is ProtectionSource.BREAK_EVEN
    assert shown_stop(bench) == Price.of(even)
    held = trade(bench)
    assert (held.stop_wanted, held.stop_confirmed) == (Price.of(even), Price.of(even))


def test_nothing_moves_before_the_rung_has_filled_whole() -> None:
    bench = managed(EVEN)
    (rung, _) = bench.runner.state.books.orders.values()
    bench.venue.script.fill(rung.request.client_id, rung.request.qty - Qty.of("0.001"))
    bench.runner.drain()
    assert only(bench, ev.BreakEvenDue) == []
    assert shown_stop(bench) == Price.of("64000")
    bench.venue.script.fill(rung.request.client_id)
    bench.runner.drain()
    assert len(only(bench, ev.BreakEvenDue)) == 1


def test_it_waits_for_the_rung_that_it_names() -> None:
    ladder = (
        RungSpec(Rate.of(2), Rate.of("0.3")),
        RungSpec(Rate.of(1), Rate.of("0.3")),
        RungSpec(Rate.of(3), Rate.of("0.4")),
    )
    bench = managed(Management(break_even=BreakEven(after_rung=1)), ladder=ladder)
    bench.move("66000")
    assert only(bench, ev.BreakEvenDue) == []
    bench.move("67000")
    (due,) = only(bench, ev.BreakEvenDue)
    assert due.rung == 1


def test_the_cushion_comes_on_top() -> None:
    even = BreakEven(cushion=Distance.of("20"))
    bench = managed(Management(break_even=even))
    bench.move("66000")
    assert shown_stop(bench) == Price.of("65112.6")


def test_a_stop_out_at_break_even_does_not_lose() -> None:
    """The rung won 3; fees and the stop at its own price leave all of that."""
    bench = managed(EVEN)
    bench.move("66000")
    bench.venue.script.trigger_stop(BTC, Price.of("65092.6"))
    bench.runner.drain()
    (closed,) = only(bench, ev.TradeClosed)
    assert closed.trade.reason is CloseReason.STOP
    assert closed.trade.net >= Money.of(3)
    assert closed.trade.risk == Money.of(10)


def test_one_r_and_the_targets_stay_those_of_the_plan() -> None:
    bench = managed(EVEN)
    bench.move("66000")
    planned = trade(bench)
    bench.venue.script.foreign_order(BTC, side=Side.SELL, qty=Qty.of("0.002"))
    bench.runner.drain()
    after = trade(bench)
    assert (after.stop_wanted, after.risk) == (planned.stop_wanted, Money.of(10))
    assert [rung.price for rung in after.rungs] == [Price.of("67000")]
    assert shown_stop(bench) == planned.stop_wanted


def test_a_tighter_stop_stays_where_it_is() -> None:
    bench = managed(EVEN)
    bench.move("65900")
    outcome = bench.desk.protection.set_stop(BTC, Price.of("65800"))
    assert isinstance(outcome, Protected), outcome
    start = len(bench.events())
    bench.move("66000")
    assert steps(bench, start) == ["BreakEvenDue"]
    assert shown_stop(bench) == Price.of("65800")


# What may go wrong


def quiet(state: State, at: int) -> tuple[ev.Event, ...]:
    return step(state, TimePassed(), config(poll_down_ms=None), at).events


def test_a_refusal_keeps_the_known_stop_and_is_tried_again_ever_later() -> None:
    bench = managed(EVEN, settings=policy(poll_down_ms=None))
    bench.venue.script.reject_next(RejectReason.RATE_LIMITED, request=RequestKind.POSITION_STOP)
    bench.move("66000")
    (failed,) = only(bench, ev.ProtectionFailed)
    assert failed.reason is RejectReason.RATE_LIMITED
    assert shown_stop(bench) == Price.of("64000")
    held = trade(bench)
    assert held.is_protected
    assert held.managed.refusals == 1
    for wait_ms in (1_000, 2_000, 4_000):
        bench.venue.script.reject_next(RejectReason.RATE_LIMITED, request=RequestKind.POSITION_STOP)
        tried = len(only(bench, ev.ProtectionIntended))
        bench.pass_time(wait_ms - 1)
        assert len(only(bench, ev.ProtectionIntended)) == tried
        bench.pass_time(1)
        assert len(only(bench, ev.ProtectionIntended)) == tried + 1

    bench.pass_time(8_000)
    assert shown_stop(bench) == Price.of("65092.6")
    assert trade(bench).managed.refusals == 0
    assert only(bench, ev.StopMissing) == []


def test_a_price_that_came_back_is_waited_for_without_asking_the_venue() -> None:
    bench = managed(EVEN, settings=policy(poll_down_ms=None))
    bench.venue.script.reject_next(RejectReason.RATE_LIMITED, request=RequestKind.POSITION_STOP)
    bench.move("66000")
    bench.move("65050")
    start = len(bench.events())
    bench.pass_time(60_000)
    assert steps(bench, start) == []
    now_ms, state = bench.venue.now_ms(), bench.runner.state
    assert deadline_ms(state, config(poll_down_ms=None), now_ms) is None
    bench.move("65092.6")
    assert steps(bench, start) == []
    bench.move("65092.7")
    assert shown_stop(bench) == Price.of("65092.6")


@pytest.mark.parametrize("arrival", [Arrival.LATE, Arrival.LOST, Arrival.REACHED])
def test_an_unanswered_request_is_settled_by_what_the_venue_shows(arrival: Arrival) -> None:
    bench = managed(EVEN, settings=policy(poll_down_ms=None))
    bench.venue.script.time_out_next(arrival, request=RequestKind.POSITION_STOP)
    bench.move("66000")
    if arrival is Arrival.REACHED:
        assert shown_stop(bench) == Price.of("65092.6")
        assert bench.runner.state.books.protecting == {}
        return
    assert BTC in bench.runner.state.books.protecting
    assert trade(bench).is_protected
    if arrival is Arrival.LATE:
        bench.venue.script.arrive()
        bench.pass_time(1_000)
        assert only(bench, ev.ProtectionFailed) == []
    else:
        for _ in range(4):
            bench.pass_time(1_000)
        assert only(bench, ev.ProtectionFailed) == []
        bench.pass_time(1_000)
        (failed,) = only(bench, ev.ProtectionFailed)
        assert "does not show it" in failed.message
        bench.pass_time(1_000)
    assert shown_stop(bench) == Price.of("65092.6")
    assert trade(bench).stop_confirmed == Price.of("65092.6")
    assert only(bench, ev.StopMissing) == []


def test_the_books_carry_it_over_a_restart() -> None:
    bench = managed(EVEN, settings=policy(poll_down_ms=None))
    bench.venue.script.reject_next(RejectReason.RATE_LIMITED, request=RequestKind.POSITION_STOP)
    bench.move("66000")
    books = bench.runner.state.books
    again = decode_books(encode_books(books))
    assert again == books
    assert again is not None
    state = attrs.evolve(bench.runner.state, books=again)
    made = quiet(state, bench.venue.now_ms() + 1_000)
    (intended,) = [event for event in made if isinstance(event, ev.ProtectionIntended)]
    assert intended.change.stop_loss == Price.of("65092.6")


def test_a_halted_desk_still_tightens_and_a_panic_does_not() -> None:
    bench = managed(EVEN)
    bench.desk.set_trading_state(TradingState.HALTED, "test")
    bench.move("66000")
    assert shown_stop(bench) == Price.of("65092.6")
    other = managed(EVEN, settings=policy(poll_down_ms=None))
    other.venue.script.reject_next(RejectReason.RATE_LIMITED, request=RequestKind.POSITION_STOP)
    other.move("66000")
    books = attrs.evolve(other.runner.state.books, is_panic_running=True)
    state = attrs.evolve(other.runner.state, books=books)
    made = quiet(state, other.venue.now_ms() + 1_000)
    assert not [event for event in made if isinstance(event, ev.ProtectionIntended)]


def test_an_entry_of_an_older_journal_has_no_management() -> None:
    (entry,) = only(managed(EVEN), ev.EntryIntended)
    record = encode(entry, time_ms=1)
    body = json.loads(record.body)
    del body["signal"]["management"]
    body["signal"]["entry"] = {"kind": "market", "price": None, "post_only": False}
    old = Record(kind="entry_intended.v1", body=json.dumps(body), time_ms=1)
    back = decode(old)
    assert isinstance(back, ev.EntryIntended)
    assert back.signal == attrs.evolve(entry.signal, management=Management())


def test_the_stop_that_is_wanted_must_be_seen_first() -> None:
    bench = managed(EVEN, settings=policy(poll_down_ms=None))
    bench.venue.script.reject_next(RejectReason.RATE_LIMITED, request=RequestKind.POSITION_STOP)
    bench.move("66000")
    held = attrs.evolve(trade(bench), stop_confirmed=None)
    books = attrs.evolve(bench.runner.state.books, trades={BTC: held})
    state = attrs.evolve(bench.runner.state, books=books)
    made = quiet(state, bench.venue.now_ms() + 1_000)
    assert not [event for event in made if isinstance(event, ev.ProtectionIntended)]
