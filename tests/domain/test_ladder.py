"""Ladders: targets on the grid, merges, and quantities that add up. Figures worked by hand."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tidegate.domain.grid import is_on_grid
from tidegate.domain.instrument import Instrument
from tidegate.domain.ladder import total
from tidegate.domain.levels import Ladder, LevelFault, LevelRefusal, NoteKind, plan_ladder
from tidegate.domain.money import Distance, Price, Qty, Rate
from tidegate.domain.orders import Side
from tidegate.domain.signal import RungSpec

from .samples import BTCUSDT, COARSE, DUST, TINY


def specs(*rungs: tuple[str, str]) -> tuple[RungSpec, ...]:
    return tuple(RungSpec(Rate.of(rr), Rate.of(fraction)) for rr, fraction in rungs)


def planned(
    ladder: tuple[RungSpec, ...],
    qty: str,
    *,
    entry: str = "64000",
    stop: str = "63360",
    side: Side = Side.BUY,
    spec: Instrument = BTCUSDT,
) -> Ladder:
    plan = plan_ladder(
        ladder,
        entry=Price.of(entry),
        stop=Price.of(stop),
        side=side,
        qty=Qty.of(qty),
        instrument=spec,
    )
    assert isinstance(plan, Ladder), plan
    return plan


def shape(ladder: Ladder) -> list[tuple[int, str, str]]:
    return [
        (rung.number, f"{rung.price.value.normalize():f}", str(rung.qty)) for rung in ladder.rungs
    ]


@pytest.mark.parametrize(
    ("ladder", "qty", "rungs"),
    [
        # R = 640. 0.010 splits evenly.
        (
            specs(("1", "0.5"), ("2", "0.3"), ("3", "0.2")),
            "0.010",
            [(1, "64640", "0.005"), (2, "65280", "0.003"), (3, "65920", "0.002")],
        ),
        # 0.0035, 0.0021, 0.0014 round down; the last takes what is left of 0.007.
        (
            specs(("1", "0.5"), ("2", "0.3"), ("3", "0.2")),
            "0.007",
            [(1, "64640", "0.003"), (2, "65280", "0.002"), (3, "65920", "0.002")],
        ),
        # Six tenths in all: nothing is added to the last.
        (
            specs(("1", "0.3"), ("2", "0.3")),
            "0.007",
            [(1, "64640", "0.002"), (2, "65280", "0.002")],
        ),
        (specs(("1.5", "1")), "0.007", [(1, "64960", "0.007")]),
        # Given far to near: placed near to far, numbers kept, the remainder at the farthest.
        (
            specs(("3", "0.5"), ("1", "0.5")),
            "0.003",
            [(2, "64640", "0.001"), (1, "65920", "0.002")],
        ),
    ],
)
def test_a_ladder_stands_at_its_multiples_and_closes_its_fractions(
    ladder: tuple[RungSpec, ...], qty: str, rungs: list[tuple[int, str, str]]
) -> None:
    plan = planned(ladder, qty)
    assert shape(plan) == rungs
    assert plan.notes == ()


@pytest.mark.parametrize(
    ("side", "stop", "price", "reward"),
    [
        # R = 640.3; 1.37 R = 877.211: 64877.211 down, 63122.789 up.
        (Side.BUY, "63359.7", "64877.2", "877.2"),
        (Side.SELL, "64640.3", "63122.8", "877.2"),
    ],
)
def test_a_target_rounds_toward_the_entry_and_its_multiple_with_it(
    side: Side, stop: str, price: str, reward: str
) -> None:
    rung = planned(specs(("1.37", "1")), "0.007", stop=stop, side=side).rungs[0]
    assert rung.price == Price.of(price)
    assert rung.reward_to_risk == Distance.of(reward) / Distance.of("640.3")


@pytest.mark.parametrize(
    ("ladder", "qty", "rungs", "notes"),
    [
        # One step for three rungs: all of it at the nearest.
        (
            specs(("1", "0.33"), ("2", "0.33"), ("3", "0.34")),
            "0.001",
            [(1, "64640", "0.001")],
            ["rung 2", "rung 3"],
        ),
        # 0.00005 in the middle goes to its nearer neighbour.
        (
            specs(("1", "0.5"), ("2", "0.01"), ("3", "0.49")),
            "0.005",
            [(1, "64640", "0.002"), (3, "65920", "0.003")],
            ["rung 2 of 0.000 is below the venue's minimum of 0.001: merged into rung 1"],
        ),
        # The nearest is too small, its follower is not: it moves there.
        (
            specs(("1", "0.01"), ("2", "0.99")),
            "0.005",
            [(2, "65280", "0.005")],
            ["merged into rung 2"],
        ),
        # The farthest is too small.
        (
            specs(("1", "0.9"), ("2", "0.1")),
            "0.005",
            [(1, "64640", "0.005")],
            ["merged into rung 1"],
        ),
        # Ten tenths of nine steps, each below a step: two by two, not all at one price.
        (
            specs(*[(str(n), "0.1") for n in range(1, 11)]),
            "0.009",
            [
                (1, "64640", "0.001"),
                (3, "65920", "0.001"),
                (5, "67200", "0.001"),
                (7, "68480", "0.001"),
                (9, "69760", "0.005"),
            ],
            ["rung 2", "rung 4", "rung 6", "rung 8", "rung 10"],
        ),
    ],
)
def test_a_rung_below_the_minimum_is_merged_and_a_note_says_so(
    ladder: tuple[RungSpec, ...],
    qty: str,
    rungs: list[tuple[int, str, str]],
    notes: list[str],
) -> None:
    plan = planned(ladder, qty)
    assert shape(plan) == rungs
    assert len(plan.notes) == len(notes)
    for note, text in zip(plan.notes, notes, strict=True):
        assert note.kind is NoteKind.MERGED
        assert text in str(note)


def test_a_position_below_the_minimum_has_no_target_and_a_note_says_so() -> None:
    plan = planned(specs(("1", "0.5"), ("2", "0.5")), "0.004", spec=DUST)
    assert plan.rungs == ()
    assert [note.kind for note in plan.notes] == [NoteKind.DROPPED, NoteKind.DROPPED]
    assert "dropped" in str(plan.notes[0])


def test_a_ladder_of_no_rungs_needs_no_stop() -> None:
    plan = plan_ladder(
        (), entry=Price.of(1), stop=None, side=Side.BUY, qty=Qty.of(1), instrument=BTCUSDT
    )
    assert plan == Ladder()


@pytest.mark.parametrize(
    ("ladder", "side", "stop", "reason"),
    [
        (specs(("1", "1")), Side.BUY, None, LevelFault.STOP_MISSING),
        (specs(("1", "1")), Side.BUY, "64000", LevelFault.STOP_ON_WRONG_SIDE),
        (specs(("1", "1")), Side.SELL, "63360", LevelFault.STOP_ON_WRONG_SIDE),
        (specs(("1", "0.6"), ("2", "0.41")), Side.BUY, "63360", LevelFault.FRACTIONS),
        (specs(("1", "0"), ("2", "1")), Side.BUY, "63360", LevelFault.FRACTIONS),
        (specs(("1", "-0.5"), ("2", "1")), Side.BUY, "63360", LevelFault.FRACTIONS),
        (specs(("0", "1")), Side.BUY, "63360", LevelFault.TARGET_ON_WRONG_SIDE),
        (specs(("-1", "1")), Side.SELL, "64640", LevelFault.TARGET_ON_WRONG_SIDE),
        # 0.0001 x 640 = 0.064, less than a tick, and rounded onto the entry.
        (specs(("0.0001", "1")), Side.BUY, "63360", LevelFault.TARGET_ON_WRONG_SIDE),
        # 64000 - 100 x 640 = 0 and beyond: nothing trades there.
        (specs(("100", "1")), Side.SELL, "64640", LevelFault.TARGET_OUT_OF_RANGE),
        (specs(("101", "1")), Side.SELL, "64640", LevelFault.TARGET_OUT_OF_RANGE),
        # 64000 + 4000 x 640 is above the venue's 1999999.80.
        (specs(("4000", "1")), Side.BUY, "63360", LevelFault.TARGET_OUT_OF_RANGE),
    ],
)
def test_a_ladder_that_cannot_stand_is_refused(
    ladder: tuple[RungSpec, ...], side: Side, stop: str | None, reason: LevelFault
) -> None:
    refusal = plan_ladder(
        ladder,
        entry=Price.of(64000),
        stop=None if stop is None else Price.of(stop),
        side=side,
        qty=Qty.of("0.01"),
        instrument=BTCUSDT,
    )
    assert isinstance(refusal, LevelRefusal)
    assert refusal.reason is reason
    assert all((refusal.observed, refusal.limit, refusal.remedy))


@given(
    side=st.sampled_from(Side),
    instrument=st.sampled_from([BTCUSDT, COARSE, DUST, TINY]),
    weights=st.lists(st.integers(min_value=1, max_value=100), min_size=1, max_size=12),
    rest=st.integers(min_value=0, max_value=50),
    steps=st.integers(min_value=1, max_value=400),
    spread=st.integers(min_value=1, max_value=20),
)
@settings(deadline=None, max_examples=100)
def test_the_quantities_of_any_ladder_add_up(
    side: Side, instrument: Instrument, weights: list[int], rest: int, steps: int, spread: int
) -> None:
    whole = sum(weights) + rest
    # Fractions with four decimals; the last takes up what rounding left, when nothing rests.
    fractions = [Decimal(weight * 10_000 // whole) / 10_000 for weight in weights]
    if rest == 0:
        fractions[-1] += 1 - sum(fractions)
    if min(fractions) <= 0:
        return
    qty = instrument.qty_step.times(steps)
    entry = instrument.price_min + instrument.tick.times(100_000)
    stop = entry - instrument.tick.times(spread * 10 * side.sign)
    ladder = tuple(
        RungSpec(Rate.of(number), Rate(fraction)) for number, fraction in enumerate(fractions, 1)
    )
    plan = plan_ladder(ladder, entry=entry, stop=stop, side=side, qty=qty, instrument=instrument)
    assert isinstance(plan, Ladder)
    assert plan.qty == total(rung.qty for rung in plan.rungs) <= qty
    if sum(fractions) == 1 and qty >= instrument.qty_min:
        assert plan.qty == qty
    for rung in plan.rungs:
        assert rung.qty >= instrument.qty_min
        assert is_on_grid(rung.qty, instrument.qty_step)
        assert is_on_grid(rung.price, instrument.tick)
        assert (rung.price - entry).times(side.sign) > Distance.of(0)
        assert rung.reward_to_risk <= ladder[rung.number - 1].reward_to_risk
    # Every rung is either placed or accounted for by one note.
    placed = {rung.number for rung in plan.rungs}
    noted = [note.number for note in plan.notes]
    assert sorted([*placed, *noted]) == list(range(1, len(ladder) + 1))
    # All the fractions together lose less than a step for each part to rounding down.
    asked = qty * Rate(sum(fractions, start=Decimal(0)))
    if plan.rungs:
        assert plan.qty > asked - instrument.qty_step.times(len(plan.rungs))
