"""An order that the venue has forgotten ends with what was booked, on more than one proof."""

from collections.abc import Callable

import attrs
import pytest
from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.adapters.memory.options import FillMode, MemoryOptions
from tidegate.application.recovery import recover
from tidegate.domain.core import events as ev
from tidegate.domain.core.effects import Cancel
from tidegate.domain.core.inputs import CancelAnswered, OrderNotFound
from tidegate.domain.core.state import HeldRow, Order
from tidegate.domain.core.step import Step, step
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import ClientId, Role, Side, Symbol, VenueOrderId
from tidegate.domain.reports import CancelReason, Execution, FundingPayment, OrderReport
from tidegate.ports.exchange import History, QueryFailed, TimeRange

from tests.application.bench import BTC, Bench, make_bench
from tests.domain.samples import BTCUSDT, FEES

from .scenes import LADDER, config, held, limit, only, orders_of, placed, scripted

FINAL_MS = 9_000
SETTINGS = config(not_found_final_ms=FINAL_MS)


class Forgetful(MemoryVenue):
    """A venue that remembers no order which has ended, though still its executions."""

    def find_order(self, symbol: Symbol, client_id: ClientId) -> OrderReport | None:
        found = super().find_order(symbol, client_id)
        return found if found is not None and found.status not in _ENDED else None


_ENDED = {Status.CANCELLED, Status.FILLED}


class Silent(Forgetful):
    """One whose executions cannot be read either."""

    def executions(self, symbol: Symbol | None, within: TimeRange) -> History[Execution]:
        raise QueryFailed(f"no executions of {symbol} in {within}")


def resting(kind: type[MemoryVenue] = Forgetful) -> tuple[Bench, ClientId]:
    """Return a desk with an entry that rests, and the entry's id."""
    venue = kind(
        instruments={BTC: BTCUSDT},
        fees=FEES,
        wallet=Money.of("10000"),
        options=MemoryOptions(fill_mode=FillMode.SCRIPTED),
    )
    bench = make_bench(venue=venue, config=SETTINGS)
    return bench, placed(bench, entry=limit("64900"))


def forget(bench: Bench, order_id: ClientId) -> None:
    """Let the order end by hand, unheard, a while ago."""
    bench.venue.script.drop_next(OrderReport)
    bench.venue.script.expire(order_id, CancelReason.BY_USER)
    bench.venue.script.advance(FINAL_MS)
    bench.runner.drain()


def order(bench: Bench, order_id: ClientId) -> Order:
    found = bench.runner.state.books.order(order_id)
    assert found is not None
    return found


def go_on(bench: Bench, ms: int) -> None:
    for _ in range(ms // 1_000):
        bench.pass_time(1_000)


def test_an_order_that_the_venue_forgot_ends_a_final_time_after_its_cancel_found_nothing() -> None:
    bench, order_id = resting()
    forget(bench, order_id)
    recover(bench.runner, frozenset({BTC}))
    assert order(bench, order_id).status is Status.NEW, "one answer alone proves nothing"
    go_on(bench, FINAL_MS - 1_000)
    assert order(bench, order_id).is_open
    go_on(bench, 3_000)
    assert order(bench, order_id).status is Status.CANCELLED
    assert not bench.runner.state.books.orders
    assert bench.runner.state.view.gone_ms == {}


def test_what_it_filled_unheard_is_booked_before_it_ends() -> None:
    bench, order_id = resting()
    bench.venue.script.drop_next(Execution)
    bench.venue.script.drop_next(OrderReport)
    bench.venue.script.fill(order_id, Qty.of("0.004"))
    forget(bench, order_id)
    recover(bench.runner, frozenset({BTC}))
    go_on(bench, FINAL_MS + 2_000)
    ended = order(bench, order_id)
    assert (ended.status, ended.qty_filled) == (Status.CANCELLED, Qty.of("0.004"))
    assert held(bench) == Qty.of("0.004")
    assert len(only(bench, ev.Filled)) == 1


def test_it_stays_open_while_its_executions_cannot_be_read() -> None:
    bench, order_id = resting(Silent)
    forget(bench, order_id)
    for _ in range(2 * FINAL_MS // 1_000):
        answer = OrderNotFound(client_id=order_id, asked_ms=bench.venue.now_ms())
        bench.runner.submit(answer)
        bench.pass_time(1_000)
    assert order(bench, order_id).is_open
    assert not only(bench, ev.CancelIntended)


def test_an_order_that_lives_after_all_is_cancelled_and_its_record_ends_it() -> None:
    bench, order_id = resting(MemoryVenue)
    bench.venue.script.advance(FINAL_MS)
    bench.runner.submit(not_found(bench, order_id))
    assert order(bench, order_id).status is Status.CANCELLED
    assert len(only(bench, ev.CancelIntended)) == 1
    assert bench.venue.open_orders() == ()


def not_found(bench: Bench, order_id: ClientId) -> OrderNotFound:
    return OrderNotFound(client_id=order_id, asked_ms=bench.venue.now_ms(), has_executions=True)


@pytest.mark.parametrize(
    "change",
    [
        lambda answer: attrs.evolve(answer, has_executions=False),
        lambda answer: attrs.evolve(answer, asked_ms=answer.asked_ms - 1),
        lambda answer: attrs.evolve(answer, client_id=ClientId("strange")),
    ],
    ids=["no executions read", "asked too early", "another order"],
)
def test_an_answer_that_proves_less_does_nothing(
    change: Callable[[OrderNotFound], OrderNotFound],
) -> None:
    bench, order_id = resting()
    bench.venue.script.advance(FINAL_MS)
    answer = not_found(bench, order_id)
    assert _after(bench, change(answer)).events == ()
    assert _after(bench, answer).effects == (
        Cancel(symbol=BTC, client_id=order_id, venue_id=order(bench, order_id).venue_id),
    )


def _after(bench: Bench, item: OrderNotFound) -> Step:
    return step(bench.runner.state, item, SETTINGS, bench.venue.now_ms())


@pytest.mark.parametrize(("is_gone", "ends"), [(True, True), (False, False)])
def test_only_a_cancel_that_found_nothing_counts(*, is_gone: bool, ends: bool) -> None:
    bench, order_id = resting()
    bench.venue.script.advance(FINAL_MS)
    now_ms = bench.venue.now_ms()
    answer = not_found(bench, order_id)
    state = _after(bench, answer).state
    refused = CancelAnswered(
        symbol=BTC, client_id=order_id, venue_id=None, refusal="no", is_gone=is_gone
    )
    state = step(state, refused, SETTINGS, now_ms).state
    state = step(state, refused, SETTINGS, now_ms + 500).state
    for after_ms, is_over in ((FINAL_MS - 1, False), (FINAL_MS, ends)):
        later = attrs.evolve(answer, asked_ms=now_ms + after_ms)
        made = step(state, later, SETTINGS, now_ms + after_ms)
        updates = [event.status for event in made.events if isinstance(event, ev.OrderUpdated)]
        assert updates == ([Status.CANCELLED] if is_over else [])
        named = [event.venue_id for event in made.events if isinstance(event, ev.OrderUpdated)]
        assert named == ([order(bench, order_id).venue_id] if is_over else [])


def test_one_whose_executions_are_all_there_was_filled() -> None:
    bench, order_id = resting()
    bench.venue.script.drop_next(OrderReport)
    bench.venue.script.fill(order_id, price=Price.of("64900"))
    bench.runner.drain()
    assert order(bench, order_id).is_open
    bench.venue.script.advance(FINAL_MS)
    recover(bench.runner, frozenset({BTC}))
    go_on(bench, FINAL_MS + 2_000)
    assert order(bench, order_id).status is Status.FILLED


def cancels(made: Step) -> list[ev.CancelIntended]:
    return [event for event in made.events if isinstance(event, ev.CancelIntended)]


def test_an_order_whose_request_is_under_way_is_not_forgotten() -> None:
    bench, order_id = resting()
    bench.venue.script.advance(FINAL_MS)
    state = bench.runner.state
    view = attrs.evolve(state.view, in_flight=frozenset({order_id}))
    answer = not_found(bench, order_id)
    made = step(attrs.evolve(state, view=view), answer, SETTINGS, bench.venue.now_ms())
    assert made.events == ()


def test_it_is_cancelled_once_in_a_while_however_often_no_query_knows_it() -> None:
    bench, order_id = resting()
    bench.venue.script.advance(FINAL_MS)
    now_ms, answer = bench.venue.now_ms(), not_found(bench, order_id)
    first = _after(bench, answer)
    assert len(cancels(first)) == 1
    assert cancels(step(first.state, answer, SETTINGS, now_ms + 999)) == []
    assert len(cancels(step(first.state, answer, SETTINGS, now_ms + 1_000))) == 1


FUNDING = FundingPayment(
    payment_id="f",
    symbol=BTC,
    rate=Rate.of("0.0001"),
    mark=Price.of("65000"),
    qty=Qty.of("0.001"),
    amount=Money.of("0.01"),
    time_ms=5,
)
FILL = Execution(
    execution_id="x",
    symbol=BTC,
    venue_id=VenueOrderId("v-9"),
    client_id=ClientId("another"),
    side=Side.BUY,
    qty=Qty.of("0.001"),
    price=Price.of("65000"),
    fee=Money.of("0.03"),
    is_maker=False,
    time_ms=5,
)


@pytest.mark.parametrize("row", [FUNDING, FILL], ids=lambda row: type(row).__name__)
def test_what_waits_of_others_does_not_keep_it(row: Execution | FundingPayment) -> None:
    bench, order_id = resting()
    bench.venue.script.advance(FINAL_MS)
    state = bench.runner.state
    held_row = HeldRow(row=row, since_ms=bench.venue.now_ms(), stream_changes=0)
    waiting = attrs.evolve(state, view=attrs.evolve(state.view, held=(held_row,)))
    made = step(waiting, not_found(bench, order_id), SETTINGS, bench.venue.now_ms())
    assert len(cancels(made)) == 1


def test_the_ladder_that_waited_for_a_forgotten_entry_is_placed_when_that_ends() -> None:
    """Of 0.004 that filled, 0.001 go at the first target and 0.003 at the second."""
    bench = scripted()
    order_id = placed(bench, ladder=LADDER)
    bench.venue.script.fill(order_id, Qty.of("0.004"))
    bench.runner.drain()
    assert orders_of(bench, Role.TAKE_PROFIT) == []
    gone_ms = bench.venue.now_ms() + FINAL_MS
    view = attrs.evolve(bench.runner.state.view, gone_ms={order_id: gone_ms})
    state = attrs.evolve(bench.runner.state, view=view)
    answer = OrderNotFound(client_id=order_id, asked_ms=gone_ms + FINAL_MS, has_executions=True)
    made = step(state, answer, SETTINGS, gone_ms + FINAL_MS)
    sent = [event.order for event in made.events if isinstance(event, ev.OrderIntended)]
    assert [order.purpose.rung for order in sent] == [1, 2]
    assert [order.qty for order in sent] == [Qty.of("0.001"), Qty.of("0.003")]
