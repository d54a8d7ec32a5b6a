"""What becomes of a request that the venue cannot do, or that breaks on its way."""

import pytest
from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.adapters.memory.options import MemoryOptions
from tidegate.application.performing import perform
from tidegate.domain.core import inputs as given
from tidegate.domain.core.effects import (
    AmendOrder,
    Effect,
    ReadActivity,
    ReadInstrument,
    ReadRecords,
    SetProtection,
)
from tidegate.domain.money import Money, Price, Qty
from tidegate.domain.orders import ClientId, ProtectiveLeg, Symbol
from tidegate.domain.protection import ProtectionChange
from tidegate.domain.reports import RejectReason
from tidegate.ports.exchange import (
    Accepted,
    Capability,
    Done,
    PositionStop,
    QueryFailed,
    Rejected,
    Unknown,
)

from tests.application.bench import BTC, MemoryClock
from tests.domain.samples import BTCUSDT, FEES

AMEND = AmendOrder(symbol=BTC, client_id=ClientId("one"), qty=Qty.of("0.002"))
PROTECT = SetProtection(symbol=BTC, key="k", change=ProtectionChange(stop_loss=Price.of("64000")))


class Broken(MemoryVenue):
    """A venue whose connection breaks with every change of an order or a position."""

    def amend(
        self,
        symbol: Symbol,
        client_id: ClientId,
        *,
        qty: Qty | None = None,
        price: Price | None = None,
        trigger_price: Price | None = None,
        stop_loss: ProtectiveLeg | None = None,
        take_profit: ProtectiveLeg | None = None,
    ) -> Accepted | Rejected | Unknown:
        wanted = (qty, price, trigger_price, stop_loss, take_profit)
        raise QueryFailed(f"{symbol} {client_id} to {wanted}: the connection broke")

    def set_position_stop(self, stop: PositionStop) -> Done | Rejected | Unknown:
        raise QueryFailed(f"{stop.symbol}: the connection broke")


def venue(*lacks: Capability, kind: type[MemoryVenue] = MemoryVenue) -> MemoryVenue:
    """Return a venue with a price, that lacks something."""
    made = kind(
        instruments={BTC: BTCUSDT},
        fees=FEES,
        wallet=Money.of("10000"),
        options=MemoryOptions(supported=MemoryOptions().supported - set(lacks)),
    )
    made.script.move(BTC, last=Price.of("65000"))
    return made


def answers(effect: Effect, of: MemoryVenue) -> tuple[given.Input, ...]:
    return perform(effect, of, MemoryClock(of))


def test_a_protection_that_the_venue_cannot_keep_is_refused_for_good() -> None:
    (answer,) = answers(PROTECT, venue(Capability.POSITION_STOP))
    assert isinstance(answer, given.ProtectionAnswered)
    assert (answer.key, answer.reason, answer.is_unknown) == (
        "k",
        RejectReason.NOT_SUPPORTED,
        False,
    )


def test_a_protection_whose_request_broke_may_have_arrived() -> None:
    (answer,) = answers(PROTECT, venue(kind=Broken))
    assert isinstance(answer, given.ProtectionAnswered)
    assert (answer.reason, answer.is_unknown) == (None, True)
    assert "the connection broke" in (answer.refusal or "")


def test_a_change_that_the_venue_cannot_make_is_refused() -> None:
    (answer,) = answers(AMEND, venue(Capability.AMEND))
    assert isinstance(answer, given.AmendAnswered)
    assert answer.refusal is not None
    assert "amending an order" in answer.refusal


def test_a_change_whose_request_broke_is_left_to_the_orders_record() -> None:
    (answer,) = answers(AMEND, venue(kind=Broken))
    assert answer == given.AmendAnswered(asked=AMEND, refusal=None)


def test_a_specification_is_read_by_itself() -> None:
    (answer,) = answers(ReadInstrument(symbol=BTC), venue())
    assert answer == given.InstrumentRead(instrument=BTCUSDT)


def test_activity_is_read_from_a_venue_without_funding() -> None:
    *_, whole = answers(ReadActivity(since_ms=0), venue(Capability.FUNDING))
    assert isinstance(whole, given.ActivityRead)
    assert (whole.positions, whole.orders) == ((), ())


@pytest.mark.parametrize(
    ("lacks", "has_profits", "has_changes"),
    [
        ((), True, True),
        ((Capability.CLOSED_PROFITS,), False, True),
        ((Capability.ACCOUNT_CHANGES,), True, False),
        ((Capability.CLOSED_PROFITS, Capability.ACCOUNT_CHANGES), False, False),
    ],
)
def test_records_that_a_venue_does_not_keep_are_none_and_not_empty(
    lacks: tuple[Capability, ...], has_profits: bool, has_changes: bool
) -> None:
    (read,) = answers(ReadRecords(since_ms=0, changes_since_ms=0, wanted=3), venue(*lacks))
    assert isinstance(read, given.RecordsRead)
    assert (read.profits is not None, read.changes is not None) == (has_profits, has_changes)
    assert read.wanted == 3
