"""The books stay exact, and survive restarts, whatever a wire and an operator do in between."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from random import Random

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tidegate.adapters.paper import PaperConfig, PaperVenue
from tidegate.domain.instrument import InstrumentStatus
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Distance, Money, Price, Qty, Rate
from tidegate.domain.orders import ProtectiveLeg, Side
from tidegate.domain.reports import MarginMode, Origin
from tidegate.ports.exchange import Done
from tidegate.ports.venue import PartialLegs, PartialStop, SelfMatch

from tests.domain.samples import tier

from .bench import ALWAYS, SYMBOL, WIDE, Bench
from .scripts import Act, carry_out, session
from .test_books import check_books, check_messages, total

REAL = PaperConfig(participation=Rate.of("0.3"), latency_ms=200)
STEEP = attrs.evolve(
    WIDE,
    tiers=(
        tier("20000", "0.005", "0.01", "100", "0"),
        tier("50000", "0.01", "0.02", "50", "100"),
        tier("100000000", "0.02", "0.04", "25", "600"),
    ),
)


class WireBench(Bench):
    """Counts what was added to the wallet, so that the books can be checked against it."""

    def __init__(self, *, config: PaperConfig, path: Path | str = ":memory:") -> None:
        self.opening = Money.of("6000")
        super().__init__(config=config, instruments=(STEEP,), wallet=self.opening, path=path)

    def _open(self) -> PaperVenue:
        adjusted, self.wallet = self.wallet, self.opening
        try:
            return super()._open()
        finally:
            self.wallet = adjusted


def wire_act(bench: WireBench, seed: int) -> None:
    """Do one thing that the exchange port does not offer; the venue may refuse it."""
    random, venue = Random(seed), bench.venue  # noqa: S311 - a sweep that can be repeated
    last = int(venue.ticker(SYMBOL).last.value)
    low, high = Price.of(last - random.randint(1, 300)), Price.of(last + random.randint(1, 300))
    side = random.choice(list(Side))
    qty = Qty.of(Decimal(random.randint(1, 3000)) / 1000)
    stop, target = (low, high) if side is Side.BUY else (high, low)
    legs = ProtectiveLeg(price=stop), ProtectiveLeg(price=target)
    amount = Money.of(random.randint(-400, 400))
    choice = random.randrange(12)
    if choice <= 2:
        order = bench.order(side, str(qty), at=str(low), stop=None)
        order = attrs.evolve(order, price=Price.of(last), stop_loss=legs[0], take_profit=legs[1])
        limits = PartialLegs(take_profit_limit=random.choice([None, target]))
        venue.submit(order, legs=limits, self_match=random.choice(list(SelfMatch)))
    elif choice <= 4:
        pair = PartialStop(
            symbol=SYMBOL,
            qty=Qty.of(Decimal(random.randint(1, 900)) / 1000),
            stop_loss=legs[0],
            take_profit=random.choice([None, legs[1]]),
        )
        venue.add_partial_stop(pair)
    elif choice == 5:
        venue.advance_to(venue.now_ms() + random.randint(0, 500))
    elif choice == 6:
        venue.add_margin(SYMBOL, amount)
    elif choice == 7:
        outcome = venue.adjust_wallet(amount)
        bench.wallet += amount if isinstance(outcome, Done) else Money.of("0")
    elif choice == 8:
        venue.set_index(SYMBOL, low)
    elif choice == 9:
        venue.force_close(SYMBOL, qty, low, random.choice([Origin.AUTO_DELEVERAGING] * 2))
    elif choice == 10:
        venue.set_margin_mode(random.choice(list(MarginMode)))
        venue.set_auto_add_margin(SYMBOL, on=random.random() < 0.5)
    else:
        status = random.choice([InstrumentStatus.TRADING, InstrumentStatus.REDUCE_ONLY])
        venue.set_instrument(attrs.evolve(STEEP, status=status, tick=Distance.of("0.10")))
        venue.set_instrument(STEEP)


def run(bench: WireBench, seed: int, steps: int) -> Iterator[None]:
    """Mix the acts of a wire among those of an ordinary session."""
    bench.price("20000", volume="50")
    yield
    for number, act in enumerate(session(seed, steps)):
        yield from carry_out(bench, act)
        wire_act(bench, seed + number)
        yield


def check_legs(bench: Bench) -> None:
    """No leg is larger than the position, and those of the whole that still wait are its size."""
    size = abs(bench.position().qty)
    seen = set()
    for order in bench.venue.open_orders():
        if order.client_id is not None:
            continue
        shown = bench.venue.wire_order(order.venue_id)
        assert shown is not None
        assert order.qty - order.qty_filled <= size
        if not shown.is_partial_leg and order.status is Status.UNTRIGGERED:
            assert order.qty == size
            assert order.origin not in seen
            seen.add(order.origin)


def check_fees(bench: Bench) -> None:
    """What a wire shows as an order's fee is the sum of its executions' fees."""
    for order in bench.venue.order_history(None, ALWAYS).rows:
        shown = bench.venue.wire_order(order.venue_id)
        assert shown is not None
        fees = [e.fee.value for e in bench.executions() if e.venue_id == order.venue_id]
        assert shown.fee.value == total(fees)


@pytest.mark.parametrize("mode", list(MarginMode))
@given(seed=st.integers(0, 2**32), steps=st.integers(5, 40))
@settings(deadline=None, max_examples=20)
def test_the_books_are_exact_after_every_step(mode: MarginMode, seed: int, steps: int) -> None:
    bench = WireBench(config=attrs.evolve(REAL, margin_mode=mode))
    for _ in run(bench, seed, steps):
        check_books(bench)
        check_legs(bench)
    check_fees(bench)
    check_messages(bench)
    bench.venue.close()


@given(seed=st.integers(0, 2**32))
@settings(deadline=None, max_examples=10)
def test_a_venue_reopened_after_every_step_goes_on_as_if_it_never_stopped(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    unbroken = WireBench(config=REAL)
    broken = WireBench(config=REAL, path=tmp_path_factory.mktemp("venue") / "paper.db")
    for _ in zip(run(unbroken, seed, 12), run(broken, seed, 12), strict=True):
        broken.reopen()
        assert broken.messages == unbroken.messages
        assert broken.account() == unbroken.account()
        assert broken.venue.instrument(SYMBOL) == unbroken.venue.instrument(SYMBOL)
        assert broken.venue.now_ms() == unbroken.venue.now_ms()
        for order in unbroken.venue.open_orders():
            shown = broken.venue.wire_order(order.venue_id)
            assert shown == unbroken.venue.wire_order(order.venue_id)
    broken.venue.close()


def test_the_same_wire_gives_the_same_everything() -> None:
    first, second = WireBench(config=REAL), WireBench(config=REAL)
    for seed in range(10):
        for bench in (first, second):
            for number in range(seed, seed + 3):
                if bench.venue.cursor() == 0:
                    bench.price("20000", volume="50")
                list(carry_out(bench, Act("trade", (20_000 + number, 9))))
                wire_act(bench, number)
    assert [repr(m) for m in first.messages] == [repr(m) for m in second.messages]
