"""What executions, funding and levels change in a trade, and that they change nothing else."""

from typing import Any

import attrs
import pytest
from tidegate.domain import ledger as ledgers
from tidegate.domain.closings import Closings, Held
from tidegate.domain.core import events as ev
from tidegate.domain.core.evolve import evolve
from tidegate.domain.core.state import EXECUTIONS_REMEMBERED, Books, LiveTrade
from tidegate.domain.day import DayBoundary
from tidegate.domain.money import ZERO_MONEY, Money, Price, Qty, Rate
from tidegate.domain.orders import ClientId, Purpose, Role, Side, VenueOrderId
from tidegate.domain.position import Position
from tidegate.domain.recent import Recent
from tidegate.domain.reports import Execution, FundingPayment, Origin
from tidegate.domain.trade import CloseReason

from tests.application.bench import BTC, Bench

from .scenes import limit, opened, placed, scripted


def fold(books: Books, *events: ev.Event) -> Books:
    for event in events:
        books = evolve(books, event, DayBoundary())
    return books


def long() -> Books:
    """Return the books that hold 0.010 from 65,000, stop 64,000, rungs 0.003 and 0.007."""
    return opened().runner.state.books


def with_trade(books: Books, **changes: Any) -> Books:
    return attrs.evolve(books, trades={BTC: attrs.evolve(books.trades[BTC], **changes)})


def execution(
    qty: str,
    price: str,
    *,
    side: Side = Side.SELL,
    client_id: ClientId | None = None,
    origin: Origin = Origin.USER,
    name: str = "x",
) -> ev.Filled:
    return ev.Filled(
        execution=Execution(
            execution_id=name,
            symbol=BTC,
            venue_id=VenueOrderId("v-9"),
            client_id=client_id,
            side=side,
            qty=Qty.of(qty),
            price=Price.of(price),
            fee=Money.of("0.10"),
            is_maker=True,
            origin=origin,
            time_ms=1_700_000_000_500,
        )
    )


def limit_entry() -> tuple[Bench, ClientId]:
    bench = scripted()
    return bench, placed(bench, entry=limit("64900"))


# Fills


def test_a_first_fill_opens_the_trade_of_its_entry() -> None:
    """0.004 at 64,890, decided at 64,900: 10 better for each coin is a slippage of -0.04."""
    bench, name = limit_entry()
    before = bench.runner.state.books
    order = before.orders[name]
    assert order.signal is not None
    after = fold(before, execution("0.004", "64890", side=Side.BUY, client_id=name))
    assert after.trades == {
        BTC: LiveTrade(
            key=order.trade_key,
            signal=order.signal,
            side=Side.BUY,
            opened_ms=1_700_000_000_500,
            sequence=1,
            qty_opened=Qty.of("0.004"),
            value_opened=Money.of("259.56"),
            fees=Money.of("0.10"),
            slippage=Money.of("-0.04"),
            entries=(name,),
            filled_ms=1_700_000_000_500,
        )
    }
    assert before.ledger is not None
    assert after == attrs.evolve(
        before,
        positions={BTC: Position(qty=Qty.of("0.004"), cost=Money.of("259.56"))},
        ledger=ledgers.book_fill(before.ledger, realised=ZERO_MONEY, fee=Money.of("0.10")),
        orders={
            name: attrs.evolve(
                order,
                venue_id=VenueOrderId("v-9"),
                qty_filled=Qty.of("0.004"),
                value_filled=Money.of("259.56"),
                executions=("x",),
            )
        },
        trades=after.trades,
        executions=before.executions.add("x"),
        last_execution_ms=1_700_000_000_500,
        closings=Closings(held={BTC: Held(fees=Money.of("0.10"))}),
    )


def test_a_second_fill_adds_to_order_and_trade() -> None:
    bench, name = limit_entry()
    after = fold(
        bench.runner.state.books,
        execution("0.004", "64890", side=Side.BUY, client_id=name),
        execution("0.006", "64900", side=Side.BUY, client_id=name, name="y"),
    )
    order, trade = after.order(name), after.trades[BTC]
    assert order is not None
    # 259.56 + 0.006 x 64,900 = 648.96
    assert (order.qty_filled, order.value_filled) == (Qty.of("0.010"), Money.of("648.96"))
    assert (trade.qty_opened, trade.value_opened) == (Qty.of("0.010"), Money.of("648.96"))
    assert (trade.fees, trade.slippage) == (Money.of("0.20"), Money.of("-0.04"))
    assert (trade.qty_closed, trade.value_closed) == (Qty.of(0), ZERO_MONEY)
    assert trade.last_close is None


def test_a_rung_that_fills_is_booked_to_its_number() -> None:
    """0.002 of rung 1 at 66,010 for 66,000 planned: 2.02 earned, 0.02 of it better than planned."""
    books = long()
    rung, other = books.orders.values()
    before = with_trade(books, refusals=3, refused_ms=4)
    after = fold(before, execution("0.002", "66010", client_id=rung.request.client_id))
    trade = before.trades[BTC]
    assert after.trades[BTC] == attrs.evolve(
        trade,
        qty_closed=Qty.of("0.002"),
        value_closed=Money.of("132.02"),
        profit=Money.of("2.02"),
        fees=trade.fees + Money.of("0.10"),
        slippage=trade.slippage - Money.of("0.02"),
        rung_closed={1: Qty.of("0.002")},
        last_close=CloseReason.TARGET,
        refusals=0,
    )
    further = fold(
        after,
        execution("0.001", "66000", client_id=rung.request.client_id, name="y"),
        execution("0.004", "67000", client_id=other.request.client_id, name="z"),
    ).trades[BTC]
    assert dict(further.rung_closed) == {1: Qty.of("0.003"), 2: Qty.of("0.004")}
    assert further.profit == Money.of("11.02")
    assert further.value_closed == Money.of("466.02")
    assert further.qty_closed == Qty.of("0.007")


@pytest.mark.parametrize(
    ("origin", "reason", "slippage"),
    [
        (Origin.STOP_LOSS, CloseReason.STOP, "0.03"),
        (Origin.TAKE_PROFIT, CloseReason.TARGET, "0"),
        (Origin.TRAILING_STOP, CloseReason.TRAILING_STOP, "0"),
        (Origin.LIQUIDATION, CloseReason.LIQUIDATION, "0"),
        (Origin.AUTO_DELEVERAGING, CloseReason.LIQUIDATION, "0"),
        (Origin.USER, CloseReason.OUTSIDE, "0"),
        (Origin.OTHER, CloseReason.OUTSIDE, "0"),
    ],
)
def test_who_closed_is_told_and_only_a_stop_was_decided_at_a_price(
    origin: Origin, reason: CloseReason, slippage: str
) -> None:
    """A stop at 64,000 that fills 0.003 at 63,990 costs 10 x 0.003 more than decided."""
    after = fold(long(), execution("0.003", "63990", origin=origin)).trades[BTC]
    assert after.last_close is reason
    assert after.slippage == Money.of(slippage)
    assert dict(after.rung_closed) == {}


@pytest.mark.parametrize(
    ("role", "closing", "reason"),
    [
        (Role.PANIC, None, CloseReason.PANIC),
        (Role.PANIC, CloseReason.SIGNAL, CloseReason.PANIC),
        (Role.CLOSE, CloseReason.SIGNAL, CloseReason.SIGNAL),
        (Role.CLOSE, CloseReason.OPERATOR, CloseReason.OPERATOR),
        (Role.CLOSE, None, CloseReason.OUTSIDE),
    ],
)
def test_a_close_of_ours_gives_the_reason_it_was_sent_for(
    role: Role, closing: CloseReason | None, reason: CloseReason
) -> None:
    books = with_trade(long(), closing=closing)
    name, order = next(iter(books.orders.items()))
    close = attrs.evolve(
        order, request=attrs.evolve(order.request, purpose=Purpose(role)), decision_price=None
    )
    known = attrs.evolve(books, orders={**books.orders, name: close})
    after = fold(known, execution("0.002", "65000", client_id=name)).trades[BTC]
    assert after.last_close is reason
    assert (dict(after.rung_closed), after.slippage) == ({}, ZERO_MONEY)


def test_a_venues_own_origin_counts_more_than_the_order_it_names() -> None:
    books = long()
    name = next(iter(books.orders))
    fired = execution("0.002", "63990", client_id=name, origin=Origin.STOP_LOSS)
    assert fold(books, fired).trades[BTC].last_close is CloseReason.STOP


def test_what_closes_the_whole_position_leaves_no_position() -> None:
    after = fold(long(), execution("0.010", "65100"))
    assert after.positions == {}
    assert after.trades[BTC].qty_closed == Qty.of("0.010")
    assert after.trades[BTC].profit == Money.of(1)


def test_the_last_booking_keeps_its_time_when_an_older_one_follows() -> None:
    books = attrs.evolve(long(), last_execution_ms=1_700_000_009_000)
    assert fold(books, execution("0.001", "65000")).last_execution_ms == 1_700_000_009_000


def test_when_the_memory_of_ids_turns_its_reach_is_noted() -> None:
    """The second turn forgets what came before the first."""
    almost = Recent(EXECUTIONS_REMEMBERED, frozenset(map(str, range(EXECUTIONS_REMEMBERED - 2))))
    books = attrs.evolve(
        long(), executions=almost, last_execution_ms=5, turned_ms=400, remembered_since_ms=3
    )
    before = fold(books, execution("0.001", "65000", name="a"))
    assert (before.remembered_since_ms, before.turned_ms) == (3, 400)
    turned = fold(before, execution("0.001", "65000", name="b"))
    assert turned.executions.young == frozenset()
    assert "b" in turned.executions
    assert (turned.remembered_since_ms, turned.turned_ms) == (400, 1_700_000_000_501)


def test_a_later_fill_closes_no_more_than_the_trade_still_has() -> None:
    """0.004 of ours are sold already; 0.020 of others' joined. Of 0.026 sold, 0.006 are ours."""
    after = fold(
        long(),
        execution("0.004", "65000", name="a"),
        execution("0.020", "65000", side=Side.BUY, name="b"),
    )
    joined = with_trade(after, qty_opened=Qty.of("0.010"))
    sold = fold(joined, execution("0.026", "65000", name="c")).trades[BTC]
    assert sold.qty_closed == Qty.of("0.010")


def test_an_entry_that_first_covers_a_foreign_short_opens_with_the_rest() -> None:
    bench, name = limit_entry()
    foreign = Position(qty=Qty.of("-0.004"), cost=Money.of("-259.6"))
    short = attrs.evolve(bench.runner.state.books, positions={BTC: foreign})
    opened_with = fold(short, execution("0.010", "64900", side=Side.BUY, client_id=name))
    assert opened_with.trades[BTC].qty_opened == Qty.of("0.006")
    assert opened_with.trades[BTC].value_opened == Money.of("389.4")


def test_of_a_fill_that_first_covers_a_foreign_short_only_the_rest_is_opened() -> None:
    """Others hold -0.004: of 0.010 bought 0.006 are ours."""
    books = long()
    short = attrs.evolve(
        books, positions={BTC: Position(qty=Qty.of("-0.004"), cost=Money.of("-260"))}
    )
    trade = fold(short, execution("0.010", "65000", side=Side.BUY)).trades[BTC]
    assert trade.qty_opened == Qty.of("0.016")
    assert trade.value_opened == Money.of(1_040)


# Funding


def test_funding_is_booked_to_ledger_and_trade() -> None:
    payment = FundingPayment(
        payment_id="f-1",
        symbol=BTC,
        rate=Rate.of("0.0001"),
        mark=Price.of("65000"),
        qty=Qty.of("0.010"),
        amount=Money.of("0.065"),
        time_ms=1_700_000_000_700,
    )
    before = with_trade(long(), funding=Money.of(1))
    after = fold(before, ev.FundingBooked(payment=payment))
    assert before.ledger is not None
    assert after == attrs.evolve(
        with_trade(before, funding=Money.of("1.065")),
        ledger=ledgers.book_funding(before.ledger, Money.of("0.065")),
        executions=before.executions.add("f-1"),
        last_execution_ms=1_700_000_000_700,
        closings=before.closings.book_funding(payment),
    )
    assert after.closings.held[BTC].funding == Money.of("0.065")


# Levels


def replanned(stop: str, by_ms: int) -> ev.Replanned:
    return ev.Replanned(
        symbol=BTC,
        trade_key="k",
        entry_price=Price.of("65000"),
        stop=Price.of(stop),
        rungs=(ev.PlannedRung(number=1, price=Price.of("70000"), qty=Qty.of("0.010")),),
        risk=Money.of(5),
        verify_by_ms=by_ms,
    )


def test_new_levels_move_the_deadline_only_with_the_stop() -> None:
    before = with_trade(long(), verify_by_ms=11)
    same, moved = replanned("64000", 99), replanned("64500", 99)
    kept = {"rungs": same.rungs, "risk": Money.of(5)}
    assert fold(before, same) == with_trade(before, **kept, verify_by_ms=11)
    assert fold(before, moved) == with_trade(
        before, **kept, stop_wanted=Price.of("64500"), verify_by_ms=99
    )


def test_a_stop_on_its_way_is_remembered_until_it_is_shown_or_refused() -> None:
    price, before = Price.of("64500"), long()
    sent = fold(before, ev.StopMoveIntended(symbol=BTC, price=price))
    assert sent == with_trade(before, stop_in_flight=price)
    shown = ev.StopConfirmed(symbol=BTC, price=price, time_ms=9)
    assert fold(sent, shown) == with_trade(before, stop_confirmed=price, stop_in_flight=None)
    other = ev.StopConfirmed(symbol=BTC, price=Price.of("64400"), time_ms=9)
    assert fold(sent, other) == with_trade(sent, stop_confirmed=Price.of("64400"))
    refused = ev.StopMoveRefused(symbol=BTC, price=price, message="no")
    assert fold(sent, refused) == before


@pytest.mark.parametrize("shown", [None, Price.of("63000")])
def test_a_lost_stop_is_awaited_again_by_a_new_time(shown: Price | None) -> None:
    before = with_trade(long(), stop_in_flight=Price.of("64000"), verify_by_ms=1)
    lost = ev.StopLost(symbol=BTC, shown=shown, verify_by_ms=10, time_ms=9)
    after = with_trade(before, stop_confirmed=shown, stop_in_flight=None, verify_by_ms=10)
    assert fold(before, lost) == after


def test_a_missing_stop_is_awaited_no_longer() -> None:
    before = with_trade(long(), verify_by_ms=11)
    missing = ev.StopMissing(symbol=BTC, wanted=Price.of("64000"), time_ms=9)
    assert fold(before, missing) == with_trade(before, verify_by_ms=None)


@pytest.mark.parametrize("reason", list(CloseReason))
def test_a_close_marks_the_trade_and_only_a_strategys_wish_is_a_decision(
    reason: CloseReason,
) -> None:
    before = long()
    after = fold(before, ev.CloseStarted(symbol=BTC, reason=reason, key="k", time_ms=9))
    decided = {BTC: 9} if reason is CloseReason.SIGNAL else before.decided_ms
    assert after == attrs.evolve(with_trade(before, closing=reason), decided_ms=decided)


def test_excursions_keep_the_worst_and_the_best() -> None:
    before = with_trade(long(), worst=Money.of(-2), best=Money.of(3))
    for profit, worst, best in ((-5, -5, 3), (1, -2, 3), (7, -2, 7)):
        event = ev.Excursion(symbol=BTC, profit=Money.of(profit))
        assert fold(before, event) == with_trade(before, worst=Money.of(worst), best=Money.of(best))


def test_a_stop_protects_where_it_is_as_tight_as_wanted() -> None:
    trade = long().trades[BTC]
    for side, shown, is_protected in (
        (Side.BUY, "64000", True),
        (Side.BUY, "64001", True),
        (Side.BUY, "63999", False),
        (Side.SELL, "64000", True),
        (Side.SELL, "63999", True),
        (Side.SELL, "64001", False),
    ):
        seen = attrs.evolve(trade, side=side, stop_confirmed=Price.of(shown))
        assert seen.is_protected is is_protected
        assert seen.is_stop_confirmed is (shown == "64000")
    for bare in (attrs.evolve(trade, stop_confirmed=None), attrs.evolve(trade, stop_wanted=None)):
        assert (bare.is_protected, bare.is_stop_confirmed) == (False, False)
    neither = attrs.evolve(trade, stop_confirmed=None, stop_wanted=None)
    assert not neither.is_stop_confirmed
