"""How two batches are compared."""

import pytest

from tests.benchmarks.bybit.measure import Batch, Comparison, interleaved, timed


def _batches(*walls_us: float) -> list[Batch]:
    return [Batch(wall_us=wall_us, cpu_us=2 * wall_us) for wall_us in walls_us]


def test_noise_on_one_estimate_alone_does_not_decide() -> None:
    figures = Comparison(name="x", ours=_batches(10, 30, 20), theirs=_batches(20, 90, 80))
    assert figures.neighbours_ratio == figures.ratio == pytest.approx(1 / 3)
    assert figures.best_ratio == figures.cpu_ratio == 0.5
    assert str(figures).startswith("x: neighbours 0.333; best batches 10.0 / 20.0 us = 0.500;")


def test_the_lower_estimate_decides() -> None:
    figures = Comparison(name="x", ours=_batches(20, 60, 40), theirs=_batches(20, 90, 80))
    assert figures.best_ratio == 1
    assert figures.ratio == figures.neighbours_ratio == pytest.approx(2 / 3)
    slower = Comparison(name="x", ours=_batches(10, 90, 80), theirs=_batches(20, 90, 80))
    assert slower.neighbours_ratio == 1
    assert slower.ratio == slower.best_ratio == 0.5


def test_both_sides_run_in_turn_and_the_first_round_only_warms_up() -> None:
    order: list[str] = []
    batches = iter(_batches(*range(1, 7)))

    def side(name: str) -> Batch:
        order.append(name)
        return next(batches)

    figures = interleaved("x", lambda: side("ours"), lambda: side("theirs"), pairs=2)
    assert order == ["ours", "theirs"] * 3
    assert [batch.wall_us for batch in figures.ours] == [3, 5]
    assert [batch.wall_us for batch in figures.theirs] == [4, 6]


def test_a_call_that_does_not_count_is_made_and_not_timed() -> None:
    made: list[int] = []

    def act() -> bool:
        made.append(len(made))
        if len(made) % 2:
            sum(range(200_000))
            return False
        return True

    batch = timed(act, calls=10)
    assert len(made) == 10
    assert 0 < batch.wall_us < batch.cpu_us
