"""Market scripts of questions: what the venue and the desk say must be the same everywhere."""

from tidegate.domain.money import Price
from tidegate.domain.orders import OrderKind, Symbol, TriggerBy
from tidegate.domain.reports import OrderReport
from tidegate.domain.signal import Entry
from tidegate.ports.desk import Placed
from tidegate.ports.exchange import QueryFailed, TimeRange

from .scenarios import flat, held, scenario, wish
from .world import BTC, START, WAIT_MS, World

__all__: list[str] = []

EVERYTHING = TimeRange(start_ms=0, end_ms=2**53)


def _note_order(world: World, what: str, order: OrderReport) -> None:
    world.note(
        what,
        order.side,
        order.kind,
        order.status,
        order.qty,
        order.qty_filled,
        order.value_filled,
        order.price,
        order.reduce_only,
        order.origin,
    )


@scenario("F9")
def open_orders_and_one_by_either_id(world: World) -> None:
    entry = Entry(kind=OrderKind.LIMIT, price=Price.of("64900"))
    placed = world.desk.execute(wish("rests", entry=entry), timeout_ms=WAIT_MS)
    assert isinstance(placed, Placed), placed
    world.settle()
    for order in world.port.open_orders(BTC):
        _note_order(world, "open", order)
    found = world.port.find_order(BTC, placed.client_id)
    assert found is not None
    _note_order(world, "found", found)
    world.note(world.port.find_order(BTC, type(placed.client_id)("never-sent")))


@scenario("F9", "E6")
def the_history_of_a_trade(world: World) -> None:
    held(world)
    world.fund("0.0001")
    world.price("66000.0")
    world.price("64000.0")
    flat(world)
    for row in world.port.executions(BTC, EVERYTHING).rows:
        world.note("execution", row.side, row.qty, row.price, row.fee, row.is_maker, row.origin)
    for payment in world.port.funding_payments(BTC, EVERYTHING).rows:
        world.note("funding", payment.rate, payment.mark, payment.qty, payment.amount)
    for closed in world.port.closed_profits(BTC, EVERYTHING).rows:
        world.note("closed", closed.side, closed.qty, closed.entry, closed.exit, closed.profit)
    for change in world.port.account_changes(EVERYTHING).rows:
        world.note("change", change.kind, change.change, change.balance)


@scenario("G1", "G2")
def a_position_while_the_market_moves(world: World) -> None:
    for last in (START, "65500.0", "64500.0"):
        if last == START:
            held(world)
        else:
            world.price(last)
        report = world.port.position(BTC)
        world.note(
            report.qty,
            report.entry_price,
            report.mark,
            report.leverage,
            report.stop_loss,
            report.unrealised,
        )
    world.price("64000.0")
    flat(world)


@scenario("G9", "B2")
def market_data_and_the_instrument(world: World) -> None:
    world.price("65123.4")
    ticker = world.port.ticker(BTC)
    world.note(ticker.last, ticker.mark, ticker.bid, ticker.ask)
    spec = world.port.instrument(BTC)
    world.note(spec.tick, spec.qty_step, spec.qty_min, spec.notional_min, spec.leverage_max)
    world.note(world.port.fee_rates(BTC).taker, world.port.fee_rates(BTC).maker)
    try:
        world.port.instrument(Symbol("NEVERUSDT"))
    except QueryFailed:
        world.note("an unknown symbol is an error")


@scenario("G9")
def market_data_through_the_desk(world: World) -> None:
    world.price("65123.4")
    market = world.desk.market
    for by in TriggerBy:
        world.note(by, market.price(BTC, by).value)
    best = market.best(BTC).value
    assert best.bid is not None
    assert best.ask is not None
    world.note("best", best.bid.price, best.bid.qty, best.ask.price, best.ask.qty)
    world.note("status", market.status(BTC).value)
    world.note("tick", market.instrument(BTC).value.tick)
    for dated in (market.ticker(BTC), market.best(BTC), market.funding_rate(BTC)):
        assert dated.age_ms < WAIT_MS, dated
    world.note("trades", market.recent_trades(BTC, count=1).value[-1].price)
    book = market.order_book(BTC, depth=1).value
    world.note("book", len(book.bids), len(book.asks))


@scenario("F9")
def records_through_the_desk(world: World) -> None:
    held(world)
    world.price("66000.0")
    world.price("64000.0")
    flat(world)
    records = world.desk.records
    for done in records.executions(BTC, EVERYTHING).rows:
        assert done.client_id is None or done.client_id in world.books.finished
        world.note("execution", done.side, done.qty, done.price, done.origin)
    ours = [o for o in records.order_history(BTC, EVERYTHING).rows if o.client_id is not None]
    # Two may have been made within one millisecond, which gives them no order of their own.
    for order in sorted(ours, key=lambda one: (one.side.value, str(one.price))):
        _note_order(world, "history", order)
        assert records.order(BTC, venue_id=order.venue_id) is not None
    for closed in records.closed_profits(BTC, EVERYTHING).rows:
        world.note("closed", closed.side, closed.qty, closed.profit)


@scenario("G2", "G4")
def positions_say_where_they_are_from_and_closing_reports(world: World) -> None:
    held(world)
    snapshot = world.desk.positions.position(BTC)
    world.note(snapshot.qty, snapshot.entry_price, snapshot.stop_loss, snapshot.is_ours)
    world.note(snapshot.notional, snapshot.unrealised, snapshot.leverage, snapshot.initial_margin)
    assert snapshot.age_ms < WAIT_MS
    world.note(len(world.desk.positions.positions()))
    report = world.desk.positions.close(BTC, timeout_ms=WAIT_MS)
    world.note(report.qty_before, report.qty_left, len(report.orders_left), report.net)
    flat(world)


@scenario("G8", "E7")
def performance_and_status_of_some_trades(world: World) -> None:
    held(world, "won")
    world.price("66000.0")
    world.price("67000.0")
    flat(world)
    world.price(START)
    held(world, "lost")
    world.price("64000.0")
    flat(world)
    summary = world.desk.performance()
    assert summary is not None
    world.note(summary.trades, summary.wins, summary.average_r, summary.net, summary.fees)
    status = world.desk.status()
    world.note(status.wallet, status.equity, status.trading_state, len(status.positions))
