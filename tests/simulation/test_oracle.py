"""The judge that imports nothing of the product agrees: books from what crossed the wire alone."""

from fractions import Fraction

from tidegate.application.simulation.plan import Act, Plan, draw_plan
from tidegate.application.simulation.world import Run
from tidegate.domain.core.state import Books
from tidegate.domain.reports import Execution, FundingPayment, VenueMessage

from tests.acceptance.oracle import FillRecord, MarkRecord, Oracle, PaymentRecord

SEEDS = range(130)


class Wire:
    """Writes down what reached the desk, by stream or by query, in plain records."""

    def __init__(self) -> None:
        self.records: dict[str, FillRecord | PaymentRecord] = {}

    def take(self, message: VenueMessage) -> None:
        match message:
            case Execution():
                self.records[message.execution_id] = FillRecord(
                    identity=message.execution_id,
                    symbol=message.symbol,
                    sign=message.side.sign,
                    qty=str(message.qty),
                    price=str(message.price),
                    fee=str(message.fee),
                    is_maker=int(message.is_maker),
                    time_ms=message.time_ms,
                )
            case FundingPayment():
                self.records[message.payment_id] = PaymentRecord(
                    identity=message.payment_id,
                    symbol=message.symbol,
                    rate=str(message.rate),
                    mark=str(message.mark),
                    qty=str(message.qty),
                    amount=str(message.amount),
                    time_ms=message.time_ms,
                )
            case _:
                return

    def in_order(self) -> list[FillRecord | PaymentRecord]:
        """Return the records by the venue's time, those of one millisecond by its numbers."""
        return sorted(
            self.records.values(),
            key=lambda row: (row.time_ms, isinstance(row, PaymentRecord), number(row.identity)),
        )


def number(identity: str) -> int:
    return int(identity.rpartition("-")[2])


def take_all(oracle: Oracle, rows: list[FillRecord | PaymentRecord]) -> None:
    """Fold rows; a payment goes between the fills of its millisecond where its quantity fits."""
    fills = [row for row in rows if isinstance(row, FillRecord)]
    payments = [row for row in rows if isinstance(row, PaymentRecord)]
    for fill in fills:
        while payments and is_before(payments[0], fill, oracle):
            oracle.take(payments.pop(0))
        oracle.take(fill)
    oracle.take_all(payments)


def is_before(payment: PaymentRecord, fill: FillRecord, oracle: Oracle) -> bool:
    if payment.time_ms != fill.time_ms:
        return payment.time_ms < fill.time_ms
    return Fraction(payment.qty) == oracle.position(payment.symbol)


def without_others(seed: int) -> Plan:
    """The plan of a seed without orders of others: the oracle knows no fill that turns a side."""
    plan = draw_plan(seed)
    return plan.leaving_out(
        frozenset(f"a{step.number}" for step in plan.steps if step.act is Act.FOREIGN)
    )


def test_the_oracle_of_the_wire_and_the_desk_have_the_same_books() -> None:
    fills = payments = 0
    for seed in SEEDS:
        wire = Wire()
        run = Run(without_others(seed), observer=wire.take)
        outcome = run.run()
        assert outcome.violation is None, f"seed {seed}: {outcome.violation}"
        rows = wire.in_order()
        fills += sum(isinstance(row, FillRecord) for row in rows)
        payments += sum(isinstance(row, PaymentRecord) for row in rows)
        books = run.last_books
        assert books is not None
        judge(rows, books, run, seed)
    assert fills >= 100
    assert payments >= 4


def judge(rows: list[FillRecord | PaymentRecord], books: Books, run: Run, seed: int) -> None:
    ledger = books.ledger
    assert ledger is not None
    oracle = Oracle(opening=str(ledger.opening), taker="0.00055", maker="0.0002")
    take_all(oracle, rows)
    for symbol, quote in run.venue.truth.quotes.items():
        oracle.take(MarkRecord(symbol, str(quote.mark), 0))
        held = Fraction(str(books.position(symbol).qty))
        assert held == oracle.position(symbol), f"seed {seed}, {symbol}"
    assert Fraction(str(ledger.fees)) == oracle.fees, f"seed {seed}"
    assert Fraction(str(ledger.funding)) == oracle.funding, f"seed {seed}"
    at_mark = sum(
        (
            Fraction(str(position.unrealised(run.venue.truth.quote(symbol).mark)))
            for symbol, position in books.positions.items()
        ),
        Fraction(0),
    )
    assert Fraction(str(ledger.wallet)) + at_mark == oracle.equity(), f"seed {seed}"
