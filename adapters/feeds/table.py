"""A table of text: the common form of every file, with the messages that point into it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Literal

import attrs
from tidegate.domain.money import exact
from tidegate.ports.feed import FeedError

from .columns import TimeForm
from .times import TIME_NAMES, detect_form, time_reader

__all__ = ["AMOUNT_MAX", "ROWS_MAX", "Clock", "Table"]

Lowest = Literal["zero", "above zero"]
ROWS_MAX = 5_000_000
_SHOWN_MAX = 60
AMOUNT_MAX = Decimal("1e18")


@attrs.frozen(kw_only=True)
class Table:
    """Rows of cells under a header; ``row_first`` is the number of the first row in messages."""

    name: str
    header: tuple[str, ...]
    rows: Iterable[Sequence[str]]
    row_first: int
    rows_max: int = ROWS_MAX

    def names(self) -> list[str]:
        """Return the header's names as they are compared: in lower case, without space around."""
        return [name.strip().lower() for name in self.header]

    def column(self, wanted: str) -> int:
        """Return the position of a column, whatever its case.

        Raises:
            FeedError: when the header has none or several of that name.

        """
        names = self.names()
        found = names.count(wanted.strip().lower())
        if found == 1:
            return names.index(wanted.strip().lower())
        raise FeedError(
            f"{self.name}: the header has {found} columns {wanted!r}; found {', '.join(names)}; "
            f"accepted: a first row of comma-separated names with exactly one {wanted!r}, or a "
            "schema that names another column"
        )

    def time_column(self, wanted: str | None) -> int:
        """Return the position of the time column: the one named, or the only one of usual name.

        Raises:
            FeedError: no such column, or not exactly one of a usual name.

        """
        if wanted is not None:
            return self.column(wanted)
        names = self.names()
        usual = [name for name in names if name in TIME_NAMES]
        if len(usual) == 1:
            return names.index(usual[0])
        raise FeedError(
            f"{self.name}: the header has {len(usual)} time columns ({', '.join(usual)}) among "
            f"{', '.join(names)}; accepted: exactly one of {', '.join(TIME_NAMES)}, or a schema "
            "that names the time column"
        )

    def numbered(self) -> Iterator[tuple[int, Sequence[str]]]:
        """Yield each row that is not blank with its number.

        Raises:
            FeedError: for a row with more or fewer cells than the header, no row at all, or more
                than ``rows_max`` rows (a feed is held in memory).

        """
        width = len(self.header)
        has_rows = False
        for number, cells in enumerate(self.rows, start=self.row_first):
            if len(cells) != width and cells:
                raise FeedError(
                    f"{self.name}, row {number} has {len(cells)} cells: {','.join(cells)!r}; "
                    f"accepted: {width}, as in the header"
                )
            if number - self.row_first >= self.rows_max:
                raise FeedError(
                    f"{self.name} has more than {self.rows_max} rows; accepted: up to that many, "
                    "as a feed is held in memory: split the file"
                )
            if cells:
                has_rows = True
                yield number, cells
        if not has_rows:
            raise FeedError(f"{self.name} has no rows; accepted: at least one under the header")

    def refusal(self, row: int, column: int, text: str, why: str) -> FeedError:
        """Build the error for one cell; ``why`` says what is wrong and what is accepted."""
        label = self.header[column].strip()
        shown = text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}..."
        return FeedError(f"{self.name}, row {row}, column {label!r}: {shown!r} {why}")

    def amount(self, row: int, column: int, cells: Sequence[str], *, lowest: Lowest) -> Decimal:
        """Read one cell as an exact decimal from ``lowest`` to 1e18.

        Raises:
            FeedError: the cell is no number, or is out of range.

        """
        number = self.number(row, column, cells)
        if number < 0 or (number == 0 and lowest == "above zero") or number > AMOUNT_MAX:
            why = f"is out of range; accepted: {lowest} to {AMOUNT_MAX:f}"
            raise self.refusal(row, column, cells[column], why)
        return number

    def number(self, row: int, column: int, cells: Sequence[str]) -> Decimal:
        """Read one cell as an exact finite decimal.

        Raises:
            FeedError: the cell is no finite number.

        """
        text = cells[column]
        try:
            return exact(text)
        except ValueError:
            why = "is not a number; accepted: text such as 64000.5"
            raise self.refusal(row, column, text, why) from None


@attrs.define
class Clock:
    """Reads one table's time column; the form is settled at its first value."""

    table: Table
    column: int
    named: TimeForm | None
    _read: Callable[[str], int] | None = None

    def time_ms(self, row: int, cells: Sequence[str]) -> int:
        """Return the row's time in UTC milliseconds.

        Raises:
            FeedError: for text that is no time, or whose unit cannot be told.

        """
        text = cells[self.column]
        try:
            if self._read is None:
                label = self.table.header[self.column].strip().lower()
                form = self.named or detect_form(label, text)
                self._read = time_reader(form, named=self.named)
            return self._read(text)
        except ValueError as error:
            raise self.table.refusal(row, self.column, text, str(error)) from None
