"""The judge itself: worked by hand, and shown to refuse records that cannot be true."""

from fractions import Fraction

import pytest

from .oracle import BooksFault, FillRecord, MarkRecord, Oracle, PaymentRecord

_TAKER, _MAKER = "0.00055", "0.0002"


def _oracle() -> Oracle:
    return Oracle(opening="10000", taker=_TAKER, maker=_MAKER)


def _fill(
    identity: str, sign: int, qty: str, price: str, fee: str, *, is_maker: int = 0
) -> FillRecord:
    return FillRecord(identity, "BTC", sign, qty, price, fee, is_maker, 0)


def _payment(amount: str, *, qty: str = "2") -> PaymentRecord:
    return PaymentRecord("f1", "BTC", "0.0001", "110", qty, amount, 0)


def test_a_round_trip_is_worked_out_to_the_last_digit() -> None:
    # Buy 2 at 100: fee 200 x 0.00055 = 0.11. Funding 2 x 110 x 0.0001 = 0.022, paid.
    # Sell 1.5 at 120 as maker: fee 180 x 0.0002 = 0.036, realised 1.5 x 20 = 30.
    # Mark 90: unrealised 0.5 x (90 - 100) = -5. Equity 10000 + 30 - 5 - 0.146 - 0.022.
    oracle = _oracle()
    oracle.take_all(
        (
            MarkRecord("BTC", "110", 0),
            _fill("e1", 1, "2", "100", "0.11"),
            _payment("0.022"),
            _fill("e2", -1, "1.5", "120", "0.036", is_maker=1),
            MarkRecord("BTC", "90", 1),
        )
    )
    assert oracle.position("BTC") == Fraction("0.5")
    assert oracle.wallet == Fraction("10029.832")
    assert oracle.equity() == Fraction("10024.832")
    assert oracle.trades == []
    # Sell the rest at 90: fee 45 x 0.00055 = 0.02475, realised -5; the trade made 25.
    oracle.take(_fill("e3", -1, "0.5", "90", "0.02475"))
    (trade,) = oracle.trades
    assert trade.profit == 25
    assert trade.fees == Fraction("0.17075")
    assert trade.funding == Fraction("0.022")
    assert oracle.equity() == oracle.wallet == Fraction("10024.80725")


def test_a_short_gains_when_the_price_falls_and_receives_funding() -> None:
    # Sell 3 at 100, mark 90: unrealised -3 x 90 + 300 = 30. Fee 300 x 0.00055 = 0.165.
    oracle = _oracle()
    oracle.take_all((_fill("e1", -1, "3", "100", "0.165"), MarkRecord("BTC", "90", 0)))
    assert oracle.unrealised() == 30
    oracle.take(PaymentRecord("f1", "BTC", "0.0001", "90", "-3", "-0.027", 0))
    assert oracle.wallet == 10_000 - Fraction("0.165") + Fraction("0.027")


def test_a_share_of_the_cost_is_rounded_to_even_at_18_decimals() -> None:
    # 1 at 33 and 2 at 33.5 cost 100. Closing 1 of the 3 moves out 100 / 3, rounded.
    oracle = _oracle()
    price = "33.5"
    oracle.take_all(
        (
            _fill("e1", 1, "1", "33", "0.01815"),
            _fill("e2", 1, "2", price, "0.03685"),
            _fill("e3", -1, "1", "40", "0.022"),
        )
    )
    # Realised 40 - 33.333333333333333333.
    assert oracle.realised == Fraction("6.666666666666666667")


def test_a_record_that_crosses_twice_counts_once() -> None:
    oracle = _oracle()
    fill = _fill("e1", 1, "2", "100", "0.11")
    oracle.take_all((fill, fill._replace()))
    assert oracle.position("BTC") == 2


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (_fill("e2", 1, "1", "100", "0"), "fee due"),
        (_fill("e2", 1, "1", "100", "0.02"), "fee due"),
        (_fill("e1", 1, "1", "100", "0.055"), "crossed twice and changed"),
        (_fill("e2", -1, "3", "100", "0.165"), "reverses"),
        (_fill("e2", 1, "0", "100", "0"), "above zero"),
        (_payment("-0.022"), "funding due"),
        (_payment("0.033", qty="3"), "the position is"),
    ],
    ids=["lost fee", "wrong fee", "changed", "reversal", "nothing", "sign of funding", "other qty"],
)
def test_a_record_that_cannot_be_true_is_refused(
    record: FillRecord | PaymentRecord, words: str
) -> None:
    oracle = _oracle()
    oracle.take(_fill("e1", 1, "2", "100", "0.11"))
    with pytest.raises(BooksFault, match=words):
        oracle.take(record)


def test_an_open_position_without_a_mark_has_no_equity() -> None:
    oracle = _oracle()
    oracle.take(_fill("e1", 1, "2", "100", "0.11"))
    with pytest.raises(BooksFault, match="no mark price"):
        oracle.equity()
