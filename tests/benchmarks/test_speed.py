"""What safety costs, as ratios against the bare work that it wraps. See docs/contributing.md.

The bounds are about twice what was measured, so that only a change of kind fails them.
"""

import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from tidegate.adapters.sqlite import SqliteState
from tidegate.domain.money import Price, Qty
from tidegate.domain.risk.judge import evaluate
from tidegate.ports.state import Record

from tests.benchmarks.ratios import median_ratio
from tests.domain.risk.cases import LIMITS, PROPOSAL, SNAPSHOT

pytestmark = pytest.mark.benchmark

ROWS = 1_000


def test_a_journal_append_costs_little_more_than_a_bare_insert(tmp_path: Path) -> None:
    """Digest chain, expected version and locking against SQLite's own commit of one row."""
    record = Record(kind="case.v1", body="x" * 200, time_ms=0)
    bare = sqlite3.connect(tmp_path / "bare.sqlite", isolation_level=None)
    bare.execute("PRAGMA journal_mode=WAL")
    bare.execute("PRAGMA synchronous=NORMAL")
    bare.execute("CREATE TABLE rows (version INTEGER PRIMARY KEY, kind TEXT, body TEXT)")
    with closing(SqliteState(tmp_path / "journal.sqlite")) as state, closing(bare):

        def ours() -> None:
            start = state.version()
            for version in range(start, start + ROWS):
                state.append([record], expected_version=version, durable=False)

        def other() -> None:
            for _ in range(ROWS):
                bare.execute("BEGIN IMMEDIATE")
                bare.execute("INSERT INTO rows (kind, body) VALUES (?, ?)", ("case.v1", "x" * 200))
                bare.execute("COMMIT")

        assert median_ratio(ours, other, pairs=7) < 6


def test_typed_amounts_cost_a_bounded_multiple_of_bare_decimals() -> None:
    price, qty = Price.of("64000.5"), Qty.of("0.123")
    bare_price, bare_qty = Decimal("64000.5"), Decimal("0.123")

    def ours() -> None:
        for _ in range(20_000):
            _ = price * qty

    def other() -> None:
        for _ in range(20_000):
            _ = bare_price * bare_qty

    assert median_ratio(ours, other, pairs=7) < 30


def test_judging_thirty_five_rules_costs_less_than_a_thousand_bare_comparisons() -> None:
    """A decision must stay far below the time of one request over a network."""
    low, high = Decimal("1.5"), Decimal("2.5")

    def ours() -> None:
        for _ in range(50):
            evaluate(PROPOSAL, SNAPSHOT, LIMITS)

    def other() -> None:
        for _ in range(50 * 1_000):
            _ = low < high

    assert median_ratio(ours, other, pairs=5) < 20
