"""The venue's state in one SQLite file, written row by row as it changes.

One transaction for each piece of market data and each request, in WAL mode with
``synchronous=NORMAL``: what was committed survives the death of the process at any moment. One
process at a time may have the file open. A file that is damaged, newer or not ours is refused and
left as it is.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import attrs
from tidegate.domain.bookkeeping import Closing
from tidegate.domain.instrument import Instrument
from tidegate.domain.money import Money
from tidegate.domain.orders import ClientId, Symbol, VenueOrderId
from tidegate.domain.records import AccountChange
from tidegate.domain.reports import Execution, FundingPayment, MarginMode
from tidegate.ports.exchange import TimeRange
from tidegate.ports.state import StateCorrupt, StateError

from .book import Book
from .codec import decode, encode
from .market_tables import MARKET_SCHEMA, MARKET_TABLES, MarketTables
from .records import Head, PaperOrder, PaperPosition, PendingRequest
from .state import Changes
from .store_file import (
    APPLICATION_ID,
    FORMAT_VERSION,
    RECORD_SCHEMA,
    RECORD_TABLES,
    SCHEMA,
    check_file,
    unavailable,
)

__all__ = ["Opening", "PaperStore", "StoreOfAnother"]

_BUSY_SECONDS = 1
_CHECKPOINT_PAGES = 8_000
_IN_MEMORY = ":memory:"
_HEAD = "head"
_BOOK = "book "
_INSTRUMENT = "instrument "
_PAIR = 2
_PUT = "INSERT OR REPLACE INTO present VALUES (?, ?)"
_PUT_PAIR = f"{_PUT}, (?, ?)"
_KEYED = "SELECT body FROM present WHERE key GLOB ? ORDER BY key"

T = TypeVar(
    "T",
    AccountChange,
    Book,
    Closing,
    Execution,
    FundingPayment,
    Instrument,
    PaperOrder,
    PaperPosition,
    PendingRequest,
)


class StoreOfAnother(StateError):
    """The store was begun with another seed, wallet, margin mode or market; nothing was changed."""


@attrs.frozen(kw_only=True)
class Opening:
    """What a store was begun with; the venue's books and ids only fit these.

    ``is_live`` tells that its market is a real one as it happens, and no recorded data.
    """

    wallet: Money
    seed: int
    margin_mode: MarginMode
    is_live: bool = False


@contextmanager
def _as_unavailable(path: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise unavailable(path, error) from error


class PaperStore:
    """One venue's store: ``path`` names a file, made when absent, or is ``:memory:``.

    The venue serialises its calls. Amounts and ids are those of the records.

    Raises:
        StateCorrupt: the file is damaged, or is something else.
        NewerFormat: the file was written by a newer release.
        StateUnavailable: it cannot be opened, or another process has it open.

    """

    def __init__(self, path: Path | str) -> None:
        self._path = str(path)
        is_new = self._path == _IN_MEMORY or check_file(Path(path))
        with _as_unavailable(self._path):
            self._connection = sqlite3.connect(
                self._path, isolation_level=None, timeout=_BUSY_SECONDS, check_same_thread=False
            )
            try:
                self._prepare(is_new)
            except BaseException:
                self._connection.close()
                raise

    def _prepare(self, is_new: bool) -> None:
        run = self._connection.execute
        run("PRAGMA locking_mode=EXCLUSIVE")
        if is_new:
            # One transaction, before WAL mode: the version is then in the file's own header, and
            # a death on the way leaves an empty file.
            self._connection.executescript(
                f"BEGIN EXCLUSIVE; {SCHEMA} {RECORD_SCHEMA} {MARKET_SCHEMA}"
                f"PRAGMA application_id={APPLICATION_ID};"
                f"PRAGMA user_version={FORMAT_VERSION}; COMMIT;"
            )
        run("PRAGMA journal_mode=WAL")
        run("PRAGMA synchronous=NORMAL")
        version = run("PRAGMA user_version").fetchone()[0]
        self.is_older = version < FORMAT_VERSION
        run(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
        run("BEGIN IMMEDIATE")
        run("COMMIT")
        self.market = MarketTables(self._connection)

    def upgrade(self, head: Head, changes: Changes) -> None:
        """Make a file of an older format one of this, with what it lacked; all or nothing.

        The new version is put into the file's own header, so that an older release refuses it.
        """
        with self._transaction():
            for table in (*RECORD_TABLES, *MARKET_TABLES):
                self._connection.execute(f"DROP TABLE IF EXISTS {table}")
            for statement in f"{RECORD_SCHEMA} {MARKET_SCHEMA}".split(";"):
                self._connection.execute(statement)
            self._write(_present(head, changes), changes)
            self._connection.execute(f"PRAGMA user_version={FORMAT_VERSION}")
        with _as_unavailable(self._path):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.is_older = False

    def close(self) -> None:
        """Release the file. A second call is harmless."""
        self._connection.close()

    def opening(self) -> Opening | None:
        """Return what the store was begun with, ``None`` for a new one."""
        row = self._one("SELECT body FROM opening")
        return None if row is None else decode(row, Opening)

    def begin(self, opening: Opening, head: Head) -> None:
        """Write the first state of a new store."""
        with self._transaction():
            self._connection.execute("INSERT INTO opening VALUES (1, ?)", (encode(opening),))
            self._connection.execute(_PUT, (_HEAD, encode(head)))

    def commit(self, head: Head, changes: Changes) -> None:
        """Write everything that changed, all or nothing."""
        present = _present(head, changes)
        if len(present) == _PAIR and changes.is_market_only and not changes.has_tape:
            self._put_pair(*present)
            return
        with self._transaction():
            self._write(present, changes)

    def _write(self, present: list[tuple[str, str]], changes: Changes) -> None:
        run = self._connection.executemany
        run(_PUT, present)
        self.market.write(changes)
        if changes.is_market_only:
            return
        if changes.orders:
            run(
                "INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?, ?, ?, ?)",
                [_order_row(order) for order in changes.orders.values()],
            )
        if changes.positions:
            self._write_positions(list(changes.positions.values()))
        self._append("executions", changes.executions)
        self._append("payments", changes.payments)
        self._append("changes", changes.account_changes)
        if changes.closings:
            run(
                "INSERT OR REPLACE INTO closings VALUES (?, ?, ?, ?, ?)",
                [_closing_row(*numbered) for numbered in changes.closings.values()],
            )
        self._write_requests(changes)

    def _put_pair(self, one: tuple[str, str], other: tuple[str, str]) -> None:
        """Write two rows in one statement, which is a transaction by itself and the cheapest."""
        try:
            self._connection.execute(_PUT_PAIR, one + other)
        except sqlite3.Error as error:
            raise unavailable(self._path, error) from error

    def _write_positions(self, positions: list[PaperPosition]) -> None:
        self._connection.executemany(
            "INSERT OR REPLACE INTO positions VALUES (?, ?)",
            [(held.symbol, encode(held)) for held in positions],
        )

    def _append(
        self, table: str, rows: list[Execution] | list[FundingPayment] | list[AccountChange]
    ) -> None:
        if rows:
            self._connection.executemany(
                f"INSERT INTO {table} (symbol, time_ms, body) VALUES (?, ?, ?)",  # noqa: S608 - own names
                [(row.symbol, row.time_ms, encode(row)) for row in rows],
            )

    def _write_requests(self, changes: Changes) -> None:
        run = self._connection.executemany
        if changes.requests_added:
            run(
                "INSERT INTO requests VALUES (?, ?)",
                [(request.number, encode(request)) for request in changes.requests_added],
            )
        if changes.requests_done:
            run("DELETE FROM requests WHERE number = ?", [(n,) for n in changes.requests_done])

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with _as_unavailable(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def head(self) -> Head:
        """Return the head row of a store that was begun."""
        row = self._one("SELECT body FROM present WHERE key = ?", _HEAD)
        if row is None:
            raise StateCorrupt(f"{self._path} has no head row; it was left as it is")
        return decode(row, Head)

    def books(self) -> list[Book]:
        """Return the prices of every symbol that has any."""
        return self._rows(Book, _KEYED, f"{_BOOK}*")

    def instruments(self) -> list[Instrument]:
        """Return the specifications that were replaced since the store was begun."""
        return self._rows(Instrument, _KEYED, f"{_INSTRUMENT}*")

    def positions(self) -> list[PaperPosition]:
        """Return the position record of every symbol."""
        return self._rows(PaperPosition, "SELECT body FROM positions ORDER BY symbol")

    def requests(self) -> list[PendingRequest]:
        """Return the requests under way, oldest first."""
        return self._rows(PendingRequest, "SELECT body FROM requests ORDER BY number")

    def open_orders(self) -> list[PaperOrder]:
        """Return the unfinished orders, oldest first."""
        return self._rows(PaperOrder, "SELECT body FROM orders WHERE is_open = 1 ORDER BY number")

    def order_of_client(self, client_id: ClientId) -> PaperOrder | None:
        """Return the order with this client id, finished or not."""
        rows = self._rows(PaperOrder, "SELECT body FROM orders WHERE client_id = ?", client_id)
        return rows[0] if rows else None

    def order_of_venue(self, venue_id: VenueOrderId) -> PaperOrder | None:
        """Return the order with this venue id, finished or not."""
        rows = self._rows(PaperOrder, "SELECT body FROM orders WHERE venue_id = ?", venue_id)
        return rows[0] if rows else None

    def orders_within(self, symbol: Symbol | None, within: TimeRange) -> list[PaperOrder]:
        """Return the orders last updated within the range, oldest update first."""
        return self._within(PaperOrder, "orders", "updated_ms", symbol, within)

    def executions_within(self, symbol: Symbol | None, within: TimeRange) -> list[Execution]:
        """Return the executions within the range, oldest first."""
        return self._within(Execution, "executions", "time_ms", symbol, within)

    def payments_within(self, symbol: Symbol | None, within: TimeRange) -> list[FundingPayment]:
        """Return the funding payments within the range, oldest first."""
        return self._within(FundingPayment, "payments", "time_ms", symbol, within)

    def closings_within(self, symbol: Symbol | None, within: TimeRange) -> list[Closing]:
        """Return what orders closed that last did so within the range, oldest first."""
        return self._within(Closing, "closings", "updated_ms", symbol, within)

    def changes_within(self, within: TimeRange) -> list[AccountChange]:
        """Return the changes of the wallet within the range, oldest first."""
        return self._within(AccountChange, "changes", "time_ms", None, within)

    def _within(
        self, kind: type[T], table: str, column: str, symbol: Symbol | None, within: TimeRange
    ) -> list[T]:
        text = (
            f"SELECT body FROM {table} WHERE {column} BETWEEN ? AND ? "  # noqa: S608 - own names
            f"AND (? IS NULL OR symbol = ?) ORDER BY {column}, number"
        )
        return self._rows(kind, text, within.start_ms, within.end_ms, symbol, symbol)

    def _rows(self, kind: type[T], text: str, *values: object) -> list[T]:
        with _as_unavailable(self._path):
            rows = self._connection.execute(text, values).fetchall()
        return [decode(body, kind) for (body,) in rows]

    def _one(self, text: str, *values: str) -> str | None:
        with _as_unavailable(self._path):
            row = self._connection.execute(text, values).fetchone()
        return None if row is None else str(row[0])


def _present(head: Head, changes: Changes) -> list[tuple[str, str]]:
    present = [(_BOOK + book.symbol, encode(book)) for book in changes.books.values()]
    for instrument in changes.instruments.values():
        present.append((_INSTRUMENT + instrument.symbol, encode(instrument)))
    present.append((_HEAD, encode(head)))
    return present


def _closing_row(number: int, closing: Closing) -> tuple[str, str, int, int, str]:
    return closing.venue_id, closing.symbol, closing.updated_ms, number, encode(closing)


def _order_row(order: PaperOrder) -> tuple[int, str, str | None, str, bool, int, str]:
    return (
        order.number,
        order.symbol,
        order.client_id,
        order.venue_id,
        order.is_open,
        order.updated_ms,
        encode(order),
    )
