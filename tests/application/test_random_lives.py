"""Whatever a market and a network do: the journal gives the books, and the books the venue's."""

import pytest
from tidegate.application.engine import fold
from tidegate.domain.core import exposure
from tidegate.domain.core.events import EntryIntended, OrderIntended
from tidegate.domain.core.snapshots import equity_now
from tidegate.domain.money import ZERO_MONEY
from tidegate.domain.orders import Role

from tests.application.bench import BTC

from .scripts import Life

SEEDS = range(60)
ACTS = 45


@pytest.mark.parametrize("seed", SEEDS)
def test_any_life_keeps_its_books(seed: int) -> None:
    life = Life(seed)
    bench = life.bench
    for _ in range(ACTS):
        life.act()
        state = bench.runner.state
        assert exposure.total(state.books, state.view) >= ZERO_MONEY
        for order in state.books.orders.values():
            assert order.qty_left.sign >= 0
    life.come_to_rest()
    books = bench.runner.state.books
    folded, version = fold(bench.state_port, bench.runner.engine.config)
    assert version == bench.state_port.version()
    assert folded == books
    assert books.position(BTC).qty == bench.venue.position(BTC).qty
    assert books.ledger is not None
    # The wallet depends on the order in which fills came; equity does not.
    assert equity_now(books, bench.runner.state.view) == bench.venue.account().equity
    sent = [
        event.order.client_id
        for event in bench.events()
        if isinstance(event, EntryIntended | OrderIntended)
    ]
    assert len(sent) == len(set(sent))
    for symbol, trade in books.trades.items():
        is_safe = trade.is_stop_confirmed or trade.closing is not None
        assert is_safe, f"{symbol} is held without a stop"
        assert books.position(symbol).side is trade.side
    at_venue = {o.client_id for o in bench.venue.open_orders() if o.client_id is not None}
    assert at_venue == {i for i, order in books.orders.items() if order.is_open}
    if books.position(BTC).is_flat and not books.is_panic_running:
        left = [o for o in books.orders.values() if o.role is not Role.ENTRY]
        assert left == []
