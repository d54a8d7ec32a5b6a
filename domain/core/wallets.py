"""The venue's wallet beside the ledger's: apart by more than rounding, a booking is missing.

Or money was moved by other ways than trading, which the ledger does not model: the setting for it
says how much, and the comparison allows for that.
"""

from tidegate.domain.findings import Finding, FindingKind
from tidegate.domain.money import Money
from tidegate.domain.reports import AccountReport

from .config import CoreConfig
from .draft import Draft
from .events import FindingSettled
from .state import Books

__all__ = ["WALLET_FINDING", "is_wallet_open", "settle_wallet", "wallet_apart", "wallet_finding"]

WALLET_FINDING = "wallet"
"""The id of the finding: there is one wallet."""


def is_wallet_open(books: Books) -> bool:
    """Tell whether the wallets were apart when they were last compared."""
    return WALLET_FINDING in books.findings


def wallet_finding(books: Books, config: CoreConfig, report: AccountReport) -> Finding | None:
    """Say how far the venue's wallet is from the books'; ``None`` where that is only rounding."""
    if books.ledger is None:
        return None
    ours = books.ledger.wallet + config.wallet_moved
    apart = wallet_apart(books, config, report)
    if abs(apart) <= config.wallet_tolerance:
        return None
    return Finding(
        finding_id=WALLET_FINDING,
        kind=FindingKind.WALLET,
        symbol=None,
        text=(
            f"the venue's wallet holds {report.wallet} USDT and the books expect {ours}: "
            f"{apart} apart, at most {config.wallet_tolerance} is rounding. Either the books lack "
            "a booking, or money was moved by hand: what the venue's log says of it is booked, for "
            "all else bybit.wallet_moved says how much"
        ),
        blocks_entries=True,
        figure=str(apart),
    )


def wallet_apart(books: Books, config: CoreConfig, report: AccountReport) -> Money:
    """Return by how much the venue's wallet is above the books', USDT."""
    assert books.ledger is not None, "wallets are compared once the account is opened"
    return report.wallet - books.ledger.wallet - config.wallet_moved


def settle_wallet(draft: Draft, report: AccountReport) -> None:
    """Settle the finding once the wallets are equal again."""
    if is_wallet_open(draft.books) and wallet_finding(draft.books, draft.config, report) is None:
        draft.emit(FindingSettled(finding_id=WALLET_FINDING, time_ms=draft.now_ms))
