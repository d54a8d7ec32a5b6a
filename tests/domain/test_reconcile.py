"""Each kind of difference between books and venue, and that agreement is none."""

import attrs
from tidegate.domain.core.state import Books
from tidegate.domain.findings import Finding, FindingKind
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import ClientId, Side
from tidegate.domain.reconcile import VenueSnapshot, differences

from tests.application.bench import BTC, Bench, make_bench
from tests.domain.core.scenes import config, held, limit, opened, placed


def found(bench: Bench, books: Books | None = None) -> dict[FindingKind, Finding]:
    venue = VenueSnapshot(positions=bench.venue.positions(), orders=bench.venue.open_orders())
    rows = differences(bench.runner.state.books if books is None else books, venue)
    return {row.kind: row for row in rows}


def test_books_that_agree_with_the_venue_have_no_finding() -> None:
    assert found(opened()) == {}


def test_a_position_that_the_books_do_not_have_blocks_entries_and_says_both() -> None:
    findings = found(opened(), Books())
    finding = findings[FindingKind.POSITION_QTY]
    assert finding.blocks_entries
    assert "0" in finding.text
    assert "0.010" in finding.text


def test_a_position_that_only_the_books_have_blocks_entries() -> None:
    bench = opened()
    bench.venue.script.delay_messages()
    bench.venue.script.close_by_hand(BTC)
    assert found(bench)[FindingKind.POSITION_QTY].blocks_entries


def test_an_order_of_ours_that_the_books_do_not_know_blocks_entries() -> None:
    bench = make_bench(config=config())
    placed(bench, entry=limit("64900"))
    assert found(bench, Books())[FindingKind.ORPHAN_ORDER].blocks_entries


def test_a_foreign_order_is_reported_and_blocks_nothing() -> None:
    bench = opened()
    bench.venue.script.foreign_order(
        BTC,
        side=Side.BUY,
        qty=Qty.of("0.005"),
        price=Price.of("50000"),
        client_id=ClientId("by-hand"),
    )
    finding = found(bench)[FindingKind.FOREIGN_ORDER]
    assert not finding.blocks_entries
    assert "by-hand" in finding.text


def test_an_order_that_only_the_books_have_blocks_entries() -> None:
    bench = make_bench(config=config())
    client_id = placed(bench, entry=limit("64900"))
    bench.venue.script.delay_messages()
    bench.venue.cancel(BTC, client_id)
    finding = found(bench)[FindingKind.MISSING_ORDER]
    assert finding.blocks_entries
    assert client_id in finding.text


def test_a_position_without_a_stop_is_a_finding() -> None:
    bench = opened()
    bare = tuple(attrs.evolve(row, stop_loss=None) for row in bench.venue.positions())
    venue = VenueSnapshot(positions=bare, orders=bench.venue.open_orders())
    kinds = [row.kind for row in differences(bench.runner.state.books, venue)]
    assert kinds == [FindingKind.UNPROTECTED]
    assert held(bench) == Qty.of("0.010")


def test_findings_have_names_of_their_own() -> None:
    bench = opened()
    rows = differences(Books(), VenueSnapshot(positions=bench.venue.positions(), orders=()))
    names = [row.finding_id for row in rows]
    assert len(names) == len(set(names))
