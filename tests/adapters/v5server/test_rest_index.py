"""The index of an account's orders forgets what ended first, and nothing that is open."""

from tidegate.adapters.v5server.order_index import OrderIndex
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Money, Price, Qty
from tidegate.domain.orders import ClientId, OrderKind, Side, VenueOrderId
from tidegate.domain.reports import OrderReport

from tests.domain.samples import BTCUSDT


def order(name: str, status: Status) -> OrderReport:
    return OrderReport(
        symbol=BTCUSDT.symbol,
        venue_id=VenueOrderId(name),
        client_id=ClientId(f"link-{name}"),
        side=Side.BUY,
        kind=OrderKind.LIMIT,
        status=status,
        qty=Qty.of("1"),
        qty_filled=Qty.of("0"),
        value_filled=Money.of("0"),
        price=Price.of("1"),
        created_ms=1,
        updated_ms=1,
    )


def test_an_order_keeps_its_number_when_it_ends() -> None:
    index = OrderIndex()
    for name in ("a", "b"):
        index.note(order(name, Status.NEW))
    index.note(order("a", Status.CANCELLED))
    index.note(order("a", Status.CANCELLED))
    assert [found.report.venue_id for found in index.open_orders()] == ["b"]
    (ended,) = index.ended_orders()
    assert (ended.number, ended.report.status) == (1, Status.CANCELLED)
    assert index.by_link("link-a") == index.by_id("a") == ended
    assert index.by_link("") is None


def test_what_is_only_acknowledged_is_not_shown() -> None:
    index = OrderIndex()
    index.note(order("a", Status.ACKNOWLEDGED))
    assert index.by_id("a") is None


def test_beyond_the_bound_the_first_that_ended_is_forgotten() -> None:
    index = OrderIndex(ended_max=2)
    index.note(order("open", Status.NEW))
    for name in ("a", "b", "c"):
        index.note(order(name, Status.FILLED))
    assert [found.report.venue_id for found in index.ended_orders()] == ["c", "b"]
    assert index.by_id("a") is None
    assert index.by_link("link-a") is None
    assert index.by_id("open") is not None
