"""The account's own records agree with its executions, its funding and its wallet."""

import pytest
from tidegate.contracts.exchange_bench import Ability, ExchangeBench
from tidegate.contracts.exchange_stage import Stage, is_close
from tidegate.domain.money import ZERO_MONEY, ZERO_QTY, Money, Rate
from tidegate.domain.orders import ClientId, Side
from tidegate.domain.records import AccountChange, ChangeKind, ClosedProfit
from tidegate.domain.reports import Execution
from tidegate.ports.exchange import Accepted, Capability, TimeRange

__all__: list[str] = []

_STEP_MS = 1_000
_DAY_MS = 86_400_000
_ROUND_TRIPS = 51
"""More than a page: Bybit V5 shows at most 50 lines of the transaction log at once."""
_YEARS_LATER_MS = 800 * _DAY_MS
"""Further back than Bybit V5 keeps closed profit and the transaction log: two years."""


def _profits(stage: Stage) -> tuple[ClosedProfit, ...]:
    stage.need(Capability.CLOSED_PROFITS)
    return stage.port.closed_profits(stage.symbol, stage.so_far()).rows


def _changes(stage: Stage) -> tuple[AccountChange, ...]:
    stage.need(Capability.ACCOUNT_CHANGES)
    return stage.port.account_changes(stage.so_far()).rows


def _fees(rows: tuple[Execution, ...]) -> Money:
    return sum((row.fee for row in rows), start=ZERO_MONEY)


def _total(rows: tuple[ClosedProfit, ...]) -> Money:
    return sum((row.profit for row in rows), start=ZERO_MONEY)


def _round_trip(stage: Stage) -> ClientId:
    stage.buy(2)
    stage.move(2)
    return stage.close()


def test_a_closed_profit_is_the_difference_less_both_fees(exchange_bench: ExchangeBench) -> None:
    """``closed x (exit - entry) - opening fee - closing fee`` of the order that closed.

    Source: Bybit V5 position/closed-pnl. The side is that of the closing order.
    """
    stage = Stage(exchange_bench)
    stage.need(Capability.CLOSED_PROFITS)
    opening = stage.buy(2)
    stage.move(2)
    closing = stage.close()
    (row,) = _profits(stage)
    opened, closed = stage.fills(opening), stage.fills(closing)
    value_in = sum((fill.price * fill.qty for fill in opened), start=ZERO_MONEY)
    value_out = sum((fill.price * fill.qty for fill in closed), start=ZERO_MONEY)
    assert (row.side, row.qty) == (Side.SELL, stage.unit.times(2))
    assert row.venue_id == stage.found(closing).venue_id
    assert is_close(row.entry * row.qty, value_in)
    assert is_close(row.exit * row.qty, value_out)
    assert is_close(row.open_fee, _fees(opened))
    assert is_close(row.close_fee, _fees(closed))
    assert is_close(row.profit, value_out - value_in - _fees(opened + closed))
    assert row.profit > ZERO_MONEY
    assert row.leverage == stage.port.position(stage.symbol).leverage
    assert row.updated_ms == closed[-1].time_ms


def test_a_short_that_was_bought_back_cheaper_made_a_profit(exchange_bench: ExchangeBench) -> None:
    """The closing order of a short buys, and gains when the price fell."""
    stage = Stage(exchange_bench)
    stage.sell(2)
    stage.move(-2)
    stage.close()
    (row,) = _profits(stage)
    assert row.side is Side.BUY
    assert row.exit < row.entry
    gross = (row.entry - row.exit) * row.qty
    assert is_close(row.profit, gross - row.open_fee - row.close_fee)
    assert row.profit > ZERO_MONEY


def test_what_opens_has_no_closed_profit(exchange_bench: ExchangeBench) -> None:
    """Nothing is in the record before something was closed."""
    stage = Stage(exchange_bench)
    stage.buy()
    stage.buy()
    assert _profits(stage) == ()
    stage.sell()
    assert [row.qty for row in _profits(stage)] == [stage.unit]


def test_a_part_that_closes_carries_its_share_of_the_opening_fee(
    exchange_bench: ExchangeBench,
) -> None:
    """A third closed carries a third; in the end all that was paid is in the record once."""
    stage = Stage(exchange_bench)
    stage.buy(3)
    stage.move(2)
    stage.sell()
    stage.sell(2)
    first, second = _profits(stage)
    opened = stage.fills()[:1]
    assert is_close(first.open_fee.times(2), second.open_fee)
    assert is_close(first.open_fee + second.open_fee, _fees(opened))


def test_closed_profits_add_up_to_what_the_wallet_gained(exchange_bench: ExchangeBench) -> None:
    """Flat again and without funding, the wallet changed by the closed profits and nothing else."""
    stage = Stage(exchange_bench)
    before = stage.port.account().wallet
    _round_trip(stage)
    stage.sell(2)
    stage.move(4)
    stage.buy()
    stage.close()
    assert stage.held() == ZERO_QTY
    rows = _profits(stage)
    assert len(rows) == 3
    assert is_close(_total(rows), stage.port.account().wallet - before)


def test_an_order_that_closes_in_parts_is_one_record(exchange_bench: ExchangeBench) -> None:
    """Its fills are added up, and its exit is their average."""
    stage = Stage(exchange_bench)
    stage.need(Capability.CLOSED_PROFITS)
    stage.can(Ability.SIZE)
    stage.buy(2)
    closing = stage.place(stage.order(Side.SELL, stage.unit.times(2), limit=1, reduce_only=True))
    stage.move(1, size=stage.unit)
    half = stage.found(closing).qty_filled
    stage.move(2, size=stage.unit)
    assert (half, stage.held()) == (stage.unit, ZERO_QTY)
    (row,) = _profits(stage)
    fills = stage.fills(closing)
    assert len(fills) > 1
    assert row.qty == stage.unit.times(2)
    value_out = sum((fill.price * fill.qty for fill in fills), start=ZERO_MONEY)
    assert is_close(row.exit * row.qty, value_out)
    assert is_close(row.close_fee, _fees(fills))


def test_an_order_that_reverses_closed_only_what_was_held(exchange_bench: ExchangeBench) -> None:
    """Its fee is shared by quantity: what opens the other side is not in this record."""
    stage = Stage(exchange_bench)
    stage.buy()
    turning = stage.sell(3)
    (row,) = _profits(stage)
    assert row.qty == stage.unit
    assert is_close(row.close_fee.times(3), _fees(stage.fills(turning)))
    stage.close()
    _, later = _profits(stage)
    assert (later.side, later.qty) == (Side.BUY, stage.unit.times(2))
    assert is_close(later.open_fee, row.close_fee.times(2))


def test_funding_is_no_part_of_a_closed_profit(exchange_bench: ExchangeBench) -> None:
    """Two equal trades have one profit, whatever funding was paid meanwhile."""
    stage = Stage(exchange_bench)
    stage.need(Capability.CLOSED_PROFITS)
    stage.can(Ability.FUNDING)
    _round_trip(stage)
    stage.move(0)
    stage.buy(2)
    stage.drive.pay_funding(Rate.of("0.001"))
    stage.move(2)
    stage.close()
    first, second = _profits(stage)
    assert first.profit == second.profit


def test_the_log_adds_up_to_the_wallet(exchange_bench: ExchangeBench) -> None:
    """Each line is ``cash flow + funding - fee``, and its balance the one before plus its change.

    Source: Bybit V5 account/transaction-log.
    """
    stage = Stage(exchange_bench)
    stage.need(Capability.ACCOUNT_CHANGES)
    balance = before = stage.port.account().wallet
    _round_trip(stage)
    if Ability.FUNDING in stage.drive.abilities:
        stage.sell()
        stage.drive.pay_funding(Rate.of("0.0001"))
    rows = _changes(stage)
    for row in rows:
        assert is_close(row.change, row.cash_flow + row.funding - row.fee), row
        balance += row.change
        assert is_close(row.balance, balance), row
    assert is_close(stage.port.account().wallet, balance)
    assert balance != before
    assert len({row.change_id for row in rows}) == len(rows)


def test_every_execution_is_in_the_log_once_with_its_fee(exchange_bench: ExchangeBench) -> None:
    """What opens changes the wallet by its fee alone; what closes brings its profit as cash."""
    stage = Stage(exchange_bench)
    stage.need(Capability.ACCOUNT_CHANGES)
    _round_trip(stage)
    rows = _changes(stage)
    fills = stage.fills()
    assert [row.execution_id for row in rows] == [fill.execution_id for fill in fills]
    assert all(row.kind is ChangeKind.TRADE for row in rows)
    assert all(row.symbol == stage.symbol for row in rows)
    for row, fill in zip(rows, fills, strict=True):
        assert is_close(row.fee, fill.fee)
        assert (row.time_ms, row.currency) == (fill.time_ms, "USDT")
    opened, closed = rows[0], rows[-1]
    assert opened.cash_flow == ZERO_MONEY
    assert closed.cash_flow > ZERO_MONEY


def test_funding_in_the_log_is_what_was_received(exchange_bench: ExchangeBench) -> None:
    """A long pays a positive rate: its line is below zero, the opposite of the payment's amount."""
    stage = Stage(exchange_bench)
    stage.need(Capability.ACCOUNT_CHANGES)
    stage.can(Ability.FUNDING)
    stage.buy(2)
    stage.drive.pay_funding(Rate.of("0.0001"))
    stage.drive.settle()
    (row,) = (row for row in _changes(stage) if row.kind is ChangeKind.FUNDING)
    assert row.funding < ZERO_MONEY
    assert is_close(row.change, row.funding)
    assert (row.cash_flow, row.fee) == (ZERO_MONEY, ZERO_MONEY)
    assert row.symbol == stage.symbol
    if Capability.FUNDING in stage.port.capabilities.supported:
        (paid,) = stage.port.funding_payments(stage.symbol, stage.so_far()).rows
        assert is_close(row.funding, -paid.amount)


@pytest.mark.parametrize("text", ["500", "-250"])
def test_a_transfer_is_in_the_log_as_one(exchange_bench: ExchangeBench, text: str) -> None:
    """Money that comes or goes is no trade and belongs to no symbol; its sign says which way."""
    stage = Stage(exchange_bench)
    stage.need(Capability.ACCOUNT_CHANGES)
    stage.can(Ability.TRANSFER)
    amount, before = Money.of(text), stage.port.account().wallet
    stage.drive.transfer(amount)
    stage.drive.settle()
    (row,) = _changes(stage)
    came = amount > ZERO_MONEY
    assert row.kind is (ChangeKind.TRANSFER_IN if came else ChangeKind.TRANSFER_OUT)
    assert (row.change, row.symbol, row.execution_id) == (amount, None, None)
    assert is_close(row.balance, before + amount)
    assert is_close(stage.port.account().wallet, before + amount)


def test_a_liquidation_is_named_in_the_log(exchange_bench: ExchangeBench) -> None:
    """Its line is no ordinary trade, and its loss is in the closed profits too."""
    stage = Stage(exchange_bench)
    stage.need(Capability.ACCOUNT_CHANGES)
    stage.can(Ability.LIQUIDATE)
    stage.buy(3)
    stage.drive.liquidate()
    stage.drive.settle()
    lost = [row for row in _changes(stage) if row.kind is ChangeKind.LIQUIDATION]
    assert lost
    assert sum((row.cash_flow for row in lost), start=ZERO_MONEY) < ZERO_MONEY
    assert _total(_profits(stage)) < ZERO_MONEY


def test_records_are_ascending_and_both_ends_count(exchange_bench: ExchangeBench) -> None:
    """Oldest first; a range that starts and ends on rows holds them, one less does not."""
    stage = Stage(exchange_bench)
    stage.need(Capability.CLOSED_PROFITS, Capability.ACCOUNT_CHANGES)
    stage.can(Ability.ADVANCE)
    for _ in range(3):
        stage.buy()
        stage.drive.advance(_STEP_MS)
        stage.sell()
        stage.drive.advance(_STEP_MS)
    profits, changes = _profits(stage), _changes(stage)
    times = [row.updated_ms for row in profits]
    changed = [row.time_ms for row in changes]
    assert (times, changed) == (sorted(times), sorted(changed))
    assert (len(profits), len(changes)) == (3, 6)
    ends = TimeRange(start_ms=times[0], end_ms=times[-1])
    inside = TimeRange(start_ms=times[0] + 1, end_ms=times[-1] - 1)
    assert stage.port.closed_profits(None, ends).rows == profits
    assert stage.port.closed_profits(None, inside).rows == profits[1:-1]
    assert stage.port.account_changes(ends).rows == changes[1:]
    assert stage.port.account_changes(inside).rows == changes[2:-1]


def test_records_of_several_pages_are_whole(exchange_bench: ExchangeBench) -> None:
    """Lines that fill more than a page are all there, each once."""
    stage = Stage(exchange_bench)
    stage.need(Capability.CLOSED_PROFITS, Capability.ACCOUNT_CHANGES)
    orders = [stage.order(side) for _ in range(_ROUND_TRIPS) for side in (Side.BUY, Side.SELL)]
    for order in orders:
        assert isinstance(stage.port.place(stage.bench.approve(order)), Accepted)
    stage.drive.settle()
    profits, changes = _profits(stage), _changes(stage)
    assert sum((row.qty for row in profits), start=ZERO_QTY) == stage.unit.times(_ROUND_TRIPS)
    assert len({row.venue_id for row in profits}) == len(profits) == _ROUND_TRIPS
    fills = {fill.execution_id for fill in stage.fills()}
    assert {row.execution_id for row in changes} == fills
    assert len(changes) == len(fills)


def test_records_reach_further_back_than_a_week(exchange_bench: ExchangeBench) -> None:
    """A range may be longer than one question to the venue; nothing of it is cut without a word."""
    stage = Stage(exchange_bench)
    stage.need(Capability.CLOSED_PROFITS, Capability.ACCOUNT_CHANGES)
    stage.can(Ability.ADVANCE)
    for _ in range(3):
        stage.buy()
        stage.sell()
        stage.drive.advance(8 * _DAY_MS)
    within = stage.so_far()
    profits = stage.port.closed_profits(stage.symbol, within)
    changes = stage.port.account_changes(within)
    assert (len(profits.rows), len(changes.rows)) == (3, 6)
    assert (profits.covers, profits.is_complete) == (within, True)
    assert (changes.covers, changes.is_complete) == (within, True)


def test_what_a_venue_forgot_is_told(exchange_bench: ExchangeBench) -> None:
    """A row that is not there any more lies outside the range that the answer covers.

    Bybit V5 keeps closed profit and the transaction log for two years.
    """
    stage = Stage(exchange_bench)
    stage.need(Capability.CLOSED_PROFITS, Capability.ACCOUNT_CHANGES)
    stage.can(Ability.ADVANCE)
    stage.buy()
    stage.sell()
    happened_ms = stage.fills()[-1].time_ms
    stage.drive.advance(_DAY_MS)
    within = stage.so_far()
    stage.drive.advance(_YEARS_LATER_MS)
    for found in (
        stage.port.closed_profits(stage.symbol, within),
        stage.port.account_changes(within),
    ):
        assert found.is_complete is (found.covers == within)
        assert bool(found.rows) is (found.covers.start_ms <= happened_ms)
