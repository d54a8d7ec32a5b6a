"""Every code of the venue's error list has its class; texts refine the catch-all."""

import pytest
from tidegate.adapters.bybit.codes import (
    CODES,
    CodeClass,
    meaning_for_order,
    meaning_for_query,
)
from tidegate.domain.reports import RejectReason

LISTED: dict[CodeClass, str] = {
    CodeClass.UNKNOWN_OUTCOME: "10000 10014 10016 20006",
    CodeClass.RETRY: "10019 429 10429 110079 40004 110118",
    CodeClass.RATE: "10006 10403 20003 10018",
    CodeClass.CLOCK: "10002 -1",
    CodeClass.AUTH: "10003 10004 10005 10007 10010 33004 -2015",
    CodeClass.HALT: (
        "10008 10009 10024 10027 10028 10029 110042 110063 110066 110074 30228 110095 110096 "
        "110097 110098 110099 110103 110123 110124 110125 110132 110137 110068 110069 110080 "
        "30134 30135 30136 3200403"
    ),
    CodeClass.OK_NOOP: "20001 110043 110025 110026 110027 34040 34036",
    CodeClass.BAD: (
        "10404 10001 10017 110019 110032 110003 110120 110121 30208 30209 110094 110022 110092 "
        "110093 110108 110109 110009 110020 110061 110015 110033 110034 110036 110037 110038 "
        "110076 110077 110078 110054 110055 110056 110057 110058 110059 110060 3500002 3500153"
    ),
    CodeClass.STATE: (
        "110001 110008 110010 110072 110017 110064 110024 110028 110029 110073 3400045"
    ),
    CodeClass.FUNDS: "110004 110006 110007 110012 110014 110044 110045 110051 110052 110053",
    CodeClass.RISK: (
        "110011 110039 110040 110046 110005 110013 110047 110048 110085 110086 110087 110089 "
        "110090 110021 110023 3400139 110131 110035"
    ),
}
"""Transcribed by hand from the documentation's list, apart from the table in the code."""


def test_the_table_holds_every_listed_code_in_its_class_and_no_other() -> None:
    listed = {int(code): kind for kind, codes in LISTED.items() for code in codes.split()}
    assert {code: meaning.kind for code, meaning in CODES.items()} == listed


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (110072, RejectReason.DUPLICATE_CLIENT_ID),
        (110001, RejectReason.ORDER_NOT_FOUND),
        (110010, RejectReason.ORDER_FINISHED),
        (110017, RejectReason.NOTHING_TO_REDUCE),
        (110007, RejectReason.INSUFFICIENT_MARGIN),
        (110003, RejectReason.PRICE_OUT_OF_RANGE),
        (110094, RejectReason.NOTIONAL_TOO_SMALL),
        (110092, RejectReason.TRIGGER_ON_WRONG_SIDE),
        (110013, RejectReason.LEVERAGE_NOT_ALLOWED),
        (110090, RejectReason.RISK_LIMIT),
        (110118, RejectReason.NO_LIQUIDITY),
        (110009, RejectReason.TOO_MANY_ORDERS),
        (34040, RejectReason.NOT_MODIFIED),
        (10006, RejectReason.RATE_LIMITED),
        (10429, RejectReason.RATE_LIMITED),
        (10002, RejectReason.CLOCK_SKEW),
        (10003, RejectReason.NOT_AUTHORISED),
        (30228, RejectReason.TRADING_HALTED),
    ],
)
def test_a_refusal_carries_the_reason_that_the_desk_acts_on(
    code: int, reason: RejectReason
) -> None:
    assert meaning_for_order(code, "").reason is reason
    assert meaning_for_query(code, "").reason is reason


@pytest.mark.parametrize(
    ("message", "kind", "reason"),
    [
        (
            "can not set tp/sl/ts for zero position",
            CodeClass.STATE,
            RejectReason.NO_POSITION,
        ),
        (
            "StopLoss:9634000 set for Buy position should lower than base_price:9489000??LastPrice",
            CodeClass.BAD,
            RejectReason.STOP_ON_WRONG_SIDE,
        ),
        (
            "current position is zero, cannot fix reduce-only order qty",
            CodeClass.STATE,
            RejectReason.NOTHING_TO_REDUCE,
        ),
        ("Reduce-only rule not satisfied", CodeClass.STATE, RejectReason.NOTHING_TO_REDUCE),
        ("order not modified", CodeClass.STATE, RejectReason.NOT_MODIFIED),
        ("buy: [94942,95901] invalid", CodeClass.BAD, RejectReason.NO_LIQUIDITY),
        ("Qty invalid", CodeClass.BAD, RejectReason.OFF_GRID),
        (
            "The number of contracts exceeds maximum limit allowed",
            CodeClass.BAD,
            RejectReason.QTY_OUT_OF_RANGE,
        ),
        ("position idx not match position mode", CodeClass.BAD, RejectReason.INVALID_PARAMETER),
        ("", CodeClass.BAD, RejectReason.INVALID_PARAMETER),
    ],
)
def test_the_catch_all_is_refined_by_its_text(
    message: str, kind: CodeClass, reason: RejectReason
) -> None:
    for meaning in (meaning_for_order(10001, message), meaning_for_query(10001, message)):
        assert (meaning.kind, meaning.reason) == (kind, reason)


def test_an_unknown_code_proves_nothing_about_an_order() -> None:
    assert meaning_for_order(987654, "x").kind is CodeClass.UNKNOWN_OUTCOME
    assert meaning_for_query(987654, "x").kind is CodeClass.BAD
