"""What the venue's codes mean for a desk (Bybit V5 "Error codes", trading and account sections).

A code answered to *this* request proves that it had no effect, with the exceptions of the class
``UNKNOWN_OUTCOME``. A code that is not in the table proves nothing about an order, and is plain
failure for a query.
"""

import enum
from collections.abc import Iterable, Mapping
from types import MappingProxyType

import attrs
from tidegate.domain.reports import RejectReason

__all__ = ["CODES", "CodeClass", "Meaning", "meaning_for_order", "meaning_for_query"]


class CodeClass(enum.Enum):
    """What is to be done about an answer that is not success."""

    OK_NOOP = "already as wanted"
    RETRY = "may be sent again after a pause"
    RATE = "too many requests"
    CLOCK = "the time stamp was outside of the window; not executed"
    AUTH = "the key is not accepted"
    BAD = "the request is wrong as it is"
    FUNDS = "not enough margin"
    RISK = "beyond what the venue allows to hold"
    STATE = "the order or position is not as assumed"
    HALT = "the venue, the symbol or the account does not trade"
    UNKNOWN_OUTCOME = "it may have been executed"


@attrs.frozen
class Meaning:
    """The class of a code, and the reason that a rejection then carries."""

    kind: CodeClass
    reason: RejectReason


_R = RejectReason


def _table() -> Iterable[tuple[CodeClass, RejectReason, tuple[int, ...]]]:
    yield CodeClass.UNKNOWN_OUTCOME, _R.OTHER, (10000, 10014, 10016, 20006)
    yield CodeClass.RETRY, _R.OTHER, (10019, 110079, 40004)
    yield CodeClass.RETRY, _R.RATE_LIMITED, (429, 10429)
    yield CodeClass.RATE, _R.RATE_LIMITED, (10006, 10018, 10403, 20003)
    yield CodeClass.CLOCK, _R.CLOCK_SKEW, (10002, -1)
    yield CodeClass.AUTH, _R.NOT_AUTHORISED, (10003, 10004, 10005, 10007, 10010, 33004, -2015)
    yield CodeClass.OK_NOOP, _R.NOT_MODIFIED, (20001, 110043, 110025, 110026, 110027, 34040, 34036)
    yield from _halts()
    yield from _bad()
    yield from _states()
    yield from _funds_and_risk()


def _halts() -> Iterable[tuple[CodeClass, RejectReason, tuple[int, ...]]]:
    account = (10008, 10009, 10024, 10027, 10028, 10029, 110068, 110069, 110080)
    lending = (30134, 30135, 30136, 3200403)
    symbol = (110042, 110063, 110066, 110074, 30228, 110095, 110096, 110097, 110098, 110099)
    newer = (110103, 110123, 110124, 110125, 110132, 110137)
    yield CodeClass.HALT, _R.TRADING_HALTED, (*account, *lending, *symbol, *newer)


def _bad() -> Iterable[tuple[CodeClass, RejectReason, tuple[int, ...]]]:
    yield CodeClass.BAD, _R.INVALID_PARAMETER, (10001, 10017, 10404, 110019, 110032, 110022)
    yield CodeClass.BAD, _R.PRICE_OUT_OF_RANGE, (110003, 110120, 110121, 30208, 30209)
    yield CodeClass.BAD, _R.NOTIONAL_TOO_SMALL, (110094,)
    yield CodeClass.BAD, _R.TRIGGER_ON_WRONG_SIDE, (110092, 110093)
    yield CodeClass.BAD, _R.INVALID_PARAMETER, (110108, 110109, 3500002, 3500153)
    yield CodeClass.BAD, _R.TOO_MANY_ORDERS, (110009, 110020, 110061)
    yield CodeClass.BAD, _R.NOT_SUPPORTED, (110015, 110036, 110037, 110038, 110076)
    yield CodeClass.BAD, _R.NOT_SUPPORTED, (110077, 110078)
    yield CodeClass.BAD, _R.NO_POSITION, (110033, 110034)
    yield CodeClass.BAD, _R.INVALID_PARAMETER, tuple(range(110054, 110061))
    yield CodeClass.RETRY, _R.NO_LIQUIDITY, (110118,)


def _states() -> Iterable[tuple[CodeClass, RejectReason, tuple[int, ...]]]:
    yield CodeClass.STATE, _R.ORDER_NOT_FOUND, (110001,)
    yield CodeClass.STATE, _R.ORDER_FINISHED, (110008, 110010)
    yield CodeClass.STATE, _R.DUPLICATE_CLIENT_ID, (110072,)
    yield CodeClass.STATE, _R.NOTHING_TO_REDUCE, (110017,)
    yield CodeClass.STATE, _R.INVALID_PARAMETER, (110064,)
    yield CodeClass.STATE, _R.OTHER, (110024, 110028, 110029, 110073, 3400045)


def _funds_and_risk() -> Iterable[tuple[CodeClass, RejectReason, tuple[int, ...]]]:
    funds = (110004, 110006, 110007, 110012, 110014, 110044, 110045, 110051, 110052, 110053)
    limits = (110047, 110048, 110085, 110086, 110087, 110089, 110090, 110021, 110131)
    yield CodeClass.FUNDS, _R.INSUFFICIENT_MARGIN, funds
    yield CodeClass.RISK, _R.RISK_LIMIT, (110005, 110011, 110035, 110039, 110040, 110046)
    yield CodeClass.RISK, _R.LEVERAGE_NOT_ALLOWED, (110013,)
    yield CodeClass.RISK, _R.RISK_LIMIT, (*limits, 110023, 3400139)


CODES: Mapping[int, Meaning] = MappingProxyType(
    {code: Meaning(kind, reason) for kind, reason, codes in _table() for code in codes}
)
"""Every code that the documentation lists for trading, and the live ones that it left out."""

_PARAMETER = 10001
_STATE_WORDS: tuple[tuple[tuple[str, ...], RejectReason], ...] = (
    (("zero position",), _R.NO_POSITION),
    (("position is zero",), _R.NOTHING_TO_REDUCE),
    (("reduce-only rule",), _R.NOTHING_TO_REDUCE),
    (("not modified",), _R.NOT_MODIFIED),
)
_BAD_WORDS: tuple[tuple[tuple[str, ...], RejectReason], ...] = (
    (("base_price",), _R.STOP_ON_WRONG_SIDE),
    (("stoploss:", "should"), _R.STOP_ON_WRONG_SIDE),
    (("takeprofit:", "should"), _R.STOP_ON_WRONG_SIDE),
    (("buy: [", "invalid"), _R.NO_LIQUIDITY),
    (("sell: [", "invalid"), _R.NO_LIQUIDITY),
    (("qty", "step"), _R.OFF_GRID),
    (("price", "tick"), _R.OFF_GRID),
    (("qty", "exceed"), _R.QTY_OUT_OF_RANGE),
    (("qty", "max"), _R.QTY_OUT_OF_RANGE),
    (("qty", "min"), _R.QTY_OUT_OF_RANGE),
    (("number of contracts",), _R.QTY_OUT_OF_RANGE),
    (("qty invalid",), _R.OFF_GRID),
    (("price invalid",), _R.OFF_GRID),
)
"""Texts of the catch-all 10001, in lower case: all words of a row must appear; the first counts."""


def _refined(message: str) -> Meaning:
    text = message.lower()
    for words, reason in _STATE_WORDS:
        if all(word in text for word in words):
            return Meaning(CodeClass.STATE, reason)
    for words, reason in _BAD_WORDS:
        if all(word in text for word in words):
            return Meaning(CodeClass.BAD, reason)
    return CODES[_PARAMETER]


def meaning_for_order(code: int, message: str) -> Meaning:
    """Return what a code means that answered a request which changes something."""
    if code == _PARAMETER:
        return _refined(message)
    return CODES.get(code, Meaning(CodeClass.UNKNOWN_OUTCOME, RejectReason.OTHER))


def meaning_for_query(code: int, message: str) -> Meaning:
    """Return what a code means that answered a question."""
    if code == _PARAMETER:
        return _refined(message)
    return CODES.get(code, Meaning(CodeClass.BAD, RejectReason.OTHER))
