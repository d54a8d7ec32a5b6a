"""The whole record of a trade, event for event: nothing of it may be lost or guessed later."""

from typing import Any

import attrs
import pytest
from tidegate.domain.core import events as ev
from tidegate.domain.core.inputs import CloseRequest, OpenRequest
from tidegate.domain.core.step import step
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import ONE, Money, Price, Qty, Rate
from tidegate.domain.orders import (
    ClientId,
    OrderKind,
    OrderRequest,
    ProtectiveLeg,
    Purpose,
    Role,
    Side,
    TimeInForce,
    VenueOrderId,
)
from tidegate.domain.reports import CancelReason, Execution, Origin
from tidegate.domain.risk.limits import RiskLimits
from tidegate.domain.signal import Entry, RungSpec, StopAtPrice
from tidegate.domain.ticket import TicketRung
from tidegate.domain.trade import ClosedTrade, CloseReason

from tests.application.bench import BTC, Bench, make_bench, signal
from tests.domain.samples import BTCUSDT

from .scenes import LADDER, config, limit, only, opened, orders_of, scripted, since

KEY = "record0123456789"
ENTRY = ClientId(f"tg{KEY}-e-0")
T0 = 1_700_000_000_000


def order(name: str, purpose: Purpose, side: Side, qty: str, **changes: Any) -> OrderRequest:
    return OrderRequest(
        client_id=ClientId(f"tg{KEY}-{name}"),
        symbol=BTC,
        side=side,
        qty=Qty.of(qty),
        purpose=purpose,
        **changes,
    )


def rung(number: int, sequence: int, side: Side, qty: str, price: str) -> OrderRequest:
    return order(
        f"t{number}-{sequence}",
        Purpose(Role.TAKE_PROFIT, number),
        side,
        qty,
        kind=OrderKind.LIMIT,
        price=Price.of(price),
        time_in_force=TimeInForce.GTC,
        reduce_only=True,
    )


def update(
    name: ClientId, number: int, status: Status, qty: str, at: int, **changes: Any
) -> ev.OrderUpdated:
    return ev.OrderUpdated(
        client_id=name,
        venue_id=VenueOrderId(f"order-{number}"),
        status=status,
        qty_filled=Qty.of(qty),
        cancel_reason=changes.get("cancel_reason"),
        time_ms=T0 + at,
    )


def intended(request: OrderRequest, price: str, at: int) -> ev.OrderIntended:
    return ev.OrderIntended(
        trade_key=KEY, order=request, decision_price=Price.of(price), time_ms=T0 + at
    )


def enter(bench: Bench, **changes: Any) -> ev.EntryIntended:
    """Hand in a wish under a known key; returns the record of its entry."""
    bench.runner.submit(OpenRequest(signal=signal(**changes), key=KEY))
    bench.runner.drain()
    return only(bench, ev.EntryIntended)[-1]


def short() -> Bench:
    """Return a desk that sold 0.010 at 64,990 for a decision at 65,000; its stop is at 66,000."""
    bench = scripted()
    bench.pass_time(10)
    enter(bench, side=Side.SELL, stop=StopAtPrice(Price.of("66000")), ladder=LADDER)
    bench.pass_time(10)
    bench.venue.script.fill(ENTRY, price=Price.of("64990"))
    bench.runner.drain()
    return bench


def test_an_entry_is_recorded_with_its_ticket_and_its_stop_inside() -> None:
    """The stop is 1,000 away, 0.010 coins lose 10 at the decision price.

    At worst one coin is sold at 65,000 x 0.9995 = 64,967.5 and bought at 66,000 x 1.001 = 66,066:
    1,098.5, and the fees of 0.00055 x (64,967.5 + 66,066) = 72.068425: 1,170.568425 in all.
    """
    bench = scripted()
    bench.pass_time(10)
    record = enter(bench, side=Side.SELL, stop=StopAtPrice(Price.of("66000")), ladder=LADDER)
    ticket = record.ticket
    assert record == ev.EntryIntended(
        trade_key=KEY,
        signal=signal(side=Side.SELL, stop=StopAtPrice(Price.of("66000")), ladder=LADDER),
        ticket=ticket,
        order=order(
            "e-0",
            Purpose(Role.ENTRY),
            Side.SELL,
            "0.010",
            kind=OrderKind.MARKET,
            time_in_force=TimeInForce.IOC,
            stop_loss=ProtectiveLeg(price=Price.of("66000")),
        ),
        worst_price=Price.of("64967.5"),
        time_ms=T0 + 10,
    )
    assert (ticket.symbol, ticket.side, ticket.kind) == (BTC, Side.SELL, OrderKind.MARKET)
    assert (ticket.qty, ticket.reduced_from) == (Qty.of("0.010"), None)
    assert (ticket.entry, ticket.entry_worst) == (Price.of("65000"), Price.of("64967.5"))
    assert ticket.stop == Price.of("66000")
    assert (ticket.price_risk, ticket.cost_risk) == (Money.of(10), Money.of("1.70568425"))
    assert (ticket.equity, ticket.leverage) == (Money.of(10_000), Rate.of(3))
    assert ticket.rungs == (
        TicketRung(number=1, price=Price.of("64000"), qty=Qty.of("0.003"), reward_to_risk=ONE),
        TicketRung(
            number=2, price=Price.of("63000"), qty=Qty.of("0.007"), reward_to_risk=Rate.of(2)
        ),
    )
    assert ticket.reward_to_risk_net is not None
    assert Rate.of("1.383") < ticket.reward_to_risk_net < Rate.of("1.384")
    # a third of 649.675 is 216.558, and both fees on top
    assert Money.of("217.39") < ticket.initial_margin < Money.of("217.40")
    assert ticket.liquidation is not None
    assert Price.of("86338") < ticket.liquidation < Price.of("86339")
    assert (ticket.rules_passed, ticket.notes) == (35, ())


def test_a_fill_is_followed_by_its_levels_its_ladder_and_its_stop() -> None:
    """One R is 66,000 - 64,990 = 1,010: targets at 63,980 and 62,970, risk 10.1."""
    bench = short()
    first, second = (
        rung(1, 1, Side.BUY, "0.003", "63980"),
        rung(2, 2, Side.BUY, "0.007", "62970"),
    )
    assert since(bench, 5) == [
        update(ENTRY, 1, Status.NEW, "0", 10),
        update(ENTRY, 1, Status.FILLED, "0.010", 20),
        ev.Filled(
            execution=Execution(
                execution_id="execution-1",
                symbol=BTC,
                venue_id=VenueOrderId("order-1"),
                client_id=ENTRY,
                side=Side.SELL,
                qty=Qty.of("0.010"),
                price=Price.of("64990"),
                fee=Money.of("0.357445"),
                is_maker=False,
                time_ms=T0 + 20,
            )
        ),
        ev.Replanned(
            symbol=BTC,
            trade_key=KEY,
            entry_price=Price.of("64990"),
            stop=Price.of("66000"),
            rungs=(
                ev.PlannedRung(number=1, price=Price.of("63980"), qty=Qty.of("0.003")),
                ev.PlannedRung(number=2, price=Price.of("62970"), qty=Qty.of("0.007")),
            ),
            risk=Money.of("10.1"),
            verify_by_ms=T0 + 5_020,
        ),
        intended(first, "63980", 20),
        intended(second, "62970", 20),
        ev.StopConfirmed(symbol=BTC, price=Price.of("66000"), time_ms=T0 + 20),
        update(first.client_id, 3, Status.NEW, "0", 20),
        update(second.client_id, 4, Status.NEW, "0", 20),
    ]


def test_a_trade_that_is_stopped_out_is_recorded_with_all_it_earned_and_cost() -> None:
    """Rung 1 earns 0.003 x 1,010 = 3.03, the stop loses 0.007 x 1,020 = 7.14: -4.11.

    Fees: 0.357445 + 0.105567 + 0.2541385. Slippage: 0.010 x 10 at the entry and 0.007 x 10 at
    the stop. Exit: (191.94 + 462.07) / 0.010 = 65,401. At 63,900 the position was best, 10.90.
    """
    bench = short()
    bench.pass_time(10)
    bench.move("65400")
    bench.move("63900")
    first, second = orders_of(bench, Role.TAKE_PROFIT)
    bench.pass_time(10)
    bench.venue.script.fill(first.request.client_id)
    bench.runner.drain()
    bench.pass_time(10)
    bench.venue.script.pay_funding(BTC, Rate.of("0.0001"))
    bench.runner.drain()
    bench.pass_time(10)
    start = len(bench.events())
    bench.venue.script.trigger_stop(BTC, Price.of("66010"))
    bench.runner.drain()
    name = second.request.client_id
    assert since(bench, start) == [
        ev.Filled(
            execution=Execution(
                execution_id="execution-3",
                symbol=BTC,
                venue_id=VenueOrderId("order-2"),
                client_id=None,
                side=Side.BUY,
                qty=Qty.of("0.007"),
                price=Price.of("66010"),
                fee=Money.of("0.2541385"),
                is_maker=False,
                origin=Origin.STOP_LOSS,
                time_ms=T0 + 60,
            )
        ),
        ev.Excursion(symbol=BTC, profit=Money.of("-4.11")),
        ev.EquityMarked(equity=Money.of("9995.2175795"), time_ms=T0 + 60),
        ev.TradeClosed(
            trade=ClosedTrade(
                trade_key=KEY,
                symbol=BTC,
                side=Side.SELL,
                qty=Qty.of("0.010"),
                opened_ms=T0 + 20,
                closed_ms=T0 + 60,
                entry_price=Price.of("64990"),
                exit_price=Price.of("65401"),
                profit=Money.of("-4.11"),
                fees=Money.of("0.7171505"),
                funding=Money.of("-0.04473"),
                slippage=Money.of("0.17"),
                risk=Money.of("10.1"),
                worst=Money.of("-4.11"),
                best=Money.of("10.90"),
                reason=CloseReason.STOP,
            )
        ),
        ev.CancelIntended(symbol=BTC, client_id=name, venue_id=VenueOrderId("order-4")),
        update(name, 4, Status.CANCELLED, "0", 60, cancel_reason=CancelReason.REDUCE_ONLY),
    ]
    profits = [event.profit for event in only(bench, ev.Excursion)[:2]]
    assert profits == [Money.of("-4.10"), Money.of("10.90")]
    assert only(bench, ev.EquityMarked)[:2] == [
        ev.EquityMarked(equity=Money.of("9995.542555"), time_ms=T0 + 30),
        ev.EquityMarked(equity=Money.of("10010.542555"), time_ms=T0 + 30),
    ]


@pytest.mark.parametrize(
    ("entry", "time_in_force"),
    [
        (limit("64900"), TimeInForce.GTC),
        (
            Entry(
                kind=OrderKind.LIMIT, price=Price.of("64900"), time_in_force=TimeInForce.POST_ONLY
            ),
            TimeInForce.POST_ONLY,
        ),
    ],
)
def test_a_limit_entry_asks_its_own_price_and_is_never_worse(
    entry: Entry, time_in_force: TimeInForce
) -> None:
    record = enter(scripted(), entry=entry)
    assert record.order == order(
        "e-0",
        Purpose(Role.ENTRY),
        Side.BUY,
        "0.010",
        kind=OrderKind.LIMIT,
        price=Price.of("64900"),
        time_in_force=time_in_force,
        stop_loss=ProtectiveLeg(price=Price.of("64000")),
    )
    assert record.worst_price == record.ticket.entry == Price.of("64900")
    assert record.ticket.kind is OrderKind.LIMIT


@pytest.mark.parametrize(("side", "price"), [(Side.BUY, "65010"), (Side.SELL, "64980")])
def test_a_market_entry_is_decided_at_the_price_it_would_meet(side: Side, price: str) -> None:
    bench = scripted()
    bench.venue.script.move(
        BTC, last=Price.of("65000"), bid=Price.of("64980"), ask=Price.of("65010")
    )
    bench.runner.drain()
    stop = StopAtPrice(Price.of("64000" if side is Side.BUY else "66000"))
    assert enter(bench, side=side, stop=stop).ticket.entry == Price.of(price)


def test_a_refusal_is_recorded_with_the_wish_it_answers() -> None:
    bench = scripted()
    bench.pass_time(10)
    start = len(bench.events())
    wish = signal("wrong", side=Side.SELL, stop=StopAtPrice(Price.of("64000")))
    bench.runner.submit(OpenRequest(signal=wish, key=KEY))
    (refused,) = since(bench, start)
    assert isinstance(refused, ev.SignalRefused)
    assert refused.fault is not None
    assert refused == ev.SignalRefused(
        trade_key=KEY,
        signal_id="wrong",
        symbol=BTC,
        side=Side.SELL,
        breaches=(),
        missing=(),
        fault=refused.fault,
        largest=None,
        time_ms=T0 + 10,
    )
    assert bench.runner.state.books.decided_ms[BTC] == T0 + 10


def test_a_close_is_recorded_before_it_is_sent_in_parts_that_the_venue_takes() -> None:
    """0.006 is the venue's maximum: 0.010 leave in two orders with ids of their own."""
    bench = scripted()
    enter(bench)
    bench.pass_time(10)
    bench.venue.script.fill(ENTRY)
    bench.runner.drain()
    bench.venue.script.move(
        BTC, last=Price.of("65000"), bid=Price.of("64980"), ask=Price.of("65010")
    )
    bench.runner.drain()
    request = CloseRequest(symbol=BTC, reason=CloseReason.SIGNAL, key="other01234567890")
    state = bench.runner.state
    small = attrs.evolve(BTCUSDT, qty_max_market=Qty.of("0.006"))
    reduced = attrs.evolve(state, view=attrs.evolve(state.view, instruments={BTC: small}))
    made = step(reduced, request, config(), T0 + 30)
    purpose = Purpose(Role.CLOSE)
    common: dict[str, Any] = {
        "kind": OrderKind.MARKET,
        "time_in_force": TimeInForce.IOC,
        "reduce_only": True,
    }
    assert made.events == (
        ev.CloseStarted(
            symbol=BTC, reason=CloseReason.SIGNAL, key="other01234567890", time_ms=T0 + 30
        ),
        intended(order("c-1", purpose, Side.SELL, "0.006", **common), "64980", 30),
        intended(order("c-2", purpose, Side.SELL, "0.004", **common), "64980", 30),
    )


def test_a_short_is_closed_at_what_the_other_side_asks() -> None:
    bench = short()
    bench.venue.script.move(
        BTC, last=Price.of("65000"), bid=Price.of("64980"), ask=Price.of("65010")
    )
    bench.runner.drain()
    bench.desk.close_position(BTC)
    close = only(bench, ev.OrderIntended)[-1]
    purpose = Purpose(Role.CLOSE)
    wanted = order(
        "c-3",
        purpose,
        Side.BUY,
        "0.010",
        kind=OrderKind.MARKET,
        time_in_force=TimeInForce.IOC,
        reduce_only=True,
    )
    assert close == intended(wanted, "65010", 20)


def test_without_a_price_a_close_is_decided_at_none_and_sent_all_the_same() -> None:
    bench = opened(ladder=())
    state = bench.runner.state
    blind = attrs.evolve(state, view=attrs.evolve(state.view, tickers={}, instruments={}))
    request = CloseRequest(symbol=BTC, reason=CloseReason.OPERATOR, key=KEY)
    made = step(blind, request, config(), bench.venue.now_ms())
    (sent,) = [event for event in made.events if isinstance(event, ev.OrderIntended)]
    assert (sent.order.qty, sent.decision_price) == (Qty.of("0.010"), None)


def test_a_signal_may_demand_more_reward_than_the_desk_and_never_less() -> None:
    ladder = (RungSpec(Rate.of(2), ONE),)
    settings = attrs.evolve(config(), limits=RiskLimits(reward_to_risk_net_min=Rate.of("1.5")))
    for demand, is_placed in (("0", True), ("1.6", True), ("1.9", False)):
        bench = make_bench(config=settings)
        wish = attrs.evolve(signal(ladder=ladder), reward_to_risk_min=Rate.of(demand))
        bench.runner.submit(OpenRequest(signal=wish, key=KEY))
        assert bool(only(bench, ev.EntryIntended)) is is_placed
    strict = attrs.evolve(config(), limits=RiskLimits(reward_to_risk_net_min=Rate.of("1.9")))
    bench = make_bench(config=strict)
    bench.runner.submit(OpenRequest(signal=signal(ladder=ladder), key=KEY))
    assert only(bench, ev.EntryIntended) == []
