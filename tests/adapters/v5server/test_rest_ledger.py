"""The ledger agrees with the venue at every step, and its parts with each other."""

import random
from collections.abc import Iterator

import attrs
import pytest
from tidegate.adapters.v5server.accounts import Account
from tidegate.adapters.v5server.exchange import Exchange
from tidegate.adapters.v5server.ledger import AccountLedger, Booked, Paid
from tidegate.domain.money import ZERO_MONEY, Money, Price, Qty, Rate
from tidegate.domain.orders import Side, VenueOrderId
from tidegate.domain.position import FLAT
from tidegate.domain.reports import Execution

from tests.domain.samples import BTCUSDT

from .bench import Bench
from .requests import market, placed

SYMBOL = BTCUSDT.symbol


def execution(number: int, side: Side, qty: str, price: str, fee: str = "0") -> Execution:
    return Execution(
        execution_id=f"e{number}",
        symbol=SYMBOL,
        venue_id=VenueOrderId(f"o{number}"),
        client_id=None,
        side=side,
        qty=Qty.of(qty),
        price=Price.of(price),
        fee=Money.of(fee),
        is_maker=False,
        time_ms=1_000 + number,
    )


def money(text: str) -> Money:
    return Money.of(text)


def test_a_reduction_takes_its_share_of_the_opening_fees() -> None:
    ledger = AccountLedger(money("1000"))
    ledger.book(execution(1, Side.BUY, "2", "100", "0.3"))
    ledger.book(execution(2, Side.BUY, "1", "100", "0.6"))
    closing = ledger.book(execution(3, Side.SELL, "1", "110", "0.2"))
    assert (closing.open_fee, closing.close_fee) == (money("0.3"), money("0.2"))
    assert (closing.profit, closing.entry_value) == (money("10"), money("100"))
    books = ledger.symbol(SYMBOL)
    assert books.open_fees == money("0.6")
    assert books.realised_now == money("8.9")
    assert ledger.wallet == money("1008.9")


def test_a_reversal_divides_its_fee_between_closing_and_opening() -> None:
    ledger = AccountLedger(money("1000"))
    ledger.book(execution(1, Side.SELL, "1", "100", "0.1"))
    reversal = ledger.book(execution(2, Side.BUY, "4", "90", "0.4"))
    assert (reversal.qty_closed, reversal.close_fee) == (Qty.of("1"), money("0.1"))
    assert reversal.open_fee == money("0.1")
    books = ledger.symbol(SYMBOL)
    assert (books.position.qty, books.open_fees) == (Qty.of("3"), money("0.3"))
    assert books.opened_ms == 1_002
    assert books.first_ms == 1_001


def test_what_is_realised_begins_anew_with_a_position_and_stays_after_it() -> None:
    ledger = AccountLedger(money("1000"))
    ledger.book(execution(1, Side.BUY, "1", "100"))
    ledger.book(execution(2, Side.SELL, "1", "107"))
    assert ledger.symbol(SYMBOL).realised_now == money("7")
    ledger.book(execution(3, Side.BUY, "1", "100", "0.5"))
    books = ledger.symbol(SYMBOL)
    assert (books.realised_now, books.realised_ever) == (money("-0.5"), money("6.5"))


def test_a_reversal_begins_the_realised_profit_of_the_position_that_it_opens() -> None:
    ledger = AccountLedger(money("1000"))
    ledger.book(execution(1, Side.SELL, "1", "100", "0.1"))
    ledger.book(execution(2, Side.BUY, "4", "90", "0.4"))
    books = ledger.symbol(SYMBOL)
    assert (books.realised_now, books.realised_ever) == (money("-0.3"), money("9.5"))


def test_an_empty_ledger_knows_nothing() -> None:
    ledger = AccountLedger(money("5"))
    assert ledger.symbol(SYMBOL).position == FLAT
    assert ledger.symbol(SYMBOL).seq == -1
    assert ledger.entries == ()


@pytest.fixture
def bench() -> Iterator[Bench]:
    wide = attrs.evolve(BTCUSDT, price_band_x=Rate.of("0.5"), price_band_y=Rate.of("0.6"))
    with Bench(instruments=(wide,)) as bench:
        bench.price("60000")
        yield bench


def check(exchange: Exchange) -> None:
    """The wallet, the position and its entry are those of the venue, to the last digit."""
    account = exchange.accounts.first
    ledger, held = account.ledger, account.venue.position(SYMBOL)
    assert ledger.wallet == account.venue.account().wallet
    books = ledger.symbol(SYMBOL)
    assert (books.position.qty, books.position.entry_price) == (held.qty, held.entry_price)
    _check_profit(account)


def _check_profit(account: Account) -> None:
    """Closed profit, funding and the fees of what is held explain the whole wallet."""
    profit, paid = ZERO_MONEY, ZERO_MONEY
    for entry in account.ledger.entries:
        match entry:
            case Booked():
                profit += entry.profit - entry.open_fee - entry.close_fee
            case Paid(payment=payment):
                paid += payment.amount
            case _:
                raise AssertionError("no money was moved here")
    books = account.ledger.symbol(SYMBOL)
    change = account.ledger.wallet - account.spec.wallet
    difference = change - (profit - paid - books.open_fees)
    assert abs(difference) < money("1e-30")
    assert books.realised_ever == change


def step(bench: Bench, chance: random.Random, price: int) -> int:
    client = bench.client()
    match chance.choice(("buy", "sell", "buy", "sell", "price", "price", "funding", "rest")):
        case "buy" | "sell" as side:
            market(client, side.capitalize(), str(chance.randint(1, 300) / 1000))
        case "price":
            price += chance.randint(-400, 400)
            bench.price(str(price))
        case "funding":
            bench.funding(f"{chance.randint(-20, 20) / 10000:.4f}")
        case _:
            placed(client, qty="0.05", price=str(price - chance.randint(10, 200)))
    return price


@pytest.mark.parametrize("seed", range(6))
def test_the_ledger_is_the_venue_s_at_every_step(bench: Bench, seed: int) -> None:
    chance, price = random.Random(seed), 60_000  # noqa: S311 - a test's own sequence
    for _ in range(60):
        bench.advance(200)
        price = step(bench, chance, price)
        bench.server.call(check)
    assert bench.server.call(lambda exchange: len(exchange.accounts.first.ledger.entries)) > 20


@pytest.mark.parametrize("side", ["Buy", "Sell"])
def test_a_liquidation_leaves_the_ledger_with_the_venue(bench: Bench, side: str) -> None:
    market(bench.client(), side, "10")
    bench.price("40000" if side == "Buy" else "80000")
    bench.server.call(check)
    report = bench.server.call(lambda exchange: exchange.accounts.first.venue.position(SYMBOL))
    assert report.qty == Qty.of(0)


def test_orders_have_the_fees_that_the_venue_keeps(bench: Bench) -> None:
    client = bench.client()
    placed(client, qty="0.5", price="59000")
    for price in ("58900", "58800", "58700"):
        bench.price(price, size=Qty.of("0.2"))

    def compare(exchange: Exchange) -> int:
        account = exchange.accounts.first
        for numbered in (*account.orders.open_orders(), *account.orders.ended_orders()):
            report = numbered.report
            order = account.venue.wire_order(report.venue_id)
            assert order is not None
            assert account.ledger.order(report.venue_id).fee == order.fee
        return len(account.ledger.entries)

    assert bench.server.call(compare) == 3
