"""Verification: the books that the whole journal folds to, against those of its snapshot."""

import json
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

import attrs
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.core.events import Event, SessionStarted, SessionStopped
from tidegate.domain.core.evolve import evolve
from tidegate.domain.core.state import Books
from tidegate.domain.recent import Recent
from tidegate.ports.state import StateCorrupt, StoredRecord
from tidegate.ports.state_care import StoreView
from tidegate.ports.state_commands import StateReport

from .codec import decode, decode_books, encode_books

__all__ = ["differing", "examine"]


def examine(view: StoreView, config: CoreConfig) -> tuple[StateReport, Books]:
    """Decode and fold every record that is there, and compare with the snapshot.

    Returns the report, and the books that a start would go on from.

    Raises:
        StateCorrupt: a record or the snapshot does not decode; the message names its version.
        ArchiveUnreadable: there is no snapshot to begin from, and an archive is not there.

    """
    fold = _Fold(view, config)
    for stored in view.read(after_version=fold.begins_after):
        fold.take(stored)
    return fold.report(), fold.resumed


class _Fold:
    """Two folds in one pass: from the first record there is, and from the snapshot."""

    def __init__(self, view: StoreView, config: CoreConfig) -> None:
        self._facts = view.facts
        self._day = config.day
        snapshot = view.load_snapshot()
        saved = None if snapshot is None else decode_books(snapshot.body)
        bounds = saved or Books().bounded(
            finished=config.finished_kept,
            signals=config.signals_remembered,
            executions=config.executions_remembered,
        )
        # What is remembered at most is a setting, and no event: both folds take the snapshot's.
        self._whole: Books | None = Books().bounded(
            finished=bounds.finished_kept,
            signals=bounds.signals.keep,
            executions=bounds.executions.keep,
        )
        self.begins_after = 0
        self.saved_at = None if snapshot is None or saved is None else snapshot.version
        self.resumed = self._whole if saved is None else saved
        if saved is not None and any(archive.is_missing for archive in self._facts.archives):
            self.begins_after, self._whole = self._facts.base, None
        self._kinds: Counter[str] = Counter()
        self._times: tuple[int, int] | None = None
        self._differences: tuple[str, ...] = ()
        self._is_stopped = True
        self._compare(0)

    def take(self, stored: StoredRecord) -> None:
        """Fold one record, and compare where the snapshot was taken.

        Raises:
            StateCorrupt: it does not decode; the message names its version.

        """
        record = stored.record
        try:
            event = decode(record)
        except StateCorrupt as error:
            raise StateCorrupt(
                f"{self._facts.place}: journal version {stored.version}: {error}"
            ) from error
        self._kinds[record.kind] += 1
        first = record.time_ms if self._times is None else self._times[0]
        self._times = (first, record.time_ms)
        if isinstance(event, SessionStarted | SessionStopped):
            self._is_stopped = isinstance(event, SessionStopped)
        self._evolve(event, stored.version)
        self._compare(stored.version)

    def _evolve(self, event: Event, version: int) -> None:
        if self._whole is not None:
            self._whole = evolve(self._whole, event, self._day)
        if self.saved_at is None:
            assert self._whole is not None, "without a snapshot the whole journal is folded"
            self.resumed = self._whole
        elif version > self.saved_at:
            self.resumed = evolve(self.resumed, event, self._day)

    def _compare(self, version: int) -> None:
        is_due = version in {self.saved_at, self._facts.version}
        if is_due and self._whole is not None and self.saved_at is not None:
            found = differing(self.resumed, self._whole)
            self._differences += tuple(one for one in found if one not in self._differences)

    def report(self) -> StateReport:
        """Return what was found once every record was taken."""
        first_ms, last_ms = self._times or (None, None)
        return StateReport(
            facts=self._facts,
            kinds=MappingProxyType(dict(sorted(self._kinds.items()))),
            first_ms=first_ms,
            last_ms=last_ms,
            folded_from=0 if self._whole is not None else (self.saved_at or 0),
            snapshot_version=self.saved_at,
            differences=self._differences,
            is_stopped=self._is_stopped,
            venue=self.resumed.venue,
            account=self.resumed.account,
        )


def differing(one: Books, other: Books) -> tuple[str, ...]:
    """Name the parts in which two books are not the same.

    What ended or was seen long ago may be remembered further back in one of them, after a change of
    how much is remembered; what both remember must agree.
    """
    mine, theirs = _texts(one), _texts(other)
    return tuple(
        name
        for name in mine
        if mine[name] != theirs[name]
        and not _is_same_memory(name, getattr(one, name), getattr(other, name))
    )


def _texts(books: Books) -> Mapping[str, str]:
    """Return each part as text, in which mappings with the same items are the same."""
    parts = json.loads(encode_books(books))["books"]
    return {
        field.name: json.dumps(parts[field.name], sort_keys=True) for field in attrs.fields(Books)
    }


def _is_same_memory(name: str, one: object, other: object) -> bool:
    """Tell whether two bounded memories differ in how far back they reach, and in nothing else."""
    if isinstance(one, Recent) and isinstance(other, Recent):
        mine, theirs = one.young | one.old, other.young | other.old
        return mine <= theirs or theirs <= mine
    if name == "finished" and isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.items() <= other.items() or other.items() <= one.items()
    return False
