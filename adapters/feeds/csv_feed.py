"""A feed from a CSV file, plain or compressed by gzip."""

import csv
import gzip
import io
import zlib
from importlib.resources.abc import Traversable
from itertools import islice
from pathlib import Path
from typing import IO

from tidegate.domain.orders import Symbol
from tidegate.ports.feed import FeedError

from .columns import BarSchema, Schema
from .recording import Recording, read_table
from .stored import StoredFeed
from .table import Table

__all__ = ["CsvFeed"]

_GZIP_MAGIC = b"\x1f\x8b"


class CsvFeed(StoredFeed):
    """Market data of one symbol from a comma-separated UTF-8 file with a header in its first row.

    Whether the file is gzipped is told from its first bytes, not from its name. Numbers are read
    as exact decimals. The header counts as row 1 in messages. The whole file is read and checked
    at once; with ``rows`` only its first so many rows, 1 or more, and nothing after them.

    Raises:
        FeedError: for a file that cannot be read or used; the message names the file and, for
            its content, the row, the column, the value and what would be accepted.
        ValueError: for a number of rows below 1.

    """

    def __init__(
        self,
        source: str | Path | Traversable,
        *,
        symbol: Symbol,
        schema: Schema = BarSchema(),  # noqa: B008 - frozen, so sharing one default is safe
        rows: int | None = None,
    ) -> None:
        if rows is not None and rows < 1:
            raise ValueError(f"rows is {rows}; accepted: 1 or more, or None for the whole file")
        path = Path(source) if isinstance(source, str) else source
        recording = _read(path, symbol, schema, rows)
        super().__init__(recording.items, gaps=recording.gaps)


def _read(path: Path | Traversable, symbol: Symbol, schema: Schema, count: int | None) -> Recording:
    try:
        with path.open("rb") as raw, _text(raw) as text:
            return read_table(_table(path.name, text, count), symbol, schema)
    except UnicodeDecodeError as error:
        raise FeedError(f"{path.name} is not UTF-8 text ({error}); accepted: UTF-8") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FeedError(
            f"{path.name} is a damaged gzip file ({error}); accepted: a whole one, or plain text"
        ) from None
    except csv.Error as error:
        raise FeedError(
            f"{path.name} is no CSV file ({error}); accepted: comma-separated rows"
        ) from None
    except OSError as error:
        raise FeedError(f"{path} cannot be read: {error.strerror}; accepted: a file") from error


def _text(raw: IO[bytes]) -> io.TextIOWrapper:
    magic = raw.read(len(_GZIP_MAGIC))
    raw.seek(0)
    plain = gzip.GzipFile(fileobj=raw, mode="rb") if magic == _GZIP_MAGIC else raw
    # "utf-8-sig" drops the byte order mark that spreadsheets write before the first name
    return io.TextIOWrapper(plain, encoding="utf-8-sig", newline="")


def _table(name: str, text: io.TextIOWrapper, count: int | None) -> Table:
    rows = csv.reader(text, strict=True)
    header = next(rows, None)
    if header is None:
        raise FeedError(f"{name} is empty; accepted: a header and at least one row under it")
    return Table(name=name, header=tuple(header), rows=islice(rows, count), row_first=2)
