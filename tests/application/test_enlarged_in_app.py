"""Somebody enlarges a resting entry of ours in the app: what it reserves is never below zero."""

import attrs
import pytest
from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.adapters.memory.options import FillMode, MemoryOptions
from tidegate.domain.money import ZERO_MONEY, ZERO_QTY, Money, Price, Qty
from tidegate.domain.orders import ClientId
from tidegate.domain.signal import ExactQty
from tidegate.ports.desk import Placed

from tests.application.bench import BTC, Bench, make_bench, signal
from tests.domain.core.scenes import config, limit
from tests.domain.samples import BTCUSDT, FEES

QTY = Qty.of("0.010")
PRICE = Price.of("64900")


def resting() -> tuple[Bench, ClientId]:
    """Return a desk with one resting entry, on a venue that fills as told."""
    venue = MemoryVenue(
        instruments={BTC: BTCUSDT},
        fees=FEES,
        wallet=Money.of("10000"),
        options=MemoryOptions(fill_mode=FillMode.SCRIPTED),
    )
    bench = make_bench(venue=venue, config=config())
    entry = limit(str(PRICE))
    outcome = bench.desk.execute(signal("a", entry=entry, sizing=ExactQty(QTY)))
    assert isinstance(outcome, Placed)
    bench.pass_time(10)
    return bench, outcome.client_id


@pytest.mark.parametrize("filled", ["0.010", "0.030"])
def test_an_order_filled_beyond_its_quantity_has_nothing_left_and_reserves_nothing(
    filled: str,
) -> None:
    bench, name = resting()
    order = bench.runner.state.books.orders[name]
    over = attrs.evolve(order, qty_filled=Qty.of(filled))
    assert over.is_open
    assert over.qty_left == ZERO_QTY
    assert over.reserved == ZERO_MONEY
