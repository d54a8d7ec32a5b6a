"""A whole day on each venue: what every closing order earned is the same in three books.

The desk's ledger, the venue's closed profit, and a judge that knows only what crossed the port or
the wire.
"""

from collections.abc import Callable, Mapping
from contextlib import closing
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType

import pytest
from tidegate.domain.core import events as ev
from tidegate.domain.money import Price, Rate
from tidegate.domain.orders import Side
from tidegate.domain.trade import CloseReason
from tidegate.ports.exchange import ExchangePort, TimeRange

from tests.wire.oracle_tap import execution_rows

from .closing_oracle import Booked, Closed, Paid, closing_orders
from .three.local_worlds import MemoryWorld, PaperWorld
from .three.scenarios import flat, held
from .three.wire_world import WireWorld
from .three.world import BTC, WAIT_MS, World, until

EVERYTHING = TimeRange(start_ms=0, end_ms=2**53)
WORLDS: Mapping[str, Callable[[Path], World]] = MappingProxyType(
    {
        "memory": lambda folder: MemoryWorld(folder / "memory"),
        "paper": lambda folder: PaperWorld(folder / "paper"),
        "bybit": WireWorld,
    }
)
ODD = "65000.3"
"""A price at which fees have nine decimals, so that a venue that rounds has to."""


def _day(world: World) -> None:
    world.price(ODD)
    held(world, "ladder")
    world.fund("0.0001")
    until(lambda: world.books.trades[BTC].funding.sign > 0, "funding was booked")
    world.settle()
    world.price("66001.0")
    world.fund("-0.00013")
    world.settle()  # a payment and a fill of one millisecond have no order for a judge
    world.price("67001.0")
    flat(world)
    world.price(ODD)
    held(world, "stopped")
    world.price("64000.0")
    flat(world)
    world.price(ODD)
    held(world, "short", stop="66000.5", side=Side.SELL)
    world.disconnect()
    world.move(Price.of("64000.0"))
    until(lambda: len(world.books.orders) == 1, "the first target's fill was found")
    world.reconnect()
    world.price("64100.0")
    world.restart_venue()
    world.desk.close_position(BTC, timeout_ms=WAIT_MS)
    flat(world)
    world.price(ODD)
    held(world, "liquidated", stop="59500", leverage=Rate.of("10"))
    world.liquidate()
    flat(world)
    world.price("65100.7")
    held(world, "by hand")
    world.close_by_hand()
    flat(world)


def _exact(amount: object) -> Fraction:
    return Fraction(str(amount))


def _crossed(port: ExchangePort) -> list[Booked | Paid]:
    """Return what a venue in this process handed over, as text, in the order of its times."""
    fills = port.executions(None, EVERYTHING).rows
    payments = port.funding_payments(None, EVERYTHING).rows
    rows: list[tuple[int, Booked | Paid]] = [
        (
            row.time_ms,
            Booked(row.venue_id, row.side.sign, str(row.qty), str(row.price), str(row.fee)),
        )
        for row in fills
    ]
    rows += [(row.time_ms, Paid(str(row.amount))) for row in payments]
    return [record for _, record in sorted(rows, key=lambda pair: pair[0])]


def _on_the_wire(world: WireWorld) -> list[Booked | Paid]:
    """Return what crossed the wire, each row once, in the venue's order."""
    rows = {str(row["execId"]): row for row in execution_rows(world.bench.tap)}
    ordered = sorted(rows.values(), key=lambda r: (int(str(r["execTime"])), int(str(r["seq"]))))
    records: list[Booked | Paid] = []
    for row in ordered:
        if row["execType"] == "Funding":
            records.append(Paid(str(row["execFee"])))
            continue
        sign = 1 if row["side"] == "Buy" else -1
        texts = (str(row[name]) for name in ("execQty", "execPrice", "execFee"))
        records.append(Booked(str(row["orderId"]), sign, *texts))
    return records


@pytest.mark.parametrize("name", list(WORLDS))
def test_ledger_venue_and_judge_agree_on_every_closing_order(name: str, tmp_path: Path) -> None:
    with closing(WORLDS[name](tmp_path)) as world:
        _day(world)
        crossed = _on_the_wire(world) if isinstance(world, WireWorld) else _crossed(world.port)
        judged = closing_orders(crossed)
        ours = {
            row.venue_id: Closed(
                _exact(row.qty), _exact(_shown(row.profit.value)), _exact(row.funding)
            )
            for row in world.books.closings.rows.values()
        }
        theirs = {
            row.venue_id: (_exact(row.qty), _exact(row.profit))
            for row in world.port.closed_profits(BTC, EVERYTHING).rows
        }
    assert ours == judged
    assert theirs == {order_id: (row.qty, row.profit) for order_id, row in judged.items()}
    reasons = [e.trade.reason for e in world.events if isinstance(e, ev.TradeClosed)]
    assert reasons == [
        CloseReason.TARGET,
        CloseReason.STOP,
        CloseReason.OPERATOR,
        CloseReason.LIQUIDATION,
        CloseReason.OUTSIDE,
    ]
    assert sum(isinstance(e, ev.FundingBooked) for e in world.events) == 2


def _shown(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("1e-8"), rounding=ROUND_HALF_UP)
