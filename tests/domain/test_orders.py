"""What an order may be: combinations that no venue can mean are refused when it is built."""

import re
from typing import Any

import pytest
from tidegate.domain.money import ZERO_QTY, Price, Qty
from tidegate.domain.orders import (
    ClientId,
    OrderKind,
    OrderRequest,
    ProtectiveLeg,
    Purpose,
    Reduction,
    Role,
    Side,
    Symbol,
    TimeInForce,
    Trigger,
    TriggerDirection,
)

LEG = ProtectiveLeg(price=Price.of("64000"))


def order(**changes: Any) -> OrderRequest:
    """Return a market buy of 0.010, with changes."""
    plain: dict[str, Any] = {
        "client_id": ClientId("order-1"),
        "symbol": Symbol("BTCUSDT"),
        "side": Side.BUY,
        "qty": Qty.of("0.010"),
        "kind": OrderKind.MARKET,
        "purpose": Purpose(Role.ENTRY),
    }
    return OrderRequest(**{**plain, **changes})


@pytest.mark.parametrize("name", ["a", "A-z_09", "x" * 36])
def test_a_client_id_of_the_venues_alphabet_and_length_is_accepted(name: str) -> None:
    assert order(client_id=ClientId(name)).client_id == name


@pytest.mark.parametrize("name", ["", "x" * 37, "a b", "a.b", "ä"])
def test_another_client_id_is_refused_with_what_is_accepted(name: str) -> None:
    text = f"client id {name!r}: 1 to 36 characters of 0-9 A-Z a-z - _"
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        order(client_id=ClientId(name))


@pytest.mark.parametrize("qty", [ZERO_QTY, Qty.of("-0.010")])
def test_a_quantity_must_be_above_zero(qty: Qty) -> None:
    text = f"quantity {qty} of order-1: must be above zero"
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        order(qty=qty)


def test_a_limit_order_needs_a_price() -> None:
    text = "limit order order-1 with price None: a limit order needs a price"
    with pytest.raises(ValueError, match=text):
        order(kind=OrderKind.LIMIT)
    priced = order(kind=OrderKind.LIMIT, price=Price.of("65000"))
    assert priced.price == Price.of("65000")


def test_a_market_order_takes_no_price() -> None:
    text = r"market order order-1 with price 65000: .* a market order takes none"
    with pytest.raises(ValueError, match=text):
        order(price=Price.of("65000"))
    assert order().price is None


@pytest.mark.parametrize("leg", ["stop_loss", "take_profit"])
def test_protection_travels_in_opening_orders_only(leg: str) -> None:
    assert getattr(order(**{leg: LEG}), leg) == LEG
    text = r"reduce-only order order-1 carries a take-profit or stop-loss: .* opening orders only"
    with pytest.raises(ValueError, match=text):
        order(reduce_only=True, **{leg: LEG})


def test_a_market_order_cannot_be_post_only() -> None:
    with pytest.raises(ValueError, match=r"^market order order-1 cannot be post-only$"):
        order(time_in_force=TimeInForce.POST_ONLY)
    resting = order(
        kind=OrderKind.LIMIT, price=Price.of("65000"), time_in_force=TimeInForce.POST_ONLY
    )
    assert resting.time_in_force is TimeInForce.POST_ONLY


def test_only_what_is_reduce_only_goes_without_approval() -> None:
    reducing = order(reduce_only=True)
    assert Reduction(reducing).order is reducing
    with pytest.raises(
        ValueError, match=r"^order order-1 is not reduce-only: only `judge` may approve"
    ):
        Reduction(order())


@pytest.mark.parametrize(
    ("direction", "price", "fires"),
    [
        (TriggerDirection.RISES_TO, "64999.9", False),
        (TriggerDirection.RISES_TO, "65000", True),
        (TriggerDirection.RISES_TO, "65000.1", True),
        (TriggerDirection.FALLS_TO, "65000.1", False),
        (TriggerDirection.FALLS_TO, "65000", True),
        (TriggerDirection.FALLS_TO, "64999.9", True),
    ],
)
def test_a_trigger_fires_at_its_price_and_beyond_it(
    direction: TriggerDirection, price: str, *, fires: bool
) -> None:
    trigger = Trigger(price=Price.of("65000"), direction=direction)
    assert trigger.fires_at(Price.of(price)) is fires


def test_the_opposite_side_reduces_and_the_sign_tells_long_from_short() -> None:
    assert (Side.BUY.opposite, Side.SELL.opposite) == (Side.SELL, Side.BUY)
    assert (Side.BUY.sign, Side.SELL.sign) == (1, -1)


def test_a_purpose_is_named_by_its_role_and_rung() -> None:
    assert str(Purpose(Role.CLOSE)) == "close"
    assert str(Purpose(Role.TAKE_PROFIT, 2)) == "take_profit 2"
