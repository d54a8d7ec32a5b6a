"""Somebody changes a resting entry of ours in the app: it is found, and cancelled."""

import attrs
import pytest
from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.adapters.memory.options import FillMode, MemoryOptions
from tidegate.domain.core import events as ev
from tidegate.domain.core import exposure
from tidegate.domain.findings import CORRECTION_OF, Correction, FindingKind, kind_of
from tidegate.domain.money import ZERO_MONEY, ZERO_QTY, Money, Price, Qty
from tidegate.domain.orders import ClientId
from tidegate.domain.signal import ExactQty
from tidegate.ports.desk import Placed

from tests.application.bench import BTC, Bench, make_bench, signal
from tests.domain.core.scenes import config, limit, only
from tests.domain.samples import BTCUSDT, FEES

QTY = Qty.of("0.010")
LARGER = Qty.of("0.050")
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


def findings(bench: Bench) -> list[ev.FindingRaised]:
    return only(bench, ev.FindingRaised)


@pytest.mark.parametrize(
    ("qty", "price"), [(LARGER, None), (None, Price.of("64950")), (LARGER, Price.of("64800"))]
)
def test_an_entry_changed_in_the_app_is_found_and_cancelled(
    qty: Qty | None, price: Price | None
) -> None:
    bench, name = resting()
    bench.venue.amend(BTC, name, qty=qty, price=price)
    bench.pass_time(10)
    bench.desk.reconcile()
    bench.pass_time(3_000)
    (found,) = findings(bench)
    assert kind_of(found.finding_id) is FindingKind.CHANGED_ORDER
    assert found.blocks_entries
    assert [event.client_id for event in only(bench, ev.CancelIntended)] == [name]
    order = bench.venue.find_order(BTC, name)
    assert order is not None
    assert order.status.value == "cancelled"
    bench.desk.reconcile()
    assert found.finding_id not in bench.runner.state.books.findings


def test_one_that_filled_beyond_what_was_approved_unseen_reserves_nothing_below_zero() -> None:
    bench, name = resting()
    sink = bench.runner.sink
    bench.venue.connect(lambda _: None)
    bench.venue.amend(BTC, name, qty=LARGER)
    bench.venue.script.fill(name, Qty.of("0.030"), PRICE)
    bench.venue.connect(sink)
    bench.desk.reconcile()
    bench.pass_time(3_000)
    books, view = bench.runner.state.books, bench.runner.state.view
    assert books.position(BTC).qty == Qty.of("0.030")
    assert exposure.total(books, view) >= books.position(BTC).notional(PRICE)
    order = bench.venue.find_order(BTC, name)
    assert order is not None
    assert order.status.value == "cancelled"


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


def test_a_smaller_entry_takes_risk_away_and_is_left_alone() -> None:
    bench, name = resting()
    bench.venue.amend(BTC, name, qty=Qty.of("0.005"))
    bench.pass_time(10)
    bench.desk.reconcile()
    assert findings(bench) == []
    assert only(bench, ev.CancelIntended) == []


def test_the_finding_says_what_differs_and_that_it_is_cancelled() -> None:
    bench, name = resting()
    bench.venue.amend(BTC, name, qty=LARGER)
    bench.desk.reconcile()
    (found,) = findings(bench)
    assert found.text == (
        f"BTCUSDT: entry {name} is 0.050 at 64900.00 on the venue, and 0.010 at 64900.00 was "
        "approved"
    )
    assert CORRECTION_OF[kind_of(found.finding_id)] is Correction.CANCELLED
