"""Executions, fees and positions: they tell one story."""

from decimal import Decimal

import attrs
from tidegate.contracts.exchange_bench import Ability, ExchangeBench
from tidegate.contracts.exchange_stage import MONEY_TOLERANCE, Stage, is_close
from tidegate.domain.grid import is_on_grid
from tidegate.domain.lifecycle import OPEN, Status
from tidegate.domain.money import ZERO_MONEY, ZERO_QTY, Amount
from tidegate.domain.orders import Side
from tidegate.domain.reports import (
    AccountReport,
    Execution,
    OrderReport,
    PositionReport,
    RejectReason,
    Ticker,
)
from tidegate.ports.exchange import Accepted, Capability, Rejected

__all__: list[str] = []


def test_executions_add_up_to_the_order(exchange_bench: ExchangeBench) -> None:
    """An order's filled quantity and value are the sums over its executions."""
    stage = Stage(exchange_bench)
    stage.move(0, size=stage.unit.times(2) if _has_size(stage) else None)
    order = stage.order(Side.BUY, stage.unit.times(5), limit="0.5")
    stage.place(order)
    stage.move(-1)
    report, fills = stage.found(order.client_id), stage.fills(order.client_id)
    assert report.qty_filled == sum((row.qty for row in fills), start=ZERO_QTY)
    assert report.qty_filled == order.qty
    value = sum((row.price * row.qty for row in fills), start=ZERO_MONEY)
    assert is_close(report.value_filled, value)


def _has_size(stage: Stage) -> bool:
    return Ability.SIZE in stage.drive.abilities


def test_no_execution_is_listed_twice(exchange_bench: ExchangeBench) -> None:
    """Every execution has an id of its own."""
    stage = Stage(exchange_bench)
    stage.buy(2)
    stage.sell(1)
    stage.close()
    ids = [row.execution_id for row in stage.fills()]
    assert len(ids) >= 3
    assert len(set(ids)) == len(ids)


def test_an_execution_names_its_order(exchange_bench: ExchangeBench) -> None:
    """Executions carry symbol, side and venue id of the order that they fill."""
    stage = Stage(exchange_bench)
    report = stage.found(stage.sell(2))
    for row in stage.fills():
        assert (row.symbol, row.side, row.venue_id) == (stage.symbol, Side.SELL, report.venue_id)


def test_a_taker_pays_the_taker_rate(exchange_bench: ExchangeBench) -> None:
    """A market order is a taker; its fee is value times the taker rate, positive when paid."""
    stage = Stage(exchange_bench)
    stage.need(Capability.FEE_RATES)
    rates = stage.port.fee_rates(stage.symbol)
    for row in stage.fills(stage.buy(3)):
        assert not row.is_maker
        assert is_close(row.fee, row.price * row.qty * rates.taker)
        assert row.fee > ZERO_MONEY


def test_a_maker_pays_the_maker_rate(exchange_bench: ExchangeBench) -> None:
    """A resting order that is reached is a maker; its fee is value times the maker rate."""
    stage = Stage(exchange_bench)
    stage.need(Capability.FEE_RATES)
    order = stage.order(Side.BUY, stage.unit.times(3), limit=-2)
    stage.place(order)
    stage.move(-3)
    rates, fills = stage.port.fee_rates(stage.symbol), stage.fills(order.client_id)
    assert fills
    for row in fills:
        assert row.is_maker
        assert is_close(row.fee, row.price * row.qty * rates.maker)


def test_a_position_is_the_sum_of_its_executions(exchange_bench: ExchangeBench) -> None:
    """After opening, adding, reducing and reversing, position equals the signed sum of fills."""
    stage = Stage(exchange_bench)
    expected = 0
    for units in (2, 1, -2, -4, 1):
        if units > 0:
            stage.buy(units)
        else:
            stage.sell(-units)
        expected += units
        assert stage.held() == stage.unit.times(expected)
        assert stage.held() == stage.signed_fills()


def test_long_is_positive_and_short_negative(exchange_bench: ExchangeBench) -> None:
    """The quantity of a position carries its direction."""
    stage = Stage(exchange_bench)
    stage.buy()
    assert stage.held() == stage.unit
    stage.close()
    stage.sell()
    assert stage.held() == -stage.unit


def test_profit_has_the_sign_of_the_position(exchange_bench: ExchangeBench) -> None:
    """A long gains when the mark rises, a short when it falls: size x (mark - entry) x sign."""
    stage = Stage(exchange_bench)
    for open_position, percent in ((stage.buy, 3), (stage.sell, -3)):
        stage.move(0)
        open_position()
        stage.move(percent)
        report = stage.port.position(stage.symbol)
        assert report.entry_price is not None
        assert report.unrealised > ZERO_MONEY
        assert is_close(report.unrealised, (report.mark - report.entry_price) * report.qty)
        stage.close()


def test_entry_is_the_average_of_what_was_paid(exchange_bench: ExchangeBench) -> None:
    """The entry price is volume-weighted over the executions that built the position."""
    stage = Stage(exchange_bench)
    stage.buy(1)
    stage.move(1)
    stage.buy(3)
    paid = sum((row.price * row.qty for row in stage.fills()), start=ZERO_MONEY)
    entry = stage.port.position(stage.symbol).entry_price
    assert entry is not None
    assert is_close(entry * stage.held(), paid)


def test_a_reduction_leaves_the_entry_price(exchange_bench: ExchangeBench) -> None:
    """Reducing a position does not change its entry price."""
    stage = Stage(exchange_bench)
    stage.buy(3)
    before = stage.port.position(stage.symbol).entry_price
    stage.move(2)
    stage.sell(1)
    after = stage.port.position(stage.symbol).entry_price
    assert before is not None
    assert after is not None
    assert abs(after.value - before.value) <= MONEY_TOLERANCE.value


def test_a_flat_position_has_no_entry(exchange_bench: ExchangeBench) -> None:
    """Once closed, quantity is zero, entry is gone, and the position is not listed."""
    stage = Stage(exchange_bench)
    stage.buy()
    stage.close()
    report = stage.port.position(stage.symbol)
    assert (report.qty, report.entry_price) == (ZERO_QTY, None)
    assert report.unrealised.sign == 0
    assert stage.port.positions() == ()


def test_positions_lists_what_is_held(exchange_bench: ExchangeBench) -> None:
    """The list of positions agrees with the query for one symbol."""
    stage = Stage(exchange_bench)
    stage.sell(2)
    listed = stage.port.positions()
    assert [(row.symbol, row.qty) for row in listed] == [(stage.symbol, stage.held())]


def test_reduce_only_never_flips(exchange_bench: ExchangeBench) -> None:
    """A reduce-only order larger than the position ends flat, not on the other side."""
    stage = Stage(exchange_bench)
    for open_position, side in ((stage.buy, Side.SELL), (stage.sell, Side.BUY)):
        open_position(2)
        stage.send(stage.order(side, stage.unit.times(5), reduce_only=True))
        assert stage.held() == ZERO_QTY


def test_reduce_only_never_opens(exchange_bench: ExchangeBench) -> None:
    """From flat, a reduce-only order is refused or ends unfilled; nothing is opened."""
    stage = Stage(exchange_bench)
    for side in Side:
        order = stage.order(side, reduce_only=True)
        match stage.send(order):
            case Rejected(reason=reason):
                assert reason is RejectReason.NOTHING_TO_REDUCE
            case outcome:
                assert isinstance(outcome, Accepted)
                assert not stage.is_open(order.client_id)
        assert stage.held() == ZERO_QTY


def test_reduce_only_never_adds(exchange_bench: ExchangeBench) -> None:
    """A reduce-only order of the position's own side changes nothing."""
    stage = Stage(exchange_bench)
    stage.buy(2)
    stage.send(stage.order(Side.BUY, reduce_only=True))
    assert stage.held() == stage.unit.times(2)


def test_a_resting_reduction_cannot_outlive_the_position(exchange_bench: ExchangeBench) -> None:
    """When the position is closed otherwise, a resting reduce-only order opens nothing later."""
    stage = Stage(exchange_bench)
    stage.buy(2)
    target = stage.place(stage.order(Side.SELL, stage.unit.times(2), limit=2, reduce_only=True))
    stage.close()
    stage.move(3)
    assert stage.held() == ZERO_QTY
    assert stage.found(target).status not in OPEN
    assert stage.found(target).qty_filled == ZERO_QTY


def test_a_reduction_rests_and_closes(exchange_bench: ExchangeBench) -> None:
    """A resting reduce-only order closes its part of the position when it is reached."""
    stage = Stage(exchange_bench)
    stage.buy(3)
    target = stage.place(stage.order(Side.SELL, stage.unit, limit=2, reduce_only=True))
    assert stage.held() == stage.unit.times(3)
    stage.move(3)
    assert stage.found(target).status is Status.FILLED
    assert stage.held() == stage.unit.times(2)


def test_reductions_within_the_position_keep_their_quantities(
    exchange_bench: ExchangeBench,
) -> None:
    """What a position covers is not trimmed, whatever else would close it: stop, other targets."""
    stage = Stage(exchange_bench)
    entry = stage.order(Side.BUY, stage.unit.times(3))
    if Capability.ATTACHED_STOP in stage.port.capabilities.supported:
        entry = attrs.evolve(entry, stop_loss=stage.leg(-5))
    stage.place(entry)
    first = stage.place(stage.order(Side.SELL, stage.unit, limit=2, reduce_only=True))
    second = stage.place(stage.order(Side.SELL, stage.unit.times(2), limit=3, reduce_only=True))
    assert stage.found(first).qty == stage.unit
    assert stage.found(second).qty == stage.unit.times(2)
    stage.move(4)
    assert stage.held() == ZERO_QTY
    assert {stage.found(order).status for order in (first, second)} == {Status.FILLED}


def test_amounts_are_exact_decimals(exchange_bench: ExchangeBench) -> None:
    """Every number that crosses the port is a Decimal: never a binary float."""
    stage = Stage(exchange_bench)
    stage.buy(2)
    stage.place(stage.order(Side.SELL, limit=5))
    reports: tuple[AccountReport | PositionReport | Ticker | OrderReport | Execution, ...] = (
        stage.port.account(),
        stage.port.position(stage.symbol),
        stage.port.ticker(stage.symbol),
        *stage.port.open_orders(),
        *stage.fills(),
    )
    for report in reports:
        for field in attrs.fields(type(report)):
            value = getattr(report, field.name)
            assert not isinstance(value, float), f"{field.name} of {report} is a float"
            if isinstance(value, Amount):
                assert isinstance(value.value, Decimal), f"{field.name} of {report}"


def test_orders_and_executions_lie_on_the_grid(exchange_bench: ExchangeBench) -> None:
    """Quantities are whole steps; order prices and execution prices are whole ticks."""
    stage = Stage(exchange_bench)
    stage.buy(3)
    stage.place(stage.order(Side.SELL, limit=5))
    tick, step = stage.spec.tick, stage.spec.qty_step
    for order in stage.port.open_orders(stage.symbol):
        assert is_on_grid(order.qty, step)
        assert order.price is None or is_on_grid(order.price, tick)
    for fill in stage.fills():
        assert is_on_grid(fill.qty, step)
        assert is_on_grid(fill.price, tick)
