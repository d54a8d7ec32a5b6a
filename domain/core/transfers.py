"""Money that was moved by hand: what the venue's log says of it is booked, nothing is guessed.

Only a difference of the wallets makes the log be read, and only what explains the difference to the
last cent within the tolerance is booked: the newest rows whose sum it is. Whatever was explained
before, by a booking or by ``bybit.wallet_moved``, is older than what is not.
"""

from collections.abc import Iterable, Sequence

from tidegate.domain.money import ZERO_MONEY, Money
from tidegate.domain.records import AccountChange, ChangeKind
from tidegate.domain.reports import AccountReport

from .draft import Draft
from .events import TransferBooked
from .snapshots import equity_now
from .state import Books
from .wallets import is_wallet_open, settle_wallet, wallet_apart

__all__ = ["CHANGES_BACK_MS", "changes_since_ms", "explain_wallet"]

CHANGES_BACK_MS = 30 * 86_400_000
"""How far back the log is read for an explanation."""
COIN = "USDT"
_MOVED = frozenset(
    {ChangeKind.TRANSFER_IN, ChangeKind.TRANSFER_OUT, ChangeKind.BONUS, ChangeKind.INTEREST}
)
"""What moves the wallet and is no trade, and is known by its name."""


def changes_since_ms(books: Books, now_ms: int) -> int | None:
    """Return since when the log is read, ``None`` while the wallets are not known to differ."""
    if not is_wallet_open(books):
        return None
    return max(books.opened_ms, now_ms - CHANGES_BACK_MS)


def explain_wallet(draft: Draft, changes: Iterable[AccountChange]) -> None:
    """Book the newest transfers that make the wallets equal, where there are such."""
    report = draft.view.account
    if report is None or draft.books.ledger is None or not is_wallet_open(draft.books):
        return
    rows = _candidates(draft, changes, report)
    for row in _explaining(draft, rows, report):
        equity = equity_now(draft.books, draft.view)
        draft.emit(
            TransferBooked(
                change_id=row.change_id,
                amount=row.change,
                word=row.word,
                equity_before=draft.books.ledger.wallet if equity is None else equity,
                time_ms=draft.now_ms,
            )
        )
    settle_wallet(draft, report)


def _candidates(
    draft: Draft, changes: Iterable[AccountChange], report: AccountReport
) -> list[AccountChange]:
    """Return what may not be booked yet, oldest first; the balances must contain it."""
    books = draft.books
    found = [
        row
        for row in changes
        if row.kind in _MOVED
        and row.currency == COIN
        and row.change_id not in books.transfers
        and books.opened_ms <= row.time_ms <= report.time_ms
    ]
    return sorted(found, key=lambda row: row.time_ms)


def _explaining(
    draft: Draft, rows: Sequence[AccountChange], report: AccountReport
) -> Sequence[AccountChange]:
    """Return the fewest newest rows whose sum is what the wallets are apart, or none."""
    apart = wallet_apart(draft.books, draft.config, report)
    total: Money = ZERO_MONEY
    for count, row in enumerate(reversed(rows), start=1):
        total = total + row.change
        if abs(apart - total) <= draft.config.wallet_tolerance:
            return rows[len(rows) - count :]
    return ()
