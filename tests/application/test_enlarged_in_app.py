"""Somebody enlarges a resting entry of ours in the app: what it reserves is never below zero."""

import attrs
import pytest
from tidegate.domain.money import ZERO_MONEY, ZERO_QTY, Qty

from tests.domain.core.scenes import limit, placed, scripted


@pytest.mark.parametrize("filled", ["0.010", "0.030"])
def test_an_order_filled_beyond_its_quantity_has_nothing_left_and_reserves_nothing(
    filled: str,
) -> None:
    bench = scripted()
    name = placed(bench, entry=limit("64900"))
    bench.pass_time(10)
    order = bench.runner.state.books.orders[name]
    over = attrs.evolve(order, qty_filled=Qty.of(filled))
    assert over.is_open
    assert over.qty_left == ZERO_QTY
    assert over.reserved == ZERO_MONEY
