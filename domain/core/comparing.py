"""Findings: raised once, settled once. Books and venue are compared at every reading.

A message that nobody understood demands more.

It may have been a fill or a lost stop. It stops entries until the activity was read
after it, and what the venue then shows equals the books.
"""

import attrs
from tidegate.domain.reconcile import Finding, FindingKind, VenueSnapshot, differences
from tidegate.domain.reports import UnreadableReport

from .draft import Draft
from .events import FindingRaised, FindingSettled
from .inputs import ActivityRead, FindingsCleared, FindingSeen
from .state import Books, frozen

__all__ = [
    "activity_read",
    "finding_seen",
    "findings_cleared",
    "is_comparison_due",
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


def is_comparison_due(draft: Draft) -> bool:
    """Tell whether the activity is to be read often, until books and venue are seen to agree."""
    open_ones = any(map(_is_of_comparison, draft.books.findings))
    return open_ones or bool(draft.view.differences)


def activity_read(draft: Draft, read: ActivityRead) -> None:
    """Compare, and believe what two readings in a row say: that something differs, or no longer.

    A request under way during one reading looks like a difference; it is none in the next.
    A reading that came after a message which nobody understood is believed alone: a difference is
    raised, and without one the message is settled.
    """
    snapshot = VenueSnapshot(positions=read.positions, orders=read.orders)
    found = {f.finding_id: f for f in differences(draft.books, snapshot) if f.blocks_entries}
    before = draft.view.differences
    now = frozen({name: finding.text for name, finding in found.items()})
    draft.view = attrs.evolve(draft.view, differences=now)
    is_covered = read.unreadable_count >= draft.view.unreadable_count
    is_alone = is_unreadable_open(draft.books) and is_covered
    for name, finding in found.items():
        if is_alone or (before is not None and before.get(name) == finding.text):
            _raise_difference(draft, finding)
    for name in sorted(draft.books.findings):
        is_twice_gone = before is not None and name not in before and name not in found
        is_settled = name.startswith(_DIFFERENCES) and is_twice_gone
        if is_settled or (is_alone and not found and _is_of_comparison(name)):
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
