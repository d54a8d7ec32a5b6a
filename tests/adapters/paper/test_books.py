"""Whatever happens, the books are exact. The oracle is plain arithmetic on what the venue said."""

from decimal import Decimal
from itertools import pairwise

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tidegate.adapters.paper import PaperConfig, PathRule
from tidegate.domain.lifecycle import may_become
from tidegate.domain.money import EXACT, Rate
from tidegate.domain.orders import Side
from tidegate.domain.reports import MarginMode, OrderReport

from tests.adapters.paper.bench import ALWAYS, SYMBOL, Bench
from tests.adapters.paper.scripts import Act, run, sessions

REAL = PaperConfig(participation=Rate.of("0.3"))
CONFIGS = [
    REAL,
    attrs.evolve(REAL, margin_mode=MarginMode.CROSS, path=PathRule.SEEDED, seed=7),
    attrs.evolve(REAL, latency_ms=30_000),
]
ZERO = Decimal(0)


def total(numbers: list[Decimal]) -> Decimal:
    result = ZERO
    for number in numbers:
        result = EXACT.add(result, number)
    return result


def check_books(bench: Bench) -> None:
    """Equity = opening + cash flows + position at mark - fees - funding, to the last digit."""
    executions = bench.executions()
    signed = [e.qty.value * e.side.sign for e in executions]
    flows = [EXACT.multiply(-q, e.price.value) for q, e in zip(signed, executions, strict=True)]
    fees = total([e.fee.value for e in executions])
    funding = total([p.amount.value for p in bench.venue.funding_payments(None, ALWAYS).rows])
    report = bench.position()
    assert report.qty.value == total(signed)
    at_mark = EXACT.multiply(report.qty.value, report.mark.value)
    equity = total([bench.wallet.value, *flows, at_mark, -fees, -funding])
    account = bench.account()
    assert account.equity.value == equity
    assert (account.equity - account.wallet) == report.unrealised


def check_orders(bench: Bench) -> None:
    """Executions add up to their orders, and what waits is consistent with the position."""
    executions, position = bench.executions(), bench.position()
    for order in bench.venue.order_history(None, ALWAYS).rows:
        own = [e for e in executions if e.venue_id == order.venue_id]
        assert order.qty_filled.value == total([e.qty.value for e in own])
        value = total([EXACT.multiply(e.qty.value, e.price.value) for e in own])
        assert order.value_filled.value == value
        assert order.qty_filled <= order.qty
    protection = [o for o in bench.venue.open_orders() if o.client_id is None]
    assert all(o.qty == abs(position.qty) for o in protection)
    assert len({o.origin for o in protection}) == len(protection)
    if position.qty.sign == 0:
        assert protection == []


def check_messages(bench: Bench) -> None:
    """Every order's published states are a legal walk, and nothing ended comes back."""
    walks: dict[str, list[OrderReport]] = {}
    for message in bench.messages:
        if isinstance(message, OrderReport):
            walks.setdefault(message.venue_id, []).append(message)
    for walk in walks.values():
        for earlier, later in pairwise(walk):
            same = earlier.status is later.status
            assert same or may_become(earlier.status, later.status), (earlier, later)
            assert later.qty_filled >= earlier.qty_filled


@pytest.mark.parametrize("config", CONFIGS, ids=["isolated", "cross", "latency"])
@given(acts=sessions())
@settings(deadline=None, max_examples=40)
def test_the_books_are_exact_after_every_step(config: PaperConfig, acts: list[Act]) -> None:
    bench = Bench(config=config)
    for _ in run(bench, acts):
        check_books(bench)
    check_orders(bench)
    check_messages(bench)
    bench.venue.close()


@given(acts=sessions())
@settings(deadline=None, max_examples=40)
def test_the_same_session_gives_the_same_everything(acts: list[Act]) -> None:
    first, second = Bench(config=REAL), Bench(config=REAL)
    for _ in run(first, acts):
        pass
    for _ in run(second, acts):
        pass
    assert first.messages == second.messages
    assert [repr(m) for m in first.messages] == [repr(m) for m in second.messages]


def test_another_seed_gives_other_ids_and_the_same_money() -> None:
    acts = [Act("order", (500, 0, 7, 0)), Act("bar", (20_000, 20_500, 19_000, 20_100, 9))]
    first, second = Bench(config=REAL), Bench(config=attrs.evolve(REAL, seed=1))
    for bench in (first, second):
        for _ in run(bench, acts):
            pass
    assert first.executions()
    assert first.executions()[0].execution_id != second.executions()[0].execution_id
    assert first.account() == second.account()


@given(
    side=st.sampled_from(list(Side)),
    leverage=st.integers(1, 100),
    size=st.integers(1, 900),
    gap=st.integers(1, 90_000),
)
@settings(deadline=None, max_examples=60)
def test_no_gap_costs_an_isolated_position_more_than_its_margin(
    side: Side, leverage: int, size: int, gap: int
) -> None:
    bench = Bench()
    bench.price("20000")
    bench.venue.set_leverage(SYMBOL, Rate.of(leverage))
    bench.send(bench.order(side, f"{size}e-3"))
    margin, before = bench.position().initial_margin, bench.account().wallet
    bench.price(str(gap))
    assert bench.account().wallet >= before - margin
    assert bench.account().equity >= before - margin
