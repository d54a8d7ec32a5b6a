"""Findings: raised once, settled once. Books and venue are compared at every reading.

One path compares, whoever asked: a start, a stream that came up, the interval, or a caller. A
message that nobody understood demands more: it may have been a fill or a lost stop. It stops
entries until the activity was read after it, and what the venue then shows equals the books.
"""

import attrs
from tidegate.domain.findings import Finding, FindingKind, kind_of
from tidegate.domain.reconcile import VenueSnapshot, differences
from tidegate.domain.reports import UnreadableReport

from .draft import Draft
from .events import FindingRaised, FindingSettled
from .inputs import ActivityRead, FindingsCleared, FindingSeen
from .state import Books, frozen
from .wallets import wallet_finding

__all__ = [
    "UNREADABLE",
    "activity_read",
    "finding_seen",
    "findings_cleared",
    "is_comparison_due",
    "is_unreadable_open",
    "note_unreadable",
    "raise_finding",
    "seen_of",
    "unreadable_findings",
]

UNREADABLE = "unreadable:"
"""How the id of a finding begins that says of a message that nobody understood it."""
_COMPARED = frozenset(
    {
        FindingKind.POSITION_QTY,
        FindingKind.ORPHAN_ORDER,
        FindingKind.CHANGED_ORDER,
        FindingKind.FOREIGN_ORDER,
        FindingKind.MISSING_ORDER,
        FindingKind.UNPROTECTED,
        FindingKind.WALLET,
    }
)
"""What a reading of the activity finds, and settles."""
_URGENT = frozenset(
    {
        FindingKind.POSITION_QTY,
        FindingKind.ORPHAN_ORDER,
        FindingKind.CHANGED_ORDER,
        FindingKind.MISSING_ORDER,
    }
)
"""While one of these is open the activity is read often."""


def unreadable_findings(books: Books) -> frozenset[str]:
    """Return the ids of the findings about messages that could not be understood."""
    return frozenset(name for name in books.findings if name.startswith(UNREADABLE))


def is_unreadable_open(books: Books) -> bool:
    """Tell whether such a message waits for the comparison that clears it."""
    return bool(unreadable_findings(books))


def note_unreadable(draft: Draft, report: UnreadableReport) -> bool:
    """Stop entries; tells whether the activity is to be read now, and not at its interval."""
    draft.view = attrs.evolve(draft.view, unreadable_count=draft.view.unreadable_count + 1)
    was_open = is_unreadable_open(draft.books)
    finding_seen(
        draft,
        FindingSeen(
            finding_id=f"{UNREADABLE}{report.source}",
            symbol=None,
            text=f"a message of {report.source} could not be understood: {report.text}",
            blocks_entries=True,
        ),
    )
    return not was_open and draft.books.ledger is not None


def is_comparison_due(draft: Draft) -> bool:
    """Tell whether the activity is to be read often, until books and venue are seen to agree.

    A wallet that differs may stay so until somebody acts: only its confirmation is urgent.
    """
    open_kinds = {kind_of(name) for name in draft.books.findings}
    seen = {kind_of(name) for name in draft.view.differences or {}}
    if FindingKind.UNREADABLE in open_kinds or not (open_kinds | seen).isdisjoint(_URGENT):
        return True
    return FindingKind.WALLET in seen - open_kinds


def activity_read(draft: Draft, read: ActivityRead) -> None:
    """Compare, and believe what two readings in a row say: that something differs, or no longer.

    A request under way during one reading looks like a difference; it is none in the next. One
    reading is believed where nothing was under way, and where it came after a message which nobody
    understood: without a difference that stops entries the message is settled.
    """
    found = {finding.finding_id: finding for finding in _found(draft, read)}
    before = draft.view.differences
    now = {name: finding.sameness for name, finding in found.items()}
    draft.view = attrs.evolve(draft.view, differences=frozen(now))
    is_covered = read.unreadable_count >= draft.view.unreadable_count
    is_alone = read.is_alone or (is_unreadable_open(draft.books) and is_covered)
    for name, finding in found.items():
        if is_alone or (before is not None and before.get(name) == finding.sameness):
            raise_finding(draft, finding)
    differs = any(finding.blocks_entries for finding in found.values())
    for name in sorted(draft.books.findings):
        kind = kind_of(name)
        is_gone = name not in found and (is_alone or (before is not None and name not in before))
        is_cleared = kind is FindingKind.UNREADABLE and is_alone and is_covered and not differs
        if is_cleared or (kind in _COMPARED and is_gone):
            draft.emit(FindingSettled(finding_id=name, time_ms=draft.now_ms))
    if is_alone or dict(before or {}) == now:
        _note_believed(draft, read, differs=differs)


def _found(draft: Draft, read: ActivityRead) -> tuple[Finding, ...]:
    """Return every difference; the balances came with the reading, just before it."""
    snapshot = VenueSnapshot(positions=read.positions, orders=read.orders)
    account = draft.view.account
    wallet = None if account is None else wallet_finding(draft.books, draft.config, account)
    return (*differences(draft.books, snapshot), *(() if wallet is None else (wallet,)))


def _note_believed(draft: Draft, read: ActivityRead, *, differs: bool) -> None:
    view = draft.view
    draft.view = attrs.evolve(
        view,
        reconciled=max(view.reconciled, read.wanted),
        agreed_ms=view.agreed_ms if differs else draft.now_ms,
    )


def raise_finding(draft: Draft, finding: Finding) -> None:
    """Raise what a comparison found."""
    finding_seen(draft, seen_of(finding))


def seen_of(finding: Finding) -> FindingSeen:
    """Turn a difference into the input that raises it."""
    return FindingSeen(
        finding_id=finding.finding_id,
        symbol=finding.symbol,
        text=finding.text,
        blocks_entries=finding.blocks_entries,
    )


def finding_seen(draft: Draft, item: FindingSeen) -> None:
    """Raise a finding, once until it is settled."""
    if item.finding_id not in draft.books.findings:
        draft.emit(
            FindingRaised(
                finding_id=item.finding_id,
                symbol=item.symbol,
                text=item.text,
                blocks_entries=item.blocks_entries,
                time_ms=draft.now_ms,
            )
        )


def findings_cleared(draft: Draft, item: FindingsCleared) -> None:
    """Settle every finding that a full reconciliation did not see any more."""
    for finding_id in tuple(draft.books.findings):
        if finding_id not in item.still_open:
            draft.emit(FindingSettled(finding_id=finding_id, time_ms=draft.now_ms))
