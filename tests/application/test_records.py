"""The venue's records through the desk: by either id, over a range that is always given."""

from collections.abc import Callable

import pytest
from tidegate.adapters.memory.options import MemoryOptions
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Money, Rate
from tidegate.domain.orders import ClientId, VenueOrderId
from tidegate.domain.records import ChangeKind
from tidegate.domain.reports import Origin
from tidegate.ports.desk import Placed
from tidegate.ports.desk_records import DeskRecordsPort
from tidegate.ports.exchange import Capability, NotSupported, QueryFailed, TimeRange

from tests.application.bench import BTC, Bench, make_bench, signal
from tests.domain.core.scenes import config


def _traded() -> tuple[Bench, ClientId, TimeRange]:
    """Open, pay funding and close; return the desk, the entry and the time that it took."""
    bench = make_bench(config=config())
    began_ms = bench.venue.now_ms()
    opened = bench.desk.execute(signal())
    assert isinstance(opened, Placed)
    bench.venue.script.pay_funding(BTC, Rate.of("0.0001"))
    bench.move("66000")
    bench.desk.close_position(BTC)
    return bench, opened.client_id, TimeRange(start_ms=began_ms, end_ms=bench.venue.now_ms())


def test_an_order_is_found_by_either_id() -> None:
    bench, entry, _ = _traded()
    records = bench.desk.records
    report = records.order(BTC, client_id=entry)
    assert report is not None
    assert report.status is Status.FILLED
    assert records.order(BTC, venue_id=report.venue_id) == report
    assert records.order(BTC, client_id=ClientId("never")) is None
    assert records.order(BTC, venue_id=VenueOrderId("never")) is None


@pytest.mark.parametrize("venue_id", [None, VenueOrderId("b")])
def test_exactly_one_id_is_needed(venue_id: VenueOrderId | None) -> None:
    records = make_bench(config=config()).desk.records
    client_id = None if venue_id is None else ClientId("a")
    with pytest.raises(ValueError, match="exactly one of them is needed"):
        records.order(BTC, client_id=client_id, venue_id=venue_id)


def test_open_orders_show_the_venue_s_own_as_well() -> None:
    bench = make_bench(config=config())
    bench.desk.execute(signal())
    assert [order.origin for order in bench.desk.records.open_orders()] == [Origin.STOP_LOSS]


def test_what_was_traded_is_in_every_record() -> None:
    """0.010 bought at 65,000 and sold at 66,000; fees 0.00055 of 650 and of 660; funding 0.065."""
    bench, entry, within = _traded()
    records = bench.desk.records
    assert records.executions(BTC, within).rows[0].client_id == entry
    assert len(records.executions(None, within).rows) == 2
    history = records.order_history(BTC, within)
    assert entry in {row.client_id for row in history.rows}
    assert (history.covers, history.is_complete) == (within, True)
    (profit,) = records.closed_profits(BTC, within).rows
    assert profit.profit == Money.of("9.2795")
    (paid,) = records.funding_payments(BTC, within).rows
    assert paid.amount == Money.of("0.065")
    kinds = [row.kind for row in records.account_changes(within).rows]
    assert kinds == [ChangeKind.TRADE, ChangeKind.FUNDING, ChangeKind.TRADE]


EARLY = TimeRange(start_ms=0, end_ms=1)
ASKS: dict[str, tuple[Capability | None, Callable[[DeskRecordsPort], object]]] = {
    "open orders": (None, lambda records: records.open_orders(BTC)),
    "one order": (None, lambda records: records.order(BTC, client_id=ClientId("a"))),
    "by the venue's id": (None, lambda records: records.order(BTC, venue_id=VenueOrderId("a"))),
    "orders": (Capability.HISTORY, lambda records: records.order_history(BTC, EARLY)),
    "fills": (Capability.HISTORY, lambda records: records.executions(BTC, EARLY)),
    "funding": (Capability.FUNDING, lambda records: records.funding_payments(BTC, EARLY)),
    "profits": (Capability.CLOSED_PROFITS, lambda records: records.closed_profits(BTC, EARLY)),
    "changes": (Capability.ACCOUNT_CHANGES, lambda records: records.account_changes(EARLY)),
}


@pytest.mark.parametrize("name", sorted(ASKS))
def test_a_failed_query_is_an_error_and_no_empty_record(name: str) -> None:
    bench = make_bench(config=config())
    bench.venue.script.fail_queries(1)
    _, ask = ASKS[name]
    with pytest.raises(QueryFailed):
        ask(bench.desk.records)
    ask(bench.desk.records)


@pytest.mark.parametrize("name", sorted(name for name, (need, _) in ASKS.items() if need))
def test_what_the_venue_lacks_is_not_supported(name: str) -> None:
    need, ask = ASKS[name]
    assert need is not None
    supported = frozenset(Capability) - {need}
    bench = make_bench(config=config(), options=MemoryOptions(supported=supported))
    with pytest.raises(NotSupported):
        ask(bench.desk.records)
