"""An addition is liquidated with what its symbol holds: golden rows, and one order or two halves.

The rows are worked by hand with the formulas of Bybit's help centre, "Liquidation Price (USDT
contract)", over the whole position: S is all of it and E its average entry. The first tier keeps
0.33 %, the second, above 300,000 USDT, 0.5 % less 510; the taker rate is 0.055 %.
"""

from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tidegate.domain.liquidation import Joined, LiquidationTerms
from tidegate.domain.money import ZERO_MONEY, Money, Price, Qty, Rate
from tidegate.domain.orders import Side
from tidegate.domain.reports import MarginMode

from .samples import BTCUSDT

LONG, SHORT = Side.BUY, Side.SELL
ISOLATED, CROSS = MarginMode.ISOLATED, MarginMode.CROSS


def terms(side: Side, mode: MarginMode, worst: str, leverage: int, **more: Any) -> LiquidationTerms:
    """Return the terms of an entry on an account of 10,000 USDT; exposure is what is joined."""
    joined = more.get("joined", Joined())
    exposure = joined.cost
    for price, qty in joined.in_flight:
        exposure = exposure + price * qty
    return LiquidationTerms(
        instrument=BTCUSDT,
        side=side,
        worst=Price.of(worst),
        leverage=Rate.of(leverage),
        taker=Rate.of("0.00055"),
        margin_mode=mode,
        wallet=Money.of(10_000),
        exposure_symbol=exposure,
        others_unrealised=ZERO_MONEY,
        others_maintenance=ZERO_MONEY,
        joined=joined,
    )


def held(qty: str, entry: str, *in_flight: tuple[str, str]) -> Joined:
    waiting = tuple((Price.of(price), Qty.of(size)) for price, size in in_flight)
    return Joined(qty=Qty.of(qty), cost=Price.of(entry) * Qty.of(qty), in_flight=waiting)


def cents(price: Price | None) -> str:
    assert price is not None
    return f"{price.value:.2f}"


@pytest.mark.parametrize(
    ("side", "mode", "leverage", "joined", "worst", "qty", "expected"),
    [
        # E = (0.03 x 60000 + 0.001 x 55000) / 0.031 = 1855 / 0.031; E x 0.9 / 0.9967.
        (LONG, ISOLATED, 10, held("0.03", "60000"), "55000", "0.001", "54033.15"),
        # E = (1800 + 65) / 0.031; E x 1.1 / 1.0033.
        (SHORT, ISOLATED, 10, held("0.03", "60000"), "65000", "0.001", "65959.75"),
        # 5.12 x 60000 = 307,200: second tier. (60000 x 29/30 - 510 / 5.12) / 0.995.
        (LONG, ISOLATED, 30, held("5.1", "60000"), "60000", "0.02", "58191.35"),
        # (60000 x 31/30 + 510 / 5.12) / 1.005.
        (SHORT, ISOLATED, 30, held("5.1", "60000"), "60000", "0.02", "61790.66"),
        # (396000 - 10000 - 510) / [6.6 x (1 - 0.005 - 0.00055 x 0.98)] = 385490 / 6.5634426.
        (LONG, CROSS, 50, held("3.3", "60000"), "60000", "3.3", "58732.90"),
        # (396000 + 10000 + 510) / [6.6 x (1 + 0.005 + 0.00055 x 1.02)] = 406510 / 6.6367026.
        (SHORT, CROSS, 50, held("3.3", "60000"), "60000", "3.3", "61251.80"),
        # Half of it is an entry in flight: the same position.
        (LONG, CROSS, 50, held("1.3", "60000", ("60000", "2")), "60000", "3.3", "58732.90"),
        # Flat: 60000 x 0.9 / 0.9967 and 60000 x 1.1 / 1.0033, whatever the quantity.
        (LONG, ISOLATED, 10, Joined(), "60000", "0.03", "54178.79"),
        (SHORT, ISOLATED, 10, Joined(), "60000", "0.03", "65782.92"),
    ],
)
def test_the_whole_position_is_liquidated(
    side: Side,
    mode: MarginMode,
    leverage: int,
    joined: Joined,
    worst: str,
    qty: str,
    expected: str,
) -> None:
    assert cents(terms(side, mode, worst, leverage, joined=joined).at(Qty.of(qty))) == expected


@pytest.mark.parametrize(
    ("side", "far", "near", "expected"),
    [
        # What waits at the better price may not fill: held and new alone are the first golden row.
        (LONG, "54500", "55000", "54033.15"),
        (SHORT, "65500", "65000", "65959.75"),
    ],
)
def test_an_entry_in_flight_counts_only_where_it_brings_the_liquidation_nearer(
    side: Side, far: str, near: str, expected: str
) -> None:
    joined = held("0.03", "60000", (far, "0.5"))
    assert cents(terms(side, ISOLATED, near, 10, joined=joined).at(Qty.of("0.001"))) == expected


def test_of_several_in_flight_the_dearest_count() -> None:
    """Held and new are 1 at 55,000; 1 in flight at 59,000 makes 57,000, and 53,000 would help."""
    joined = held("0.5", "55000", ("53000", "1"), ("59000", "1"))
    # By hand: 57000 x 0.9 / 0.9967.
    assert cents(terms(LONG, ISOLATED, "55000", 10, joined=joined).at(Qty.of("0.5"))) == "51469.85"


def test_an_entry_of_nothing_has_no_liquidation_price() -> None:
    with pytest.raises(ValueError, match="above zero"):
        terms(LONG, ISOLATED, "60000", 10).at(Qty.of(0))


@settings(deadline=None)
@given(
    side=st.sampled_from(Side),
    mode=st.sampled_from(MarginMode),
    leverage=st.integers(2, 100),
    steps=st.integers(1, 20_000),
    entry=st.integers(10_000, 120_000),
    is_filled=st.booleans(),
)
def test_two_halves_are_liquidated_where_one_order_is(
    side: Side, mode: MarginMode, leverage: int, steps: int, entry: int, *, is_filled: bool
) -> None:
    """The first half is held, or in flight: it may stay out, and then the nearer price counts."""
    half = Qty(Decimal(steps).scaleb(-3))
    alone = terms(side, mode, str(entry), leverage)
    at_once = alone.at(half + half)
    if is_filled:
        first = held(str(half.value), str(entry))
        assert terms(side, mode, str(entry), leverage, joined=first).at(half) == at_once
        return
    first = Joined(in_flight=((Price.of(entry), half),))
    either = [price for price in (at_once, alone.at(half)) if price is not None]
    nearest = max if side is LONG else min
    seen = terms(side, mode, str(entry), leverage, joined=first).at(half)
    assert seen == nearest(either, default=None)


def test_the_tier_is_that_of_the_whole_exposure_and_others_weigh_in_cross() -> None:
    # Of 10,000, 1,000 are behind elsewhere and 500 needed there: 8,500 is left.
    more = attrs.evolve(
        terms(LONG, CROSS, "60000", 50, joined=held("3.3", "60000")),
        others_unrealised=Money.of(-1_000),
        others_maintenance=Money.of(500),
    )
    # By hand: (396000 - 8500 - 510) / 6.5634426.
    assert cents(more.at(Qty.of("3.3"))) == "58961.44"
