"""Requests say what the domain means, as text, and nothing more."""

import attrs
import orjson
import pytest
from tidegate.adapters.bybit.wire.requests import (
    Unsendable,
    amend_body,
    batch_body,
    cancel_all_body,
    cancel_body,
    leverage_body,
    order_body,
    stop_body,
)
from tidegate.domain.money import Distance, Price, Qty, Rate
from tidegate.domain.orders import (
    ClientId,
    OrderKind,
    OrderRequest,
    ProtectiveLeg,
    Purpose,
    Role,
    Side,
    Symbol,
    TimeInForce,
    Trigger,
    TriggerBy,
    TriggerDirection,
    VenueOrderId,
)
from tidegate.ports.exchange import Amendment, PositionStop

BTC = Symbol("BTCUSDT")
ID = ClientId("tg0000000000000000-e-1")
LIMIT = OrderRequest(
    client_id=ID,
    symbol=BTC,
    side=Side.BUY,
    qty=Qty.of("0.00000001"),
    kind=OrderKind.LIMIT,
    purpose=Purpose(Role.ENTRY),
    price=Price.of("1E+5"),
)
MARKET = attrs.evolve(LIMIT, kind=OrderKind.MARKET, price=None)
COMMON = {
    "category": "linear",
    "symbol": "BTCUSDT",
    "side": "Buy",
    "qty": "0.00000001",
    "orderLinkId": ID,
    "positionIdx": 0,
}


def test_numbers_are_text_without_an_exponent() -> None:
    assert order_body(LIMIT) == {
        **COMMON,
        "orderType": "Limit",
        "price": "100000",
        "timeInForce": "GTC",
    }
    assert order_body(MARKET) == {**COMMON, "orderType": "Market"}


@pytest.mark.parametrize(
    ("meant", "word"),
    [
        (TimeInForce.IOC, "IOC"),
        (TimeInForce.FOK, "FOK"),
        (TimeInForce.POST_ONLY, "PostOnly"),
    ],
)
def test_how_long_an_order_may_rest(meant: TimeInForce, word: str) -> None:
    assert order_body(attrs.evolve(LIMIT, time_in_force=meant))["timeInForce"] == word


def test_protection_travels_inside_the_entry_for_the_whole_position() -> None:
    order = attrs.evolve(
        MARKET,
        stop_loss=ProtectiveLeg(price=Price.of("59000.5"), by=TriggerBy.MARK),
        take_profit=ProtectiveLeg(price=Price.of(65000)),
    )
    body = order_body(order)
    assert body["stopLoss"] == "59000.5"
    assert body["slTriggerBy"] == "MarkPrice"
    assert body["takeProfit"] == "65000"
    assert body["tpTriggerBy"] == "LastPrice"
    assert body["tpslMode"] == "Full"


@pytest.mark.parametrize(
    ("direction", "number"), [(TriggerDirection.RISES_TO, 1), (TriggerDirection.FALLS_TO, 2)]
)
def test_a_trigger_makes_an_order_conditional(direction: TriggerDirection, number: int) -> None:
    trigger = Trigger(price=Price.of("61000"), direction=direction, by=TriggerBy.INDEX)
    body = order_body(
        attrs.evolve(
            MARKET, side=Side.SELL, trigger=trigger, reduce_only=True, close_on_trigger=True
        )
    )
    assert body["side"] == "Sell"
    assert body["triggerPrice"] == "61000"
    assert body["triggerDirection"] == number
    assert body["triggerBy"] == "IndexPrice"
    assert body["reduceOnly"] is True
    assert body["closeOnTrigger"] is True


@pytest.mark.parametrize(
    ("bound", "sent"),
    [("0.005", "0.50"), ("0.0001", "0.01"), ("0.012399", "1.23"), ("0.1", "10.00")],
)
def test_a_slippage_bound_is_never_loosened(bound: str, sent: str) -> None:
    body = order_body(attrs.evolve(MARKET, slippage_max=Rate.of(bound)))
    assert body["slippageToleranceType"] == "Percent"
    assert body["slippageTolerance"] == sent


@pytest.mark.parametrize(
    "order",
    [
        attrs.evolve(MARKET, slippage_max=Rate.of("0.00009")),
        attrs.evolve(LIMIT, slippage_max=Rate.of("0.01")),
        attrs.evolve(
            MARKET,
            slippage_max=Rate.of("0.01"),
            trigger=Trigger(price=Price.of(1), direction=TriggerDirection.RISES_TO),
        ),
    ],
)
def test_a_bound_that_the_venue_cannot_keep_is_not_sent(order: OrderRequest) -> None:
    with pytest.raises(Unsendable, match=r"0\.0001"):
        order_body(order)


def test_an_amendment_holds_only_what_changes() -> None:
    assert amend_body(Amendment(symbol=BTC, client_id=ID, price=Price.of("60000.1"))) == {
        "category": "linear",
        "symbol": "BTCUSDT",
        "orderLinkId": ID,
        "price": "60000.1",
    }
    both = Amendment(symbol=BTC, client_id=ID, qty=Qty.of("0.5"), trigger_price=Price.of(1))
    body = amend_body(both)
    assert (body["qty"], body["triggerPrice"]) == ("0.5", "1")


def test_an_amended_leg_says_which_price_fires_it() -> None:
    leg = ProtectiveLeg(price=Price.of(59_000), by=TriggerBy.MARK)
    stop = amend_body(Amendment(symbol=BTC, client_id=ID, stop_loss=leg))
    target = amend_body(Amendment(symbol=BTC, client_id=ID, take_profit=leg))
    names = {"category": "linear", "symbol": "BTCUSDT", "orderLinkId": ID}
    assert stop == {**names, "stopLoss": "59000", "slTriggerBy": "MarkPrice"}
    assert target == {**names, "takeProfit": "59000", "tpTriggerBy": "MarkPrice"}


def test_a_leg_at_zero_is_written_as_zero() -> None:
    """Bybit V5 order/amend: ``0`` removes it, whatever would have fired it."""
    none = ProtectiveLeg(price=Price.of("0.00"), by=TriggerBy.MARK)
    body = amend_body(Amendment(symbol=BTC, client_id=ID, stop_loss=none, take_profit=none))
    assert (body["stopLoss"], body["takeProfit"]) == ("0", "0")
    assert "slTriggerBy" not in body
    assert "tpTriggerBy" not in body


def test_a_batch_names_its_category_once() -> None:
    one = cancel_body(BTC, client_id=ID, venue_id=None)
    other = cancel_body(BTC, client_id=None, venue_id=VenueOrderId("v"))
    assert batch_body([one, other]) == {
        "category": "linear",
        "request": [
            {"symbol": "BTCUSDT", "orderLinkId": ID},
            {"symbol": "BTCUSDT", "orderId": "v"},
        ],
    }
    assert one["category"] == "linear"


def test_a_cancel_all_has_a_scope_and_no_filter() -> None:
    """A filter would spare conditional or protective orders."""
    assert cancel_all_body(BTC) == {"category": "linear", "symbol": "BTCUSDT"}
    assert cancel_all_body(None) == {"category": "linear", "settleCoin": "USDT"}


def test_a_cancel_names_one_id() -> None:
    by_client = cancel_body(BTC, client_id=ID, venue_id=None)
    by_venue = cancel_body(BTC, client_id=None, venue_id=VenueOrderId("v"))
    assert (by_client["orderLinkId"], by_venue["orderId"]) == (ID, "v")
    assert "orderId" not in by_client
    assert "orderLinkId" not in by_venue


def test_a_stop_names_only_its_legs_and_zero_clears() -> None:
    only = stop_body(PositionStop(symbol=BTC, stop_loss=Price.of(0)))
    assert only == {
        "category": "linear",
        "symbol": "BTCUSDT",
        "tpslMode": "Full",
        "positionIdx": 0,
        "stopLoss": "0",
        "slTriggerBy": "LastPrice",
    }
    trailing = stop_body(
        PositionStop(
            symbol=BTC,
            take_profit=Price.of(70000),
            take_profit_by=TriggerBy.MARK,
            trailing_distance=Distance.of("150.5"),
            trailing_activation=Price.of(65000),
        )
    )
    assert trailing["takeProfit"] == "70000"
    assert trailing["tpTriggerBy"] == "MarkPrice"
    assert trailing["trailingStop"] == "150.5"
    assert trailing["activePrice"] == "65000"
    assert "stopLoss" not in trailing


def test_leverage_is_the_same_on_both_sides() -> None:
    body = leverage_body(BTC, Rate.of("12.5"))
    assert (body["buyLeverage"], body["sellLeverage"]) == ("12.5", "12.5")


def test_every_body_is_json() -> None:
    for body in (order_body(LIMIT), order_body(MARKET), leverage_body(BTC, Rate.of(1))):
        assert orjson.loads(orjson.dumps(body)) == body
