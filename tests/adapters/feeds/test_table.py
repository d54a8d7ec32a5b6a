"""The bound on what a feed holds in memory."""

import pytest
from tidegate.adapters.feeds.table import Table
from tidegate.ports.feed import FeedError


def test_a_table_yields_up_to_its_bound_and_then_refuses() -> None:
    def table(rows: int) -> Table:
        return Table(name="big.csv", header=("a",), rows=[["1"]] * rows, row_first=2, rows_max=3)

    assert [number for number, _ in table(3).numbered()] == [2, 3, 4]
    with pytest.raises(FeedError, match=r"big\.csv has more than 3 rows; accepted: up to"):
        list(table(4).numbered())
