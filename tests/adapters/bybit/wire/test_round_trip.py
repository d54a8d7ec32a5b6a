"""Every domain value survives the way over the wire: written by the server, read by the adapter."""

import attrs
import orjson
from hypothesis import given
from hypothesis import strategies as st
from tidegate.adapters.bybit.wire.executions import execution_or_funding
from tidegate.adapters.bybit.wire.fields import Row
from tidegate.adapters.bybit.wire.instruments import instrument, risk_tiers
from tidegate.adapters.bybit.wire.orders import order_report
from tidegate.adapters.bybit.wire.positions import position_report
from tidegate.adapters.bybit.wire.wallets import account_report
from tidegate.adapters.v5server.ledger import Booked, OrderBooks, Paid, SymbolBooks
from tidegate.adapters.v5server.rows_executions import (
    execution_row,
    execution_stream_row,
    funding_row,
    funding_stream_row,
)
from tidegate.adapters.v5server.rows_market import instrument_row, risk_rows
from tidegate.adapters.v5server.rows_orders import OrderView, history_row, order_row, stream_row
from tidegate.adapters.v5server.rows_positions import (
    PositionView,
    position_row,
    position_stream_row,
)
from tidegate.adapters.v5server.rows_wallet import wallet_row
from tidegate.domain.instrument import InstrumentStatus
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import (
    ZERO_MONEY,
    ZERO_QTY,
    Amount,
    Distance,
    Money,
    Price,
    Qty,
    Rate,
)
from tidegate.domain.orders import (
    ClientId,
    OrderKind,
    ProtectiveLeg,
    Side,
    Symbol,
    TimeInForce,
    Trigger,
    TriggerBy,
    TriggerDirection,
    VenueOrderId,
)
from tidegate.domain.position import FLAT, Position
from tidegate.domain.reports import (
    AccountReport,
    CancelReason,
    Execution,
    FundingPayment,
    MarginMode,
    OrderReport,
    Origin,
    PositionReport,
)

from tests.domain.samples import BTCUSDT, COARSE, TINY

SYMBOL = Symbol("BTCUSDT")
TIMES = st.integers(min_value=0, max_value=2**50)
WORDS = st.text("abcdefghijklmnopqrstuvwxyzABCDEF0123456789-", min_size=1, max_size=36)


def amounts(kind: type[Amount], low: str, high: str, places: int = 8) -> st.SearchStrategy[Amount]:
    """Exact amounts with as many decimals as the venue shows."""
    return st.decimals(low, high, places=places).map(kind)


def _of(kind: type[Amount], low: str = "0", high: str = "1000000") -> st.SearchStrategy[Amount]:
    return amounts(kind, low, high)


PRICES = _of(Price, "0.00000001")
QTYS = _of(Qty)
SOME_QTY = _of(Qty, "0.00000001")
LEGS = st.builds(ProtectiveLeg, price=PRICES, by=st.sampled_from(TriggerBy))
TRIGGERS = st.builds(
    Trigger,
    price=PRICES,
    direction=st.sampled_from(TriggerDirection),
    by=st.sampled_from(TriggerBy),
)
SHOWN = [
    Status.UNTRIGGERED,
    Status.TRIGGERED,
    Status.NEW,
    Status.PARTIALLY_FILLED,
    Status.FILLED,
    Status.CANCELLED,
    Status.DEACTIVATED,
]
SHOWN_REASONS = sorted(
    set(CancelReason) - {CancelReason.INSUFFICIENT_MARGIN, CancelReason.NOT_FULLY_FILLED},
    key=lambda reason: reason.value,
)
"""The wire has no word for the one, and for the other a word only after a partial fill."""

ORDERS = st.builds(
    OrderReport,
    symbol=st.just(SYMBOL),
    venue_id=WORDS.map(VenueOrderId),
    client_id=st.none() | WORDS.map(ClientId),
    parent_client_id=st.none() | WORDS.map(ClientId),
    side=st.sampled_from(Side),
    kind=st.just(OrderKind.LIMIT),
    status=st.sampled_from(SHOWN),
    origin=st.sampled_from(sorted(set(Origin) - {Origin.TRAILING_STOP}, key=lambda o: o.value)),
    qty=SOME_QTY,
    qty_filled=QTYS,
    value_filled=_of(Money),
    price=PRICES,
    trigger=st.none() | TRIGGERS,
    stop_loss=st.none() | LEGS,
    take_profit=st.none() | LEGS,
    time_in_force=st.sampled_from(TimeInForce),
    reduce_only=st.booleans(),
    cancel_reason=st.none() | st.sampled_from(SHOWN_REASONS),
    created_ms=TIMES,
    updated_ms=TIMES,
)


def _sent(row: dict[str, object]) -> dict[str, object]:
    """Return a row as it arrives: through JSON."""
    return dict(Row.of("sent", orjson.loads(orjson.dumps(row))).fields)


@given(ORDERS, st.booleans())
def test_an_order(report: OrderReport, is_market: bool) -> None:
    if is_market:
        report = attrs.evolve(report, kind=OrderKind.MARKET, price=None)
    if report.status not in (Status.CANCELLED, Status.DEACTIVATED):
        report = attrs.evolve(report, cancel_reason=None)
    elif report.cancel_reason is CancelReason.NOTHING_TO_FILL:
        report = attrs.evolve(report, qty_filled=ZERO_QTY)
    view = OrderView(report=report, books=OrderBooks())
    for written in (order_row(view), history_row(view), stream_row(view)):
        assert order_report(_sent(written)) == report


EXECUTIONS = st.builds(
    Execution,
    execution_id=WORDS,
    symbol=st.just(SYMBOL),
    venue_id=WORDS.map(VenueOrderId),
    client_id=st.none() | WORDS.map(ClientId),
    side=st.sampled_from(Side),
    qty=SOME_QTY,
    price=PRICES,
    fee=_of(Money, "-1000"),
    is_maker=st.booleans(),
    origin=st.sampled_from([Origin.USER, Origin.LIQUIDATION, Origin.AUTO_DELEVERAGING]),
    time_ms=TIMES,
)


@given(EXECUTIONS, st.booleans())
def test_an_execution(execution: Execution, leaves_position: bool) -> None:
    held = Position(qty=Qty.of(1), cost=Money.of(1)) if leaves_position else FLAT
    booked = Booked(
        seq=1,
        execution=execution,
        qty_closed=ZERO_QTY,
        profit=ZERO_MONEY,
        entry_value=ZERO_MONEY,
        open_fee=ZERO_MONEY,
        close_fee=ZERO_MONEY,
        order_filled=execution.qty,
        position=held,
        wallet=ZERO_MONEY,
    )
    for write in (execution_row, execution_stream_row):
        written = write(booked, None, is_partial=False)
        assert execution_or_funding(_sent(written)) == execution


FUNDINGS = st.builds(
    FundingPayment,
    payment_id=WORDS,
    symbol=st.just(SYMBOL),
    rate=amounts(Rate, "-0.01", "0.01", places=6),
    mark=amounts(Price, "0.1", "100000", places=1),
    qty=amounts(Qty, "-1000", "1000", places=1).filter(lambda qty: qty.sign != 0),
    amount=st.just(ZERO_MONEY),
    time_ms=TIMES,
)


@given(FUNDINGS)
def test_a_funding_payment(payment: FundingPayment) -> None:
    payment = attrs.evolve(payment, amount=payment.mark * payment.qty * payment.rate)
    paid = Paid(seq=1, payment=payment, position=FLAT, wallet=ZERO_MONEY)
    for written in (funding_row(paid), funding_stream_row(paid)):
        assert execution_or_funding(_sent(written)) == payment


POSITIONS = st.builds(
    PositionReport,
    symbol=st.just(SYMBOL),
    qty=_of(Qty, "-1000000"),
    entry_price=PRICES,
    mark=PRICES,
    leverage=amounts(Rate, "1", "100", places=2),
    liquidation_price=st.none() | PRICES,
    stop_loss=st.none() | PRICES,
    take_profit=st.none() | PRICES,
    trailing_distance=st.none() | _of(Distance, "0.00000001"),
    initial_margin=_of(Money),
    maintenance_margin=_of(Money),
    unrealised=_of(Money, "-1000000"),
    auto_add_margin=st.booleans(),
    sequence=st.integers(min_value=-1, max_value=2**50),
    time_ms=TIMES,
)


@given(POSITIONS)
def test_a_position(report: PositionReport) -> None:
    if report.qty == ZERO_QTY:
        report = attrs.evolve(report, entry_price=None, liquidation_price=None)
    view = PositionView(
        report=report,
        books=SymbolBooks(seq=report.sequence),
        instrument=BTCUSDT,
        taker=Rate.of("0.00055"),
        adds_margin=bool(report.auto_add_margin),
    )
    for written in (position_row(view), position_stream_row(view)):
        assert position_report(_sent(written), time_ms=report.time_ms) == report


ACCOUNTS = st.builds(
    AccountReport,
    wallet=_of(Money, "-1000000"),
    equity=_of(Money, "-1000000"),
    available=_of(Money),
    initial_margin_rate=_of(Rate),
    maintenance_margin_rate=_of(Rate),
    margin_mode=st.sampled_from(MarginMode),
    time_ms=TIMES,
)


@given(ACCOUNTS)
def test_an_account(report: AccountReport) -> None:
    if report.margin_mode is MarginMode.ISOLATED:
        report = attrs.evolve(report, initial_margin_rate=None, maintenance_margin_rate=None)
    row = _sent(wallet_row(report, (), realised=ZERO_MONEY))
    assert account_report(row, mode=report.margin_mode, time_ms=report.time_ms) == report


@given(st.sampled_from([BTCUSDT, COARSE, TINY]), st.sampled_from(InstrumentStatus))
def test_an_instrument(known: object, status: InstrumentStatus) -> None:
    assert isinstance(known, type(BTCUSDT))
    spec = attrs.evolve(known, status=status)
    tiers = risk_tiers([_sent(row) for row in risk_rows(spec)])
    assert instrument(_sent(instrument_row(spec, number=1)), tiers=tiers) == spec
