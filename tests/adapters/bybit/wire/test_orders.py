"""Order rows mean what the venue's documentation says."""

import pytest
from tidegate.adapters.bybit.wire.fields import Unreadable
from tidegate.adapters.bybit.wire.orders import order_report
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Money, Price, Qty
from tidegate.domain.orders import (
    ClientId,
    OrderKind,
    ProtectiveLeg,
    Side,
    Symbol,
    TimeInForce,
    Trigger,
    TriggerBy,
    TriggerDirection,
    VenueOrderId,
)
from tidegate.domain.reports import CancelReason, OrderReport, Origin, RejectReason

from .rows import ORDER


def test_a_limit_order_is_read_in_full() -> None:
    assert order_report(ORDER) == OrderReport(
        symbol=Symbol("ETHUSDT"),
        venue_id=VenueOrderId("fd4300ae-7847-404e-b947-b46980a4d140"),
        client_id=ClientId("tg0000000000000000-e-1"),
        side=Side.BUY,
        kind=OrderKind.LIMIT,
        status=Status.PARTIALLY_FILLED,
        qty=Qty.of("0.10"),
        qty_filled=Qty.of("0.04"),
        value_filled=Money.of("63.98"),
        price=Price.of("1600"),
        stop_loss=ProtectiveLeg(price=Price.of(1500), by=TriggerBy.MARK),
        take_profit=ProtectiveLeg(price=Price.of(2500)),
        time_in_force=TimeInForce.GTC,
        created_ms=1_684_738_540_559,
        updated_ms=1_684_738_540_561,
    )


def test_the_price_of_a_market_order_is_its_bound_and_left_out() -> None:
    row = {**ORDER, "orderType": "Market", "timeInForce": "IOC", "price": "123615.9"}
    report = order_report(row)
    assert report.kind is OrderKind.MARKET
    assert report.price is None
    assert report.time_in_force is TimeInForce.IOC


@pytest.mark.parametrize("nothing", ["", "0", "0.00", None])
def test_no_stop_is_written_in_several_ways(nothing: str | None) -> None:
    report = order_report({**ORDER, "stopLoss": nothing, "takeProfit": nothing})
    assert (report.stop_loss, report.take_profit) == (None, None)


@pytest.mark.parametrize(
    ("number", "direction"),
    [(1, TriggerDirection.RISES_TO), (2, TriggerDirection.FALLS_TO)],
)
def test_a_conditional_order_has_its_trigger(number: int, direction: TriggerDirection) -> None:
    row = {
        **ORDER,
        "orderStatus": "Untriggered",
        "stopOrderType": "Stop",
        "triggerPrice": "1700.5",
        "triggerDirection": number,
        "triggerBy": "IndexPrice",
    }
    report = order_report(row)
    assert report.status is Status.UNTRIGGERED
    assert report.trigger == Trigger(
        price=Price.of("1700.5"), direction=direction, by=TriggerBy.INDEX
    )
    assert report.origin is Origin.USER


def test_a_stop_of_the_venue_s_own_has_no_client_id() -> None:
    row = {
        **ORDER,
        "orderLinkId": "",
        "parentOrderLinkId": "tg0000000000000000-e-1",
        "orderType": "Market",
        "orderStatus": "Untriggered",
        "createType": "CreateByPartialStopLoss",
        "stopOrderType": "PartialStopLoss",
        "triggerPrice": "1500",
        "triggerDirection": 2,
        "triggerBy": "",
        "reduceOnly": True,
    }
    report = order_report(row)
    assert report.client_id is None
    assert report.parent_client_id == "tg0000000000000000-e-1"
    assert report.origin is Origin.STOP_LOSS
    assert report.reduce_only
    assert report.trigger is not None
    assert report.trigger.by is TriggerBy.LAST


@pytest.mark.parametrize(
    ("create_type", "stop_type", "origin"),
    [
        ("CreateByUser", "", Origin.USER),
        ("CreateByTakeProfit", "TakeProfit", Origin.TAKE_PROFIT),
        ("CreateByTrailingStop", "TrailingStop", Origin.TRAILING_STOP),
        ("CreateByTrailingProfit", "TrailingStop", Origin.TRAILING_STOP),
        ("CreateByLiq", "", Origin.LIQUIDATION),
        ("CreateByTakeOver_PassThrough", "", Origin.LIQUIDATION),
        ("CreateByAdl_PassThrough", "", Origin.AUTO_DELEVERAGING),
        ("CreateBySettle", "", Origin.SETTLEMENT),
        ("CreateByClosing", "", Origin.OTHER),
        ("CreateBySomethingNew", "", Origin.OTHER),
        ("", "StopLoss", Origin.STOP_LOSS),
        ("", "", Origin.USER),
    ],
)
def test_who_made_an_order_is_an_open_set(create_type: str, stop_type: str, origin: Origin) -> None:
    row = {**ORDER, "createType": create_type, "stopOrderType": stop_type}
    assert order_report(row).origin is origin


@pytest.mark.parametrize(
    ("cancel_type", "reject_reason", "reason"),
    [
        ("CancelByUser", "EC_PerCancelRequest", CancelReason.BY_USER),
        ("UNKNOWN", "EC_PostOnlyWillTakeLiquidity", CancelReason.POST_ONLY_WOULD_TAKE),
        ("UNKNOWN", "EC_NoImmediateQtyToFill", CancelReason.NOTHING_TO_FILL),
        ("UNKNOWN", "EC_CancelForNoFullFill", CancelReason.NOT_FULLY_FILLED),
        ("CancelByReduceOnly", "EC_NoError", CancelReason.REDUCE_ONLY),
        ("CancelAllBeforeLiq", "EC_NoError", CancelReason.BEFORE_LIQUIDATION),
        ("CancelByPrepareLiq", "EC_NoError", CancelReason.BEFORE_LIQUIDATION),
        ("CancelByTpSlTsClear", "EC_NoError", CancelReason.POSITION_CLOSED),
        ("CancelByOCOTpCanceledBySlTriggered", "EC_NoError", CancelReason.SIBLING_TRIGGERED),
        ("CancelBySmp", "EC_NoError", CancelReason.SELF_MATCH),
        ("CancelByDCP", "EC_NoError", CancelReason.BY_VENUE),
        ("CancelBySomethingNew", "EC_NoError", CancelReason.BY_VENUE),
        ("UNKNOWN", "EC_SomethingNew", CancelReason.BY_VENUE),
        ("UNKNOWN", "EC_NoError", None),
        ("", "", None),
    ],
)
@pytest.mark.parametrize("status", ["Cancelled", "Deactivated"])
def test_why_an_order_was_cancelled_is_an_open_set(
    status: str, cancel_type: str, reject_reason: str, reason: CancelReason | None
) -> None:
    row = {
        **ORDER,
        "orderStatus": status,
        "cumExecQty": "0",
        "cancelType": cancel_type,
        "rejectReason": reject_reason,
    }
    assert order_report(row).cancel_reason is reason


def test_an_order_that_ran_out_of_makers_was_not_fully_filled() -> None:
    row = {**ORDER, "orderStatus": "Cancelled", "rejectReason": "EC_NoImmediateQtyToFill"}
    assert order_report(row).cancel_reason is CancelReason.NOT_FULLY_FILLED


def test_a_filled_order_has_no_reason_even_after_a_cancel_that_lost() -> None:
    row = {
        **ORDER,
        "orderStatus": "Filled",
        "cancelType": "CancelByUser",
        "rejectReason": "EC_OrigClOrdIDDoesNotExist",
    }
    assert order_report(row).status is Status.FILLED
    assert order_report(row).cancel_reason is None


def test_a_rejected_order_says_why() -> None:
    row = {**ORDER, "orderStatus": "Rejected", "rejectReason": "EC_ReachRiskPriceLimit"}
    assert order_report(row).reject_reason is RejectReason.PRICE_OUT_OF_RANGE
    row["rejectReason"] = "EC_SomethingNew"
    assert order_report(row).reject_reason is RejectReason.OTHER


def test_new_fields_are_ignored() -> None:
    assert order_report({**ORDER, "somethingNew": {"a": [1]}}) == order_report(ORDER)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("side", "Both"),
        ("side", ""),
        ("orderStatus", "SomethingNew"),
        ("orderType", "UNKNOWN"),
        ("timeInForce", "GTD"),
        ("triggerBy", "SomethingNew"),
        ("positionIdx", 1),
        ("qty", ""),
        ("qty", "-1"),
        ("qty", 1.5),
        ("qty", 1),
        ("qty", "1_000"),
        ("qty", "\u0661"),
        ("qty", "NaN"),
        ("qty", "Infinity"),
        ("qty", "1e9999"),
        ("price", "0"),
        ("price", "-1"),
        ("reduceOnly", "false"),
        ("createdTime", ""),
        ("createdTime", True),
        ("createdTime", "-5"),
        ("orderId", ""),
        ("orderId", 12),
        ("symbol", None),
    ],
)
def test_what_is_not_understood_is_said_with_its_field(field: str, value: object) -> None:
    row = {**ORDER, "triggerPrice": "1700", "triggerDirection": 1, field: value}
    with pytest.raises(Unreadable) as unreadable:
        order_report(row)
    assert unreadable.value.source == "order"
    assert unreadable.value.field == field
    assert field in str(unreadable.value)


def test_a_missing_field_is_said_to_be_missing() -> None:
    row = {name: value for name, value in ORDER.items() if name != "orderStatus"}
    with pytest.raises(Unreadable, match="orderStatus is missing"):
        order_report(row)


def test_what_is_shown_of_a_bad_value_is_bounded() -> None:
    with pytest.raises(Unreadable) as unreadable:
        order_report({**ORDER, "side": "x" * 1_000_000})
    assert len(str(unreadable.value)) < 400
