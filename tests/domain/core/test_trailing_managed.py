"""A trailing stop of the signal's: when it is set, with which values, and that it stays."""

from typing import Any

import attrs
import pytest
from tidegate.adapters.memory.options import Arrival, RequestKind
from tidegate.domain.core import events as ev
from tidegate.domain.core.inputs import TimePassed
from tidegate.domain.core.step import step
from tidegate.domain.management import BreakEven, Management, TrailingStop
from tidegate.domain.money import Distance, Money, Price, Qty, Rate
from tidegate.domain.orders import Side
from tidegate.domain.protection import ProtectionSource
from tidegate.domain.reports import RejectReason
from tidegate.domain.signal import StopAtPrice
from tidegate.domain.trade import CloseReason
from tidegate.ports.desk import Placed, Refused

from tests.application.bench import BTC, make_bench, signal

from .protection_scenes import (
    managed,
    policy,
    shown_stop,
    shown_trail,
    trail_from,
    trigger_of_trail,
)
from .scenes import LADDER, config, limit, only, scripted, trade


def test_without_an_activation_it_trails_from_the_fill_on_beside_the_stop() -> None:
    bench = managed(trail_from())
    (due,) = only(bench, ev.TrailingDue)
    assert (due.distance, due.activation) == (Distance.of("300"), None)
    (intended,) = only(bench, ev.ProtectionIntended)
    assert intended.source is ProtectionSource.TRAILING
    assert shown_trail(bench) == Distance.of("300")
    assert shown_stop(bench) == Price.of("64000")
    assert trigger_of_trail(bench) == Price.of("64700")
    bench.move("65500")
    assert trigger_of_trail(bench) == Price.of("65200")
    bench.move("65100")
    (closed,) = only(bench, ev.TradeClosed)
    assert closed.trade.reason is CloseReason.TRAILING_STOP
    assert closed.trade.risk == Money.of(10)
    assert bench.venue.open_orders() == ()


@pytest.mark.parametrize(
    ("side", "asked", "from_price"),
    [
        (Side.BUY, {"activation_price": Price.of("65400.05")}, "65400.1"),
        (Side.BUY, {"activation_reward": Rate.of("0.5")}, "65500"),
        (Side.SELL, {"activation_price": Price.of("64600.05")}, "64600.0"),
        (Side.SELL, {"activation_reward": Rate.of("0.5")}, "64500"),
    ],
)
def test_an_activation_is_kept_by_the_venue_and_never_earlier_than_asked(
    side: Side, asked: dict[str, Any], from_price: str
) -> None:
    bench = managed(trail_from(**asked), side=side)
    (intended,) = only(bench, ev.ProtectionIntended)
    assert intended.change.trailing_activation == Price.of(from_price)
    assert trigger_of_trail(bench) is None
    assert shown_trail(bench) == Distance.of("300")
    bench.move(from_price)
    assert trigger_of_trail(bench) == Price.of(from_price) - Distance.of("300").times(side.sign)


def test_after_a_rung_it_begins_when_the_rung_has_filled() -> None:
    bench = managed(trail_from(after_rung=1))
    assert only(bench, ev.TrailingDue) == []
    bench.move("66000")
    assert trigger_of_trail(bench) == Price.of("65700")
    (due,) = only(bench, ev.TrailingDue)
    assert due.activation is None


def test_break_even_and_trailing_go_one_after_the_other() -> None:
    both = Management(
        break_even=BreakEven(), trailing=TrailingStop(distance=Distance.of("300"), after_rung=1)
    )
    bench = managed(both)
    bench.move("66000")
    bench.pass_time(1_000)
    assert shown_stop(bench) == Price.of("65092.6")
    assert shown_trail(bench) == Distance.of("300")
    sources = [event.source for event in only(bench, ev.ProtectionIntended)]
    assert sources == [ProtectionSource.BREAK_EVEN, ProtectionSource.TRAILING]


def test_the_distance_is_rounded_down_to_the_tick_and_at_least_one() -> None:
    for asked, kept in (("300.07", "300.0"), ("0.01", "0.1")):
        trailing = TrailingStop(distance=Distance.of(asked), activation_reward=Rate.of("0.5"))
        bench = managed(Management(trailing=trailing))
        assert shown_trail(bench) == Distance.of(kept)


def test_an_activation_that_was_passed_meanwhile_means_at_once() -> None:
    settings = policy(poll_down_ms=None)
    venue = scripted().venue
    bench = make_bench(venue=venue, config=settings)
    entry = bench.desk.execute(
        signal("s1", management=trail_from(activation_price=Price.of("65400")))
    )
    assert isinstance(entry, Placed)
    bench.venue.script.move(BTC, last=Price.of("65500"))
    bench.runner.drain()
    bench.venue.script.fill(entry.client_id)
    bench.runner.drain()
    (intended,) = only(bench, ev.ProtectionIntended)
    assert intended.change.trailing_activation is None
    assert trigger_of_trail(bench) == Price.of("65200")


def test_it_is_set_once_and_survives_what_is_planned_again() -> None:
    bench = managed(trail_from(activation_reward=Rate.of("0.5")))
    bench.move("65100")
    more = bench.desk.execute(signal("s2", stop=StopAtPrice(Price.of("64200"))))
    assert isinstance(more, Placed), more
    assert len(only(bench, ev.Replanned)) > 1
    assert len(only(bench, ev.TrailingDue)) == 1
    assert len(only(bench, ev.ProtectionIntended)) == 1
    assert shown_trail(bench) == Distance.of("300")
    trail = trade(bench).managed.trail
    assert trail is not None
    assert trail.activation == Price.of("65500")


def test_a_refused_trailing_stop_leaves_the_stop_and_is_tried_again() -> None:
    settings = policy(poll_down_ms=None)
    bench = make_bench(config=settings)
    bench.venue.script.reject_next(RejectReason.OTHER, request=RequestKind.POSITION_STOP)
    assert isinstance(bench.desk.execute(signal(management=trail_from())), Placed)
    assert (shown_stop(bench), shown_trail(bench)) == (Price.of("64000"), None)
    bench.pass_time(1_000)
    assert shown_trail(bench) == Distance.of("300")
    assert only(bench, ev.StopMissing) == []


def test_an_unanswered_one_is_read_back() -> None:
    bench = make_bench(config=policy(poll_down_ms=None))
    bench.venue.script.time_out_next(Arrival.REACHED, request=RequestKind.POSITION_STOP)
    assert isinstance(bench.desk.execute(signal(management=trail_from())), Placed)
    assert trade(bench).managed.is_trail_shown
    assert len(only(bench, ev.ProtectionIntended)) == 1


def test_the_stop_proper_comes_first() -> None:
    bench = managed(trail_from(after_rung=1), settings=policy(poll_down_ms=None))
    held = attrs.evolve(trade(bench), stop_confirmed=None, rung_closed={1: Qty.of("0.003")})
    state = bench.runner.state
    state = attrs.evolve(state, books=attrs.evolve(state.books, trades={BTC: held}))
    made = step(state, TimePassed(), config(poll_down_ms=None), bench.venue.now_ms() + 10)
    assert [e for e in made.events if isinstance(e, ev.TrailingDue)]
    assert not [e for e in made.events if isinstance(e, ev.ProtectionIntended)]


def test_a_market_entry_trails_once_it_has_filled_whole() -> None:
    bench = scripted()
    entry = bench.desk.execute(signal(management=trail_from()))
    assert isinstance(entry, Placed)
    bench.venue.script.fill(entry.client_id, Qty.of("0.004"))
    bench.runner.drain()
    assert only(bench, ev.TrailingDue) == []
    bench.venue.script.fill(entry.client_id)
    bench.runner.drain()
    assert shown_trail(bench) == Distance.of("300")


def test_a_limit_entry_trails_from_its_first_fill() -> None:
    bench = scripted()
    name = bench.desk.execute(signal(entry=limit("65000"), management=trail_from(), ladder=LADDER))
    assert isinstance(name, Placed)
    bench.venue.script.fill(name.client_id, Qty.of("0.004"))
    bench.runner.drain()
    assert shown_trail(bench) == Distance.of("300")
    bench.venue.script.fill(name.client_id)
    bench.runner.drain()
    assert len(only(bench, ev.TrailingDue)) == 1


@pytest.mark.parametrize(
    ("management", "words"),
    [
        (Management(break_even=BreakEven(after_rung=3)), ("rung 3", "2 rungs", "from 1 to 2")),
        (trail_from(after_rung=3), ("rung 3", "2 rungs", "from 1 to 2")),
        (trail_from(activation_price=Price.of("65000")), ("65000", "above the entry", "at once")),
        (
            Management(trailing=TrailingStop(distance=Distance.of("65000"))),
            ("65000", "below the entry", "a price distance"),
        ),
    ],
)
def test_a_plan_that_cannot_be_managed_so_is_refused(
    management: Management, words: tuple[str, ...]
) -> None:
    bench = make_bench(config=config())
    refused = bench.desk.execute(signal(ladder=LADDER, management=management))
    assert isinstance(refused, Refused)
    assert refused.fault is not None
    for word in words:
        assert word in refused.fault
    assert bench.venue.open_orders() == ()


def test_a_rung_without_any_ladder_is_refused_with_the_remedy() -> None:
    bench = make_bench(config=config())
    refused = bench.desk.execute(signal(management=Management(break_even=BreakEven())))
    assert isinstance(refused, Refused)
    assert refused.fault is not None
    assert "give the signal a ladder" in refused.fault


def test_an_addition_is_managed_as_the_position_that_it_joins() -> None:
    bench = managed(trail_from(activation_price=Price.of("65400")), ladder=())
    bench.move("65450")
    stop = StopAtPrice(Price.of("64200"))
    more = bench.desk.execute(signal("s2", stop=stop, management=trail_from(after_rung=9)))
    assert isinstance(more, Placed), more
    (_, added) = only(bench, ev.EntryIntended)
    assert added.signal.management == trade(bench).signal.management
