"""Levels after a fill: the ladder again for what is really held."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tidegate.domain.instrument import Instrument
from tidegate.domain.levels import Ladder, LevelRefusal, NoteKind, plan_ladder, replan
from tidegate.domain.money import ZERO_QTY, Distance, Price, Qty, Rate
from tidegate.domain.orders import Side
from tidegate.domain.signal import RungSpec

from .samples import BTCUSDT, COARSE, DUST

LADDER = tuple(
    RungSpec(Rate.of(rr), Rate.of(fraction))
    for rr, fraction in ((1, "0.5"), (2, "0.3"), (3, "0.2"))
)


def again(
    qty: str,
    closed: Mapping[int, str],
    *,
    otherwise: str = "0",
    entry: str = "64000",
    ladder: tuple[RungSpec, ...] = LADDER,
    spec: Instrument = BTCUSDT,
) -> Ladder:
    plan = replan(
        ladder,
        entry=Price.of(entry),
        stop=Price.of("63360"),
        side=Side.BUY,
        qty=Qty.of(qty),
        already_closed={number: Qty.of(amount) for number, amount in closed.items()},
        closed_otherwise=Qty.of(otherwise),
        instrument=spec,
    )
    assert isinstance(plan, Ladder), plan
    return plan


def quantities(ladder: Ladder) -> dict[int, str]:
    return {rung.number: str(rung.qty) for rung in ladder.rungs}


@pytest.mark.parametrize(
    ("qty", "closed", "otherwise", "left"),
    [
        ("0.010", {}, "0", {1: "0.005", 2: "0.003", 3: "0.002"}),
        # The first rung filled in part, then whole, then the second as well.
        ("0.010", {1: "0.002"}, "0", {1: "0.003", 2: "0.003", 3: "0.002"}),
        ("0.010", {1: "0.005"}, "0", {2: "0.003", 3: "0.002"}),
        ("0.010", {1: "0.005", 2: "0.003"}, "0", {3: "0.002"}),
        ("0.010", {1: "0.005", 2: "0.003", 3: "0.002"}, "0", {}),
        # A further fill doubles the position after the first rung closed 0.005 of the first half.
        ("0.020", {1: "0.005"}, "0", {1: "0.005", 2: "0.006", 3: "0.004"}),
        # Of one step all stood at rung 1; of two, the second stands at rung 2 for 2 and 3.
        ("0.002", {1: "0.001"}, "0", {2: "0.001"}),
        # Rung 1 closed more than its share of the whole: the farthest rung has less to close.
        ("0.010", {1: "0.006"}, "0", {2: "0.003", 3: "0.001"}),
        # Closed by hand: the farthest rungs give way first.
        ("0.010", {}, "0.003", {1: "0.005", 2: "0.002"}),
        ("0.010", {1: "0.005"}, "0.004", {2: "0.001"}),
        ("0.010", {1: "0.005"}, "0.005", {}),
    ],
)
def test_what_is_still_to_close_is_what_is_held(
    qty: str, closed: Mapping[int, str], otherwise: str, left: Mapping[int, str]
) -> None:
    assert quantities(again(qty, closed, otherwise=otherwise)) == left


def test_levels_follow_the_actual_average_entry() -> None:
    # Filled at 64010 against a stop of 63360: R = 650.
    prices = [str(rung.price) for rung in again("0.010", {}, entry="64010").rungs]
    assert [Price.of(price) for price in prices] == [
        Price.of("64660"),
        Price.of("65310"),
        Price.of("65960"),
    ]


def test_a_remainder_below_the_minimum_moves_to_a_neighbour() -> None:
    # Minimum 0.005: rung 1 has 0.001 left of 0.010, which joins rung 2.
    half = (RungSpec(Rate.of(1), Rate.of("0.5")), RungSpec(Rate.of(2), Rate.of("0.5")))
    plan = again("0.020", {1: "0.009"}, ladder=half, spec=DUST)
    assert quantities(plan) == {2: "0.011"}
    assert [(note.kind, note.number, note.into) for note in plan.notes] == [(NoteKind.MERGED, 1, 2)]


def test_the_rest_of_the_last_order_stays_although_it_is_below_the_minimum() -> None:
    one = (RungSpec(Rate.of(1)),)
    assert quantities(again("0.010", {1: "0.008"}, ladder=one, spec=DUST)) == {1: "0.002"}


def test_dust_that_no_order_rests_for_is_dropped_and_noted() -> None:
    one = (RungSpec(Rate.of(1)),)
    plan = again("0.010", {}, otherwise="0.008", ladder=one, spec=DUST)
    assert plan.rungs == ()
    assert [note.kind for note in plan.notes] == [NoteKind.DROPPED]


def test_more_closed_than_opened_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"0\.010 was opened and 0\.011 closed"):
        again("0.010", {1: "0.011"})


def test_a_ladder_that_cannot_stand_at_the_actual_entry_is_refused() -> None:
    refusal = replan(
        LADDER,
        entry=Price.of(63000),
        stop=Price.of(63360),
        side=Side.BUY,
        qty=Qty.of("0.010"),
        instrument=BTCUSDT,
    )
    assert isinstance(refusal, LevelRefusal)


@given(
    side=st.sampled_from(Side),
    instrument=st.sampled_from([BTCUSDT, COARSE]),
    first=st.integers(min_value=10, max_value=200),
    further=st.integers(min_value=0, max_value=200),
    data=st.data(),
)
@settings(deadline=None, max_examples=100)
def test_a_whole_ladder_always_closes_exactly_what_is_held(
    side: Side, instrument: Instrument, first: int, further: int, data: st.DataObject
) -> None:
    """Rungs fill in any order and amount, the entry fills on, some is closed by hand."""
    step, entry = instrument.qty_step, Price.of(64000)
    stop = entry - Distance.of(640).times(side.sign)

    def ladder_for(steps: int, closed: dict[int, Qty], otherwise: Qty) -> Ladder:
        plan = replan(
            LADDER,
            entry=entry,
            stop=stop,
            side=side,
            qty=step.times(steps),
            already_closed=closed,
            closed_otherwise=otherwise,
            instrument=instrument,
        )
        assert isinstance(plan, Ladder)
        return plan

    closed: dict[int, Qty] = {}
    for rung in ladder_for(first, closed, ZERO_QTY).rungs:
        steps = int((rung.qty / step).value)
        closed[rung.number] = step.times(data.draw(st.integers(0, steps)))
    held = step.times(first + further)
    for qty in closed.values():
        held -= qty
    otherwise = step.times(data.draw(st.integers(0, int((held / step).value))))
    held -= otherwise
    plan = ladder_for(first + further, closed, otherwise)
    assert all(rung.qty > ZERO_QTY for rung in plan.rungs)
    if held >= instrument.qty_min:
        assert plan.qty == held
        assert all(rung.qty >= instrument.qty_min for rung in plan.rungs) or len(plan.rungs) == 1
    else:
        assert plan.qty in (ZERO_QTY, held)


def test_nothing_closed_is_the_plan_itself() -> None:
    plan = plan_ladder(
        LADDER,
        entry=Price.of(64000),
        stop=Price.of("63360"),
        side=Side.BUY,
        qty=Qty.of("0.007"),
        instrument=BTCUSDT,
    )
    assert again("0.007", {}) == plan
