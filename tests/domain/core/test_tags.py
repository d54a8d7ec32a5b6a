"""A journal gets its tag once; orders of another desk on the same account are foreign to it."""

import attrs
from tidegate.application.engine import Engine, fold
from tidegate.application.recovery import reconcile
from tidegate.application.runner import InlineRunner
from tidegate.domain.core import events as ev
from tidegate.domain.core.effects import Cancel
from tidegate.domain.core.inputs import PanicRequest, StartRequest
from tidegate.domain.core.state import Books, State
from tidegate.domain.core.step import Step, step
from tidegate.domain.mode import TradingMode, VenueKind
from tidegate.domain.money import Money
from tidegate.domain.orders import ClientId, Role

from tests.application.bench import Bench, make_bench

from .scenes import config, limit, only, opened, orders_of, our_orders, placed, scripted

NOW_MS = 1_700_000_000_000
SETTINGS = config()
START = StartRequest(
    mode=TradingMode.PAPER, venue=VenueKind.MEMORY, wallet=Money.of("100"), tag="aaaa"
)


def begun(books: Books | None = None) -> Step:
    """Return the first step of a session with a tag to offer."""
    return step(State(books=books or Books()), START, SETTINGS, NOW_MS)


def tags(made: Step) -> list[ev.JournalTagged]:
    return [event for event in made.events if isinstance(event, ev.JournalTagged)]


def test_a_new_journal_is_tagged_at_its_first_start_and_never_again() -> None:
    first = begun()
    assert tags(first) == [ev.JournalTagged(tag="aaaa", has_untagged=False)]
    other = attrs.evolve(START, tag="bbbb")
    again = step(first.state, other, SETTINGS, NOW_MS)
    assert tags(again) == []
    assert (again.state.books.tag, again.state.books.has_untagged) == ("aaaa", False)


def test_a_journal_from_before_there_were_tags_keeps_its_orders() -> None:
    bench = scripted()
    entry = placed(bench, entry=limit("64900"))
    later = begun(bench.runner.state.books)
    assert tags(later) == [ev.JournalTagged(tag="aaaa", has_untagged=True)]
    assert later.state.books.is_ours(entry)


def test_a_panic_on_a_new_journal_tags_it_by_its_own_key() -> None:
    panic = PanicRequest(cause="drill", key="pppp0123456789ab")
    made = step(State(), panic, SETTINGS, NOW_MS)
    assert tags(made) == [ev.JournalTagged(tag="pppp", has_untagged=False)]
    assert tags(step(made.state, START, SETTINGS, NOW_MS)) == []


def tagged(bench: Bench, tag: str) -> Bench:
    """Let a session with a tag begin on a desk that has none yet."""
    bench.runner.submit(attrs.evolve(START, tag=tag))
    return bench


def test_every_order_of_a_tagged_desk_carries_the_tag() -> None:
    bench = opened(tagged(make_bench(config=SETTINGS), "abcd"))
    assert len(orders_of(bench, Role.TAKE_PROFIT)) == 2
    bench.desk.close_position(next(iter(bench.runner.state.books.positions)))
    bench.desk.panic("drill")
    sent = [e.order for e in bench.events() if isinstance(e, ev.EntryIntended | ev.OrderIntended)]
    assert {order.purpose.role for order in sent} == {Role.ENTRY, Role.TAKE_PROFIT, Role.CLOSE}
    assert all(order.client_id.startswith("tgabcd") for order in sent)


def test_a_trade_from_before_the_tag_numbers_its_orders_on() -> None:
    bench = opened(ladder=())
    tagged(bench, "abcd")
    books = bench.runner.state.books
    (entry,) = only(bench, ev.EntryIntended)
    bench.desk.close_position(entry.order.symbol)
    order = bench.runner.state.books.order(entry.order.client_id)
    assert order is not None
    assert order.sequence_next == books.trades[entry.order.symbol].sequence + 1


def test_two_desks_on_one_account_leave_each_others_orders_alone() -> None:
    first = tagged(scripted(), "aaaa")
    placed(first, entry=limit("64900"))
    second = tagged(make_bench(venue=first.venue, config=SETTINGS), "bbbb")
    reconcile(second.runner)
    for _ in range(3):
        second.pass_time(2_000)
    (kept,) = our_orders(first)
    assert kept.client_id is not None
    assert kept.client_id.startswith("tgaaaa")
    assert not only(second, ev.CancelIntended)
    (finding,) = second.runner.state.books.findings.values()
    assert finding.finding_id == f"foreign_order:{kept.client_id}"
    assert not finding.blocks_entries


def test_an_orphan_is_one_with_our_tag() -> None:
    bench = tagged(scripted(), "aaaa")
    placed(bench, entry=limit("64900"))
    (found,) = our_orders(bench)
    for tag, is_cancelled in (("aaaa", True), ("bbbb", False)):
        name = ClientId(f"tg{tag}{'z' * 16}-e-0")
        orphan = attrs.evolve(found, client_id=name)
        made = step(bench.runner.state, orphan, SETTINGS, NOW_MS)
        assert [e.client_id for e in made.effects if isinstance(e, Cancel)] == (
            [name] if is_cancelled else []
        )


def test_the_tag_survives_a_restart() -> None:
    bench = tagged(scripted(), "aaaa")
    books, _ = fold(bench.state_port, SETTINGS)
    assert (books.tag, books.has_untagged) == ("aaaa", True)
    old = bench.runner.engine
    engine = Engine(config=old.config, clock=old.clock, state_port=bench.state_port)
    runner = InlineRunner(engine, bench.venue)
    runner.submit(attrs.evolve(START, tag="cccc"))
    assert runner.state.books.tag == "aaaa"
