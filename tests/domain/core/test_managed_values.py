"""What break-even and trailing are computed from, and when nothing is asked for."""

from typing import Any

import attrs
import pytest
from tidegate.domain.core import events as ev
from tidegate.domain.core.draft import Draft
from tidegate.domain.core.managed import Managed, Trail
from tidegate.domain.core.managing import manage
from tidegate.domain.core.state import State
from tidegate.domain.management import BreakEven, Management
from tidegate.domain.money import Distance, Money, Price, Qty, Rate
from tidegate.domain.position import Position
from tidegate.domain.signal import RungSpec
from tidegate.domain.trade import CloseReason

from tests.application.bench import BTC

from .protection_scenes import EVEN, managed, trail_from
from .scenes import config, only

T0 = 1_700_000_000_000
TWO_RUNGS = (RungSpec(Rate.of(1), Rate.of("0.3")), RungSpec(Rate.of(2), Rate.of("0.3")))
DUE = Managed(break_even_due_ms=T0)


def holding(management: Management, **changes: Any) -> State:
    """Return a desk that holds 0.010 from 65000 under ``management``, of which nothing began."""
    state = managed(Management()).runner.state
    trade = state.books.trades[BTC]
    wish = attrs.evolve(trade.signal, management=management, ladder=changes.pop("ladder", ()))
    trade = attrs.evolve(trade, **{"managed": Managed(), "signal": wish, **changes})
    return in_books(state, trades={BTC: trade})


def in_books(state: State, **changes: Any) -> State:
    return attrs.evolve(state, books=attrs.evolve(state.books, **changes))


def priced(state: State, last: str) -> State:
    ticker = attrs.evolve(state.view.tickers[BTC], last=Price.of(last))
    return attrs.evolve(state, view=attrs.evolve(state.view, tickers={BTC: ticker}))


def found(state: State) -> list[ev.Event]:
    """Return what is noted and asked for now."""
    draft = Draft(state, config(), T0 + 5_000)
    manage(draft, BTC)
    return draft.events


def even_stop(state: State) -> Price | None:
    (intended,) = found(priced(state, "66000"))
    assert isinstance(intended, ev.ProtectionIntended)
    return intended.change.stop_loss


@pytest.mark.parametrize(
    ("is_closing", "is_panic", "noted"),
    [(False, False, True), (True, False, False), (False, True, False), (True, True, False)],
)
def test_nothing_is_managed_while_a_trade_closes_or_a_panic_runs(
    is_closing: bool, is_panic: bool, noted: bool
) -> None:
    closing = CloseReason.OPERATOR if is_closing else None
    state = in_books(holding(trail_from(), closing=closing), is_panic_running=is_panic)
    assert bool(found(state)) is noted


def test_a_trailing_stop_is_noted_for_the_trade_that_it_belongs_to() -> None:
    state = holding(trail_from())
    (due, _) = found(state)
    assert due == ev.TrailingDue(
        symbol=BTC,
        trade_key=state.books.trades[BTC].key,
        distance=Distance.of("300"),
        activation=None,
        time_ms=T0 + 5_000,
    )


@pytest.mark.parametrize(
    ("risk", "activation"), [(Money.of(10), Price.of("66500")), (Money.of(0), None), (None, None)]
)
def test_an_activation_in_r_needs_a_risk(risk: Money | None, activation: Price | None) -> None:
    """10 USDT at risk with 0.010 are 1000 of price; 1.5 times that above 65000."""
    state = holding(trail_from(activation_reward=Rate.of("1.5")), risk=risk)
    (due, *_) = found(state)
    assert isinstance(due, ev.TrailingDue)
    assert due.activation == activation


@pytest.mark.parametrize(
    ("last", "activation"), [("65000", None), ("64999.9", Price.of("65000")), ("65000.1", None)]
)
def test_an_activation_at_the_last_price_was_reached(last: str, activation: Price | None) -> None:
    trail = Trail(distance=Distance.of("300"), activation=Price.of("65000"))
    wanted = Managed(trailing_due_ms=T0, trail=trail)
    state = priced(holding(trail_from(), managed=wanted), last)
    (intended,) = found(state)
    assert isinstance(intended, ev.ProtectionIntended)
    assert intended.change.trailing_activation == activation


def test_the_last_rung_of_a_ladder_moves_the_stop_of_what_it_leaves() -> None:
    bench = managed(Management(break_even=BreakEven(after_rung=2)), ladder=TWO_RUNGS)
    bench.move("66000")
    assert only(bench, ev.BreakEvenDue) == []
    bench.move("67000")
    assert [due.rung for due in only(bench, ev.BreakEvenDue)] == [2]


def test_a_rung_that_the_ladder_does_not_have_never_fills() -> None:
    third = Management(break_even=BreakEven(after_rung=3))
    assert found(holding(third, ladder=TWO_RUNGS)) == []


@pytest.mark.parametrize(("far", "is_due"), [("0", False), ("0.007", True)])
def test_a_merged_rung_waits_for_the_next_one_by_distance_and_not_by_number(
    far: str, is_due: bool
) -> None:
    """The second of three rungs was merged: beyond its target of two R lies the first, at three."""
    ladder = tuple(RungSpec(Rate.of(reward), Rate.of("0.3")) for reward in (3, 2, 1))
    state = holding(
        Management(break_even=BreakEven(after_rung=2)),
        ladder=ladder,
        rungs=(
            ev.PlannedRung(number=1, price=Price.of("68000"), qty=Qty.of("0.007")),
            ev.PlannedRung(number=3, price=Price.of("66000"), qty=Qty.of("0.003")),
        ),
        rung_closed={1: Qty.of(far), 3: Qty.of("0.003")},
    )
    assert any(isinstance(event, ev.BreakEvenDue) for event in found(state)) is is_due


@pytest.mark.parametrize("unknown", ["instruments", "fees"])
def test_break_even_waits_for_specification_and_fees(unknown: str) -> None:
    state = priced(holding(EVEN, managed=DUE), "66000")
    nothing: dict[str, Any] = {unknown: {}}
    blind = attrs.evolve(state, view=attrs.evolve(state.view, **nothing))
    assert found(blind) == []
    assert len(found(state)) == 1


@pytest.mark.parametrize(
    ("qty", "cost", "stop"),
    [
        # (650 + 0.3575) / (0.010 x (1 - 0.00055)) = 65071.53...
        ("0.010", "650", "65071.6"),
        # What is held cost 651: (651 + 0.3575) / (0.010 x (1 - 0.00055)) = 65171.59...
        ("0.010", "651", "65171.6"),
        # Somebody else's 0.010 from 67000 lies beside the trade and is no part of its costs.
        ("0.020", "1320", "65071.6"),
    ],
)
def test_break_even_pays_for_the_part_of_the_trade_alone(qty: str, cost: str, stop: str) -> None:
    position = Position(qty=Qty.of(qty), cost=Money.of(cost))
    state = in_books(holding(EVEN, managed=DUE), positions={BTC: position})
    assert even_stop(state) == Price.of(stop)
