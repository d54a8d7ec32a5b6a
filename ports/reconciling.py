"""What a reconciliation says: every difference, what is done about it, and what was compared."""

import attrs
from tidegate.domain.closed_profits import ProfitComparison
from tidegate.domain.findings import CORRECTION_OF, Correction, FindingKind
from tidegate.domain.money import Money
from tidegate.domain.orders import Symbol

__all__ = ["Applied", "OpenFinding", "ReconcileReport"]


@attrs.frozen(kw_only=True)
class OpenFinding:
    """A difference that is not settled. ``raised_ms`` is when it was first believed."""

    finding_id: str
    kind: FindingKind
    symbol: Symbol | None
    text: str
    blocks_entries: bool
    raised_ms: int

    @property
    def correction(self) -> Correction:
        """Return what is done about it, or by whom."""
        return CORRECTION_OF[self.kind]


@attrs.frozen(kw_only=True)
class Applied:
    """What was put right meanwhile: numbers of journal entries of each kind.

    ``executions`` and ``funding`` were booked, ``cancels`` and ``stops`` sent, ``settled`` are
    findings that are gone.
    """

    executions: int = 0
    funding: int = 0
    cancels: int = 0
    stops: int = 0
    settled: int = 0


@attrs.frozen(kw_only=True)
class ReconcileReport:
    """The outcome of one reconciliation.

    ``is_confirmed`` is false when the venue gave no usable answer in time, so that ``findings`` are
    those of before. ``profits`` is ``None`` where the venue has no records of closed profit, or
    they were not read yet. Wallets are in USDT, ``None`` where they are not known; the books' one
    allows for what was stated as moved by hand.
    """

    findings: tuple[OpenFinding, ...]
    applied: Applied
    wallet_books: Money | None
    wallet_venue: Money | None
    profits: ProfitComparison | None
    is_confirmed: bool
    time_ms: int

    @property
    def is_clean(self) -> bool:
        """Tell whether books and venue are seen to agree in everything."""
        return self.is_confirmed and not self.findings

    @property
    def blocks_entries(self) -> bool:
        """Tell whether a finding keeps new entries from being opened."""
        return any(finding.blocks_entries for finding in self.findings)
