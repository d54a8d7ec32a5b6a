"""A feed from a Parquet file, through the optional ``parquet`` extra."""

import importlib
import itertools
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import attrs
from tidegate.domain.orders import Symbol
from tidegate.ports.feed import FeedError

from .columns import BarSchema, Schema
from .recording import read_table
from .stored import StoredFeed
from .table import Table
from .times import TIME_NAMES

__all__ = ["ParquetFeed"]

_MARK_NAMES = ("mark", "open")


class ParquetFeed(StoredFeed):
    """Market data of one symbol from a Parquet file; the first row of data is row 1 in messages.

    Decimal, integer and text columns are exact. A 64-bit float becomes the shortest decimal that
    reads back as that float (Python's ``repr``), which is the number that was written wherever it
    had at most 15 digits. Narrower floats do not hold the number that was written: refused.
    Timestamps keep milliseconds; without a time zone they need ``TimeForm.ISO_8601_UTC``.

    Raises:
        FeedError: as :class:`~tidegate.adapters.feeds.CsvFeed`, and where ``pyarrow`` is missing.

    """

    def __init__(
        self,
        path: str | Path,
        *,
        symbol: Symbol,
        schema: Schema = BarSchema(),  # noqa: B008 - frozen, so sharing one default is safe
    ) -> None:
        recording = read_table(_table(Path(path), schema), symbol, schema)
        super().__init__(recording.items, gaps=recording.gaps)


def _table(path: Path, schema: Schema) -> Table:
    arrow = _arrow("pyarrow")
    content = _content(arrow, path)
    names = tuple(str(name) for name in content.column_names)
    used = {name.lower() for name in attrs.asdict(schema).values() if isinstance(name, str)}
    used.update(TIME_NAMES, _MARK_NAMES)
    columns = [
        _cells(arrow, path.name, name, content.column(index))
        if name.strip().lower() in used
        else itertools.repeat("", content.num_rows)
        for index, name in enumerate(names)
    ]
    return Table(name=path.name, header=names, rows=zip(*columns, strict=True), row_first=1)


def _content(arrow: Any, path: Path) -> Any:
    parquet = _arrow("pyarrow.parquet")
    try:
        with path.open("rb") as file:
            return parquet.read_table(file)
    except arrow.ArrowException as error:
        raise FeedError(f"{path.name} is no Parquet file: {error}; accepted: one") from error
    except OSError as error:
        why = error.strerror or str(error)
        raise FeedError(f"{path} cannot be read: {why}; accepted: a Parquet file") from error


def _arrow(module: str) -> Any:  # pyarrow ships no types
    # By name, so that importing tidegate never loads pyarrow.
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise FeedError(
            f"reading Parquet needs pyarrow ({error}); install it with pip install "
            "'tidegate[parquet]', or give the data as CSV"
        ) from error


def _cells(arrow: Any, file: str, name: str, column: Any) -> Iterator[str]:
    """Return a column as the text that a CSV file would hold; a null is an empty cell."""
    kind, types = column.type, arrow.types
    write: Callable[[Any], str]
    if types.is_decimal(kind):
        write = "{:f}".format
    elif types.is_float64(kind):
        write = repr
    elif types.is_integer(kind) or types.is_string(kind) or types.is_large_string(kind):
        write = str
    elif types.is_timestamp(kind) or types.is_date(kind):
        write = _iso_text
        if types.is_timestamp(kind):
            # Finer units do not fit Python's datetime; parts of a millisecond are dropped.
            column = column.cast(arrow.timestamp("ms", tz=kind.tz), safe=False)
    else:
        raise FeedError(
            f"{file}, column {name!r} has type {kind}; accepted: decimal, double (64 bits), "
            "integer, string or timestamp"
        )
    return ("" if value is None else write(value) for value in column.to_pylist())


def _iso_text(moment: date) -> str:
    return moment.isoformat()
