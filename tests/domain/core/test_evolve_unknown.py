"""Events about orders and trades that the books do not know change nothing."""

from functools import cache

import attrs
import pytest
from tidegate.domain.core import events as ev
from tidegate.domain.core.evolve import evolve
from tidegate.domain.core.evolve_orders import put_order
from tidegate.domain.core.state import FINISHED_KEPT, Books, Order
from tidegate.domain.day import DayBoundary
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Money, Price, Qty
from tidegate.domain.orders import ClientId, Side
from tidegate.domain.reports import Execution
from tidegate.domain.trade import CloseReason

from tests.application.bench import BTC
from tests.application.event_samples import samples

from .scenes import opened

DAY = DayBoundary()
WALLET = Money.of("10000")
OF_ORDERS = (
    ev.EntryReleased,
    ev.OrderAcknowledged,
    ev.OrderRefused,
    ev.OrderUnknown,
    ev.OrderLapsed,
    ev.OrderUpdated,
    ev.CancelIntended,
    ev.CancelRefused,
)
OF_TRADES = (
    ev.Replanned,
    ev.StopMoveIntended,
    ev.StopMoveRefused,
    ev.StopConfirmed,
    ev.StopLost,
    ev.StopMissing,
    ev.CloseStarted,
    ev.Excursion,
)


@cache
def every_sample() -> dict[type, ev.Event]:
    return {**samples(), ev.Excursion: ev.Excursion(symbol=BTC, profit=Money.of("-5"))}


def sample(kind: type) -> ev.Event:
    return every_sample()[kind]


def account() -> Books:
    """Return books that were opened and know nothing else."""
    return evolve(Books(), ev.AccountOpened(wallet=WALLET, time_ms=1), DAY)


def entry() -> ev.EntryIntended:
    found = sample(ev.EntryIntended)
    assert isinstance(found, ev.EntryIntended)
    return found


def execution(client_id: ClientId | None, side: Side, qty: str, price: str) -> ev.Filled:
    """Return an execution without a fee."""
    found = sample(ev.Filled)
    assert isinstance(found, ev.Filled)
    changed: Execution = attrs.evolve(
        found.execution,
        execution_id=f"{client_id} {side.value} {qty} {price}",
        client_id=client_id,
        side=side,
        qty=Qty.of(qty),
        price=Price.of(price),
        fee=Money.of(0),
    )
    return ev.Filled(execution=changed)


@pytest.mark.parametrize("kind", OF_ORDERS)
def test_an_event_about_an_order_that_is_not_known_changes_nothing(kind: type) -> None:
    books = account()
    assert evolve(books, sample(kind), DAY) == books


@pytest.mark.parametrize("kind", OF_TRADES)
def test_an_event_about_a_trade_that_is_not_known_changes_nothing(kind: type) -> None:
    books = account()
    assert evolve(books, sample(kind), DAY) == books


def test_a_close_that_a_strategy_asked_for_is_no_decision_without_a_trade() -> None:
    asked = ev.CloseStarted(symbol=BTC, reason=CloseReason.SIGNAL, key="k", time_ms=9)
    assert evolve(account(), asked, DAY) == account()
    held = opened().runner.state.books
    assert evolve(held, asked, DAY).decided_ms[BTC] == 9


@pytest.mark.parametrize(
    "event",
    [
        ev.StopMoveIntended(symbol=BTC, price=Price.of("64500")),
        ev.StopConfirmed(symbol=BTC, price=Price.of("64500"), time_ms=9),
        ev.StopLost(symbol=BTC, shown=None, verify_by_ms=10, time_ms=9),
        ev.CloseStarted(symbol=BTC, reason=CloseReason.OUTSIDE, key="k", time_ms=9),
        ev.Excursion(symbol=BTC, profit=Money.of("-500")),
    ],
    ids=lambda event: type(event).__name__,
)
def test_the_same_kinds_of_event_change_the_trade_that_is_known(event: ev.Event) -> None:
    held = opened().runner.state.books
    after = evolve(held, event, DAY)
    assert after.trades[BTC] != held.trades[BTC]
    assert after == attrs.evolve(held, trades=after.trades)


def test_a_stop_that_was_refused_late_leaves_the_one_under_way() -> None:
    under_way = ev.StopMoveIntended(symbol=BTC, price=Price.of("64500"))
    books = evolve(opened().runner.state.books, under_way, DAY)
    late = ev.StopMoveRefused(symbol=BTC, price=Price.of("64400"), message="no")
    assert evolve(books, late, DAY) == books
    refused = attrs.evolve(late, price=Price.of("64500"))
    assert evolve(books, refused, DAY).trades[BTC].stop_in_flight is None


def test_funding_without_a_trade_is_booked_to_the_wallet_alone() -> None:
    books, event = account(), sample(ev.FundingBooked)
    assert isinstance(event, ev.FundingBooked)
    after = evolve(books, event, DAY)
    assert after.ledger is not None
    # a payment counts what was paid: -0.065 was received
    assert after.ledger.wallet == WALLET - event.payment.amount == Money.of("10000.065")
    assert event.payment.payment_id in after.executions
    assert after.trades == books.trades


def test_an_execution_of_nobodys_order_is_a_position_and_no_trade() -> None:
    after = evolve(account(), execution(None, Side.BUY, "0.010", "64000"), DAY)
    assert after.position(BTC).qty == Qty.of("0.010")
    assert dict(after.trades) == {}
    assert dict(after.orders) == {}


def test_a_fill_gives_a_trade_its_own_share_of_what_it_closes() -> None:
    """0.010 of somebody else's at 64,000 and 0.010 of ours at 65,000 are 0.020 at 64,500.

    Sold together at 65,500 they gain 0.020 x 1,000 = 20, of which ours is 10 / 20 of the quantity:
    10.
    """
    ours = entry().order.client_id
    books = account()
    for event in (
        execution(None, Side.BUY, "0.010", "64000"),
        entry(),
        execution(ours, Side.BUY, "0.010", "65000"),
        execution(None, Side.SELL, "0.020", "65500"),
    ):
        books = evolve(books, event, DAY)
    trade = books.trades[BTC]
    assert trade.qty_opened == trade.qty_closed == Qty.of("0.010")
    assert trade.profit == Money.of(10)
    assert trade.last_close is CloseReason.OUTSIDE
    assert books.ledger is not None
    assert books.ledger.wallet == WALLET + Money.of(20)
    assert books.position(BTC).is_flat


def test_a_trade_ends_even_where_its_entry_is_forgotten() -> None:
    closed = sample(ev.TradeClosed)
    assert isinstance(closed, ev.TradeClosed)
    held = opened().runner.state.books
    forgotten = attrs.evolve(held, orders={}, finished={})
    after = evolve(forgotten, closed, DAY)
    assert dict(after.trades) == {}
    assert dict(after.orders) == dict(after.finished) == {}
    remembered = evolve(held, closed, DAY)
    key = held.trades[BTC].key
    (again,) = [o for o in remembered.finished.values() if o.trade_key == key and o.signal]
    assert again.sequence_next == held.trades[BTC].sequence


def test_only_the_last_finished_orders_are_kept() -> None:
    books, plain = account(), entry().order
    ids = [ClientId(f"order-{number}") for number in range(FINISHED_KEPT + 1)]
    for name in ids:
        order = Order(
            request=attrs.evolve(plain, client_id=name),
            trade_key="k",
            status=Status.CANCELLED,
            intended_ms=1,
        )
        books = put_order(books, order)
    assert list(books.finished) == ids[1:]
    assert books.order(ids[0]) is None
    assert dict(books.orders) == {}
