"""The books worked out from raw bytes alone: what a tap kept, as records for the judge.

Nothing here comes from the code under test. Whatever crossed as an execution counts, in whichever
answer or push it came; the same one must be the same wherever it came.
"""

from collections.abc import Iterable
from typing import cast

from tests.acceptance.oracle import FillRecord, Oracle, PaymentRecord

from .tap import Json, Tap

__all__ = ["execution_rows", "judge", "money_of"]

_SIGNS = {"Buy": 1, "Sell": -1}
_FILLS = frozenset({"Trade", "AdlTrade", "BustTrade", "Settle"})
_DECIMALS = 8
"""After which the venue rounds fees and funding (Bybit V5, execution/list samples)."""


def execution_rows(tap: Tap) -> list[Json]:
    """Return every row of an execution that crossed, over REST or as a push."""
    answers = (answer.json for answer in tap.answers("/v5/execution/list"))
    lists = [_rows(answer.get("result")) for answer in answers if answer is not None]
    pushed = (push.json for push in tap.pushes("/v5/private"))
    lists += [
        cast("list[Json]", push["data"])
        for push in pushed
        if str(push.get("topic", "")).startswith("execution")
    ]
    return [row for rows in lists for row in rows]


def _rows(result: object) -> list[Json]:
    return cast("list[Json]", result.get("list", [])) if isinstance(result, dict) else []


def money_of(rows: Iterable[Json]) -> list[FillRecord | PaymentRecord]:
    """Return the records in the order in which they happened, each as often as it crossed."""
    ordered = sorted(rows, key=lambda row: (int(str(row["execTime"])), int(str(row["seq"]))))
    return [_record(row) for row in ordered]


def _record(row: Json) -> FillRecord | PaymentRecord:
    kind, sign = str(row["execType"]), _SIGNS[str(row["side"])]
    if kind in _FILLS:
        return FillRecord(
            identity=str(row["execId"]),
            symbol=str(row["symbol"]),
            sign=sign,
            qty=str(row["execQty"]),
            price=str(row["execPrice"]),
            fee=str(row["execFee"]),
            is_maker=int(bool(row["isMaker"])),
            time_ms=int(str(row["execTime"])),
        )
    assert kind == "Funding", f"an execution of kind {kind}: the judge knows none such"
    return PaymentRecord(
        identity=str(row["execId"]),
        symbol=str(row["symbol"]),
        rate=str(row["feeRate"]),
        mark=str(row["execPrice"]),
        qty=str(row["execQty"]) if sign > 0 else f"-{row['execQty']}",
        amount=str(row["execFee"]),
        time_ms=int(str(row["execTime"])),
    )


def judge(tap: Tap, *, opening: str, taker: str, maker: str) -> Oracle:
    """Return the judge after everything that crossed."""
    oracle = Oracle(opening=opening, taker=taker, maker=maker, decimals=_DECIMALS)
    oracle.take_all(money_of(execution_rows(tap)))
    return oracle
