"""History is complete, ascending and includes both ends; open orders come oldest first."""

from tidegate.contracts.exchange_bench import Ability, ExchangeBench
from tidegate.contracts.exchange_stage import Stage
from tidegate.domain.lifecycle import TERMINAL, Status
from tidegate.domain.orders import ClientId, Side
from tidegate.ports.exchange import Accepted, Capability, TimeRange

__all__: list[str] = []

_STEP_MS = 1_000
_DAY_MS = 86_400_000
_ORDERS = 55
_PAIRS = 53
"""More than venues hand out at once: Bybit V5 shows 50 orders or 100 executions on a page."""


def _three_fills(stage: Stage) -> tuple[ClientId, ...]:
    orders = []
    for _ in range(3):
        stage.drive.advance(_STEP_MS)
        orders.append(stage.buy())
    stage.drive.advance(_STEP_MS)
    return tuple(orders)


def test_executions_are_ascending_and_complete(exchange_bench: ExchangeBench) -> None:
    """Every execution of the range is there, oldest first, and the answer says what it covers."""
    stage = Stage(exchange_bench)
    stage.need(Capability.HISTORY)
    stage.can(Ability.ADVANCE)
    orders = _three_fills(stage)
    within = stage.so_far()
    history = stage.port.executions(stage.symbol, within)
    times = [row.time_ms for row in history.rows]
    assert times == sorted(times)
    assert list(dict.fromkeys(row.client_id for row in history.rows)) == list(orders)
    assert history.is_complete
    assert history.covers == within


def test_a_range_includes_both_of_its_ends(exchange_bench: ExchangeBench) -> None:
    """A range that starts and ends on executions contains them; one millisecond less does not."""
    stage = Stage(exchange_bench)
    stage.need(Capability.HISTORY)
    stage.can(Ability.ADVANCE)
    orders = _three_fills(stage)
    times = [row.time_ms for row in stage.fills()]
    ends = TimeRange(start_ms=times[0], end_ms=times[-1])
    inside = TimeRange(start_ms=times[0] + 1, end_ms=times[-1] - 1)
    whole = stage.port.executions(stage.symbol, ends).rows
    middle = stage.port.executions(stage.symbol, inside).rows
    assert {row.client_id for row in whole} == set(orders)
    assert {row.client_id for row in middle} == {orders[1]}


def test_an_empty_range_is_an_answer(exchange_bench: ExchangeBench) -> None:
    """A time in which nothing happened gives no rows, and covers what was asked."""
    stage = Stage(exchange_bench)
    stage.need(Capability.HISTORY)
    stage.can(Ability.ADVANCE)
    stage.drive.advance(_STEP_MS)
    now_ms = stage.drive.now_ms()
    stage.drive.advance(_STEP_MS)
    stage.buy()
    quiet = TimeRange(start_ms=now_ms - 1, end_ms=now_ms)
    history = stage.port.executions(stage.symbol, quiet)
    assert (history.rows, history.covers) == ((), quiet)


def test_order_history_holds_what_ended(exchange_bench: ExchangeBench) -> None:
    """Filled and cancelled orders are in the history, each once, ascending by last change."""
    stage = Stage(exchange_bench)
    stage.need(Capability.HISTORY)
    cancelled = stage.place(stage.order(Side.BUY, limit=-5))
    filled = stage.buy()
    if Ability.ADVANCE in stage.drive.abilities:
        stage.drive.advance(_STEP_MS)
    stage.port.cancel(stage.symbol, cancelled)
    stage.drive.settle()
    history = stage.port.order_history(stage.symbol, stage.so_far())
    ended = {row.client_id: row.status for row in history.rows if row.status in TERMINAL}
    assert ended == {filled: Status.FILLED, cancelled: Status.CANCELLED}
    ids = [row.venue_id for row in history.rows]
    assert len(set(ids)) == len(ids)
    times = [row.updated_ms for row in history.rows]
    assert times == sorted(times)


def test_history_and_lookup_agree(exchange_bench: ExchangeBench) -> None:
    """An order in the history is the same report that a lookup by client id gives."""
    stage = Stage(exchange_bench)
    stage.need(Capability.HISTORY)
    order = stage.buy(2)
    rows = stage.port.order_history(stage.symbol, stage.so_far()).rows
    assert [row for row in rows if row.client_id == order] == [stage.found(order)]


def test_without_a_symbol_history_is_of_the_account(exchange_bench: ExchangeBench) -> None:
    """``None`` for the symbol leaves nothing out."""
    stage = Stage(exchange_bench)
    stage.need(Capability.HISTORY)
    stage.buy()
    within = stage.so_far()
    of_symbol = stage.port.executions(stage.symbol, within).rows
    assert of_symbol
    assert stage.port.executions(None, within).rows == of_symbol
    assert stage.port.order_history(None, within).rows


def test_open_orders_come_oldest_first(exchange_bench: ExchangeBench) -> None:
    """The list of open orders keeps the order of their arrival, with or without a symbol."""
    stage = Stage(exchange_bench)
    orders = []
    for percent in (-5, -3, -4):
        if Ability.ADVANCE in stage.drive.abilities:
            stage.drive.advance(_STEP_MS)
        orders.append(stage.place(stage.order(Side.BUY, limit=percent)))
    for listed in (stage.port.open_orders(stage.symbol), stage.port.open_orders()):
        assert [row.client_id for row in listed] == orders


def _trade_in_a_row(stage: Stage, pairs: int) -> list[ClientId]:
    orders = [stage.order(side) for _ in range(pairs) for side in (Side.BUY, Side.SELL)]
    for order in orders:
        assert isinstance(stage.port.place(stage.bench.approve(order)), Accepted)
    stage.drive.settle()
    return [order.client_id for order in orders]


def test_a_history_of_several_pages_is_whole(exchange_bench: ExchangeBench) -> None:
    """Executions that fill more than a page are all there, each once, in their order."""
    stage = Stage(exchange_bench)
    stage.need(Capability.HISTORY)
    orders = _trade_in_a_row(stage, _PAIRS)
    fills = stage.fills()
    assert list(dict.fromkeys(row.client_id for row in fills)) == orders
    assert len({row.execution_id for row in fills}) == len(fills)
    assert stage.signed_fills() == stage.held()


def test_open_orders_of_several_pages_are_all_listed(exchange_bench: ExchangeBench) -> None:
    """Open orders that fill more than a page are all there, each once, oldest first."""
    stage = Stage(exchange_bench)
    orders = [stage.order(Side.BUY, limit=-5) for _ in range(_ORDERS)]
    for order in orders:
        assert isinstance(stage.port.place(stage.bench.approve(order)), Accepted)
    stage.drive.settle()
    listed = stage.port.open_orders(stage.symbol)
    assert sorted(str(row.client_id) for row in listed) == sorted(o.client_id for o in orders)
    times = [row.created_ms for row in listed]
    assert times == sorted(times)


def test_an_order_that_a_venue_forgot_is_told(exchange_bench: ExchangeBench) -> None:
    """One that is not in the history any more ended before the range that the answer covers.

    Bybit V5 shows an order that was cancelled without a fill for 24 hours (order/history).
    """
    stage = Stage(exchange_bench)
    stage.need(Capability.HISTORY)
    stage.can(Ability.ADVANCE)
    order = stage.place(stage.order(Side.BUY, limit=-5))
    stage.port.cancel(stage.symbol, order)
    stage.drive.settle()
    ended_ms = stage.found(order).updated_ms
    stage.drive.advance(2 * _DAY_MS)
    within = stage.so_far()
    history = stage.port.order_history(stage.symbol, within)
    is_there = any(row.client_id == order for row in history.rows)
    assert is_there is (history.covers.start_ms <= ended_ms)
    assert history.is_complete is (history.covers == within)


def test_history_reaches_further_back_than_a_week(exchange_bench: ExchangeBench) -> None:
    """A range may be longer than one question to the venue: nothing of it is cut without a word.

    Bybit V5 answers at most seven days at a time (execution/list, order/history).
    """
    stage = Stage(exchange_bench)
    stage.need(Capability.HISTORY)
    stage.can(Ability.ADVANCE)
    orders = []
    for _ in range(3):
        orders.append(stage.buy())
        stage.drive.advance(8 * _DAY_MS)
    within = stage.so_far()
    executions = stage.port.executions(stage.symbol, within)
    assert [row.client_id for row in executions.rows] == orders
    assert (executions.covers, executions.is_complete) == (within, True)
    ended = stage.port.order_history(stage.symbol, within).rows
    assert [row.client_id for row in ended] == orders
