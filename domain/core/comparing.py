"""Findings: raised once, settled once; and what a message that nobody understood demands.

Such a message may have been a fill or a lost stop. It stops entries until the activity was read
after it, and what the venue then shows equals the books.
"""

import attrs
from tidegate.domain.reconcile import Finding, FindingKind, VenueSnapshot, differences
from tidegate.domain.reports import UnreadableReport

from .draft import Draft
from .events import FindingRaised, FindingSettled
from .inputs import ActivityRead, FindingsCleared, FindingSeen
from .state import Books

__all__ = [
    "activity_read",
    "finding_seen",
    "findings_cleared",
    "is_unreadable_open",
    "note_unreadable",
    "unreadable_findings",
]

_UNREADABLE = "unreadable:"
_DIFFERENCES = tuple(
    f"{kind.name.lower()}:"
    for kind in (FindingKind.POSITION_QTY, FindingKind.ORPHAN_ORDER, FindingKind.MISSING_ORDER)
)
"""How the ids of the differences that stop entries begin."""


def unreadable_findings(books: Books) -> frozenset[str]:
    """Return the ids of the findings about messages that could not be understood."""
    return frozenset(name for name in books.findings if name.startswith(_UNREADABLE))


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
            finding_id=f"{_UNREADABLE}{report.source}",
            symbol=None,
            text=f"a message of {report.source} could not be understood: {report.text}",
            blocks_entries=True,
        ),
    )
    return not was_open and draft.books.ledger is not None


def activity_read(draft: Draft, read: ActivityRead) -> None:
    """Compare, when an unreadable message asks for it; without a difference it is cleared.

    A reading that was asked for before the last such message does not cover it. A request that
    was under way meanwhile can look like a difference; the next reading settles that.
    """
    if not is_unreadable_open(draft.books):
        return
    if read.unreadable_count < draft.view.unreadable_count:
        return
    snapshot = VenueSnapshot(positions=read.positions, orders=read.orders)
    found = [f for f in differences(draft.books, snapshot) if f.blocks_entries]
    for finding in found:
        _raise_difference(draft, finding)
    if not found:
        for name in sorted(filter(_is_of_comparison, draft.books.findings)):
            draft.emit(FindingSettled(finding_id=name, time_ms=draft.now_ms))


def _raise_difference(draft: Draft, finding: Finding) -> None:
    finding_seen(
        draft,
        FindingSeen(
            finding_id=finding.finding_id,
            symbol=finding.symbol,
            text=finding.text,
            blocks_entries=finding.blocks_entries,
        ),
    )


def _is_of_comparison(finding_id: str) -> bool:
    """Tell whether a comparison without a blocking difference settles the finding."""
    return finding_id.startswith((_UNREADABLE, *_DIFFERENCES))


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
