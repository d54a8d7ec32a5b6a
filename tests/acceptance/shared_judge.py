"""The judge of several processes on one account: rows of the journal, and what crossed the wire.

Nothing here comes from a desk's own memory.
"""

import json
import signal
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import attrs
from tidegate.domain.core.state import Books
from tidegate.ports.state import StoredRecord

from tests.acceptance.exposure_fold import ExposureFold
from tests.acceptance.storm import EXPOSURE_MAX, PRICES

__all__ = ["FENCED", "WALLET", "Plan", "Run", "check"]

WALLET = "100000"
FENCED = 3
"""How a worker exits that lost its lease."""


@attrs.frozen(kw_only=True)
class Plan:
    """How many processes and signals; when, as shares of the signals, processes die or stall."""

    processes: int
    signals: int
    kills: tuple[float, ...]
    pauses: tuple[float, ...]
    lease_ms: int = 3_000
    send_within_ms: int = 2_000


@attrs.frozen(kw_only=True)
class Run:
    """What a run left, for the judge."""

    plan: Plan
    rows: Sequence[StoredRecord]
    books: Books
    codes: Mapping[str, int]
    killed: frozenset[str]
    paused: frozenset[str]
    told: Mapping[str, Sequence[Mapping[str, Any]]]
    outcomes: Counter[str]
    sent_ids: Counter[str]
    unread_ids: Counter[str]
    executed: Sequence[Mapping[str, object]]
    venue_ids: frozenset[str]
    venue_held: Mapping[str, Fraction]
    venue_wallet: Fraction
    seconds: float


def check(found: Run, *, approvals_min: int) -> str:
    """Judge a run; returns one line of figures."""
    peak = _check_limit(found.rows, found.venue_held)
    approvals = _count(found.rows, "entry_intended")
    _check_wire(found)
    _check_venue_exposure(found)
    assert approvals >= approvals_min, f"{approvals} approvals: {found.outcomes}"
    assert peak >= Fraction(95, 100), f"the limit never bound: peak {float(peak):.3f} of it"
    booked = _booked(found.rows)
    assert set(booked.values()) <= {1}, f"booked more than once: {booked.most_common(3)}"
    assert set(booked) == found.venue_ids, "every execution was booked"
    assert found.books.ledger is not None
    assert Fraction(found.books.ledger.wallet.value) == found.venue_wallet
    _check_ends(found)
    return (
        f"{found.plan.processes} processes, {found.plan.signals} signals in {found.seconds:.0f} s: "
        f"{approvals} approvals, peak {float(peak):.4f} of the limit, {len(found.rows)} records, "
        f"{sum(found.sent_ids.values())} orders sent, {len(booked)} executions; "
        f"killed {sorted(found.killed)}, paused and fenced {sorted(found.paused)}"
    )


def _check_limit(rows: Sequence[StoredRecord], held: Mapping[str, Fraction]) -> Fraction:
    """Return the peak of exposure, as a share of the limit, which no row may pass."""
    marks = {symbol: Fraction(price) for symbol, price in PRICES.items()}
    fold_of_rows = ExposureFold(marks, EXPOSURE_MAX)
    peak = Fraction(0)
    for row in rows:
        fold_of_rows.take(row)
        limit = fold_of_rows.limit
        assert fold_of_rows.exposure <= limit or limit == 0, f"row {row.version}"
        if limit > 0:
            peak = max(peak, fold_of_rows.exposure / limit)
    assert fold_of_rows.positions == held, "books and venue hold the same"
    return peak


def _check_wire(found: Run) -> None:
    """Nothing was sent twice, and nothing that the journal did not have.

    A request that the venue refused for its time stamp alone may be stamped anew.
    """
    taken = found.sent_ids - found.unread_ids
    assert set(taken.values()) <= {1}, {name: n for name, n in taken.items() if n > 1}
    intended = {
        json.loads(row.record.body)["order"]["client_id"]
        for row in found.rows
        if row.record.kind.split(".")[0] in {"entry_intended", "order_intended"}
    }
    assert set(found.sent_ids) <= intended, set(found.sent_ids) - intended


def _check_venue_exposure(found: Run) -> None:
    """What the venue itself executed, as it crossed the wire, never passed the limit either."""
    rows = {str(row["execId"]): row for row in found.executed}
    assert found.venue_ids <= set(rows), "an execution never crossed the wire"
    cash = Fraction(WALLET)
    marks = {symbol: Fraction(price) for symbol, price in PRICES.items()}
    quantities: dict[str, Fraction] = {}
    for row in sorted(rows.values(), key=lambda r: (int(str(r["execTime"])), int(str(r["seq"])))):
        symbol, qty = str(row["symbol"]), Fraction(str(row["execQty"]))
        sign = 1 if row["side"] == "Buy" else -1
        quantities[symbol] = quantities.get(symbol, Fraction(0)) + sign * qty
        cash -= sign * qty * Fraction(str(row["execPrice"])) + Fraction(str(row["execFee"]))
        value = sum((qty_held * marks[name] for name, qty_held in quantities.items()), Fraction(0))
        exposure = sum(
            (abs(qty_held) * marks[name] for name, qty_held in quantities.items()), Fraction(0)
        )
        assert exposure <= EXPOSURE_MAX * (cash + value), f"execution {row['execId']}"


def _count(rows: Sequence[StoredRecord], kind: str) -> int:
    return sum(row.record.kind.split(".")[0] == kind for row in rows)


def _booked(rows: Sequence[StoredRecord]) -> Counter[str]:
    return Counter(
        str(json.loads(row.record.body)["execution"]["execution_id"])
        for row in rows
        if row.record.kind.split(".")[0] == "filled"
    )


def _check_ends(found: Run) -> None:
    """The dead were killed, the stalled were fenced, and all others ended in peace."""
    assert len(found.killed) == len(found.plan.kills)
    assert len(found.paused) == len(found.plan.pauses)
    for name, code in found.codes.items():
        wanted = dict.fromkeys(found.killed, -signal.SIGKILL).get(name)
        if wanted is None:
            wanted = FENCED if name in found.paused else 0
        assert code == wanted, f"{name} exited with {code}: {found.told[name][-1:]}"
