"""What a comparison of books and venue may find, and what is done about each kind."""

import enum
from collections.abc import Mapping
from types import MappingProxyType

import attrs

from .orders import Symbol

__all__ = ["CORRECTION_OF", "Correction", "Finding", "FindingKind", "kind_of"]


class FindingKind(enum.Enum):
    """What kind of difference it is. The id of a finding begins with the name, in small letters."""

    POSITION_QTY = "position quantity differs"
    ORPHAN_ORDER = "an order of ours that the books do not know"
    CHANGED_ORDER = "an entry of ours that somebody changed on the venue"
    FOREIGN_ORDER = "an order that tidegate did not place"
    MISSING_ORDER = "an open order of the books that the venue does not know"
    UNPROTECTED = "a position without a stop on the venue"
    WALLET = "the venue's wallet differs"
    CLOSED_PROFIT = "the profit of a closing order differs"
    BY_HAND = "changed by hand on the venue"
    UNREADABLE = "a message that could not be understood"
    HISTORY = "the venue's history is not complete"
    OTHER = "a finding of another kind"


class Correction(enum.Enum):
    """What is done about a finding: by tidegate itself, or by whom it is meant for."""

    BOOKED = "what the history shows is booked; entries wait until books and venue agree"
    CANCELLED = "it is cancelled"
    LEFT_ALONE = "it is left alone: not ours"
    ASKED = "it is asked for, and ended once the venue is known not to have it"
    BY_POLICY = "it gets its stop back or is closed, as the policy says"
    DECIDED = "it is adopted or reverted, as manual_changes says"
    STATE_TRANSFERS = "transfers in the venue's log are booked; state others in bybit.wallet_moved"
    COMPARE = "compare the journal with the venue's records; no figure is changed by itself"
    READ_AGAIN = "the account is read again, and compared"
    LOOK = "look at it"


CORRECTION_OF: Mapping[FindingKind, Correction] = MappingProxyType(
    {
        FindingKind.POSITION_QTY: Correction.BOOKED,
        FindingKind.ORPHAN_ORDER: Correction.CANCELLED,
        FindingKind.CHANGED_ORDER: Correction.CANCELLED,
        FindingKind.FOREIGN_ORDER: Correction.LEFT_ALONE,
        FindingKind.MISSING_ORDER: Correction.ASKED,
        FindingKind.UNPROTECTED: Correction.BY_POLICY,
        FindingKind.BY_HAND: Correction.DECIDED,
        FindingKind.WALLET: Correction.STATE_TRANSFERS,
        FindingKind.CLOSED_PROFIT: Correction.COMPARE,
        FindingKind.UNREADABLE: Correction.READ_AGAIN,
        FindingKind.HISTORY: Correction.COMPARE,
        FindingKind.OTHER: Correction.LOOK,
    }
)
"""What is done about each kind. Applied: booked, cancelled, asked, by policy, read again."""

_BY_NAME: Mapping[str, FindingKind] = MappingProxyType(
    {kind.name.lower(): kind for kind in FindingKind}
)


def kind_of(finding_id: str) -> FindingKind:
    """Return the kind of a finding by its id."""
    return _BY_NAME.get(finding_id.partition(":")[0], FindingKind.OTHER)


@attrs.frozen(kw_only=True)
class Finding:
    """One difference. ``finding_id`` names it, so that it is raised once and settled once.

    Two findings of one id are the same while ``figure`` is; where it is empty, ``text`` is it.
    """

    finding_id: str
    kind: FindingKind
    symbol: Symbol | None
    text: str
    blocks_entries: bool
    figure: str = ""

    @property
    def correction(self) -> Correction:
        """Return what is done about it."""
        return CORRECTION_OF[self.kind]

    @property
    def sameness(self) -> str:
        """Return what must be equal for it to be the same difference as before."""
        return self.figure or self.text
