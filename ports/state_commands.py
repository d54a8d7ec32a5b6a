"""What ``tidegate state`` asks of the application: one method for each of its commands."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

import attrs
from tidegate.domain.mode import VenueKind

from .state_care import Compacted, StoreFacts

__all__ = ["BackupReport", "RestoreReport", "StateCommandsPort", "StateReport"]


@attrs.frozen(kw_only=True)
class StateReport:
    """What a verification found in a store whose every row and digest is sound.

    ``kinds`` counts the records that were decoded. ``first_ms`` and ``last_ms`` are their times in
    UTC milliseconds, ``None`` where there are none. ``folded_from`` is the version that the books
    were recomputed from: 0 is the start, and anything else means that archives are missing.
    ``snapshot_version`` is ``None`` where there is no snapshot, or one of another release, which a
    start passes over. ``differences`` names the parts of the books in which the snapshot is not
    what the journal folds to. ``is_stopped`` is false while a session runs, and after one that was
    killed. ``venue`` and ``account`` say whose journal it is, as far as known.
    """

    facts: StoreFacts
    kinds: Mapping[str, int]
    first_ms: int | None
    last_ms: int | None
    folded_from: int
    snapshot_version: int | None
    differences: tuple[str, ...]
    is_stopped: bool
    venue: VenueKind | None
    account: str | None

    @property
    def is_complete(self) -> bool:
        """Tell whether the books were recomputed from the very first record."""
        return self.folded_from == 0

    @property
    def is_verified(self) -> bool:
        """Tell whether everything was recomputed, and nothing differs."""
        return self.is_complete and not self.differences


@attrs.frozen(kw_only=True)
class BackupReport:
    """A copy at ``place`` that was verified after it was written."""

    place: str
    copy: StateReport


@attrs.frozen(kw_only=True)
class RestoreReport:
    """A copy that was put in place.

    ``moved_to`` is where the journal that was there is now. ``behind`` is how many of its versions
    the copy does not have, ``None`` where that cannot be told.
    """

    place: str
    copy: StateReport
    moved_to: str | None
    behind: int | None


class StateCommandsPort(ABC):
    """The care of one state store. Each may raise ``StateError`` with the remedy in its text."""

    @abstractmethod
    def verify(self, place: str | None = None) -> StateReport:
        """Walk the chain of digests, decode every record, fold all anew and compare.

        A copy at ``place`` is judged instead of the journal where one is named. It writes nothing,
        and a desk may run meanwhile.

        Raises:
            StateCorrupt: something is damaged; the message says where, and what is safe to do.
            ArchiveUnreadable: an archive is damaged, or the books cannot be recomputed without one
                that is missing.
            NewerFormat: a newer release wrote it.
            StateUnavailable: it is not there, or cannot be read now.

        """

    @abstractmethod
    def backup(self, place: str) -> BackupReport:
        """Copy the store to the new file ``place``; a desk may run meanwhile.

        Raises:
            CareRefused: something is there already, or the copy does not verify.
            StateError: as :meth:`verify`; or the copy cannot be written.

        """

    @abstractmethod
    def restore(self, place: str, *, account: str | None, moves_aside: bool) -> RestoreReport:
        """Put the copy at ``place`` where the store belongs.

        ``account`` is the venue's id of the account that it must be of, ``None`` for any. What is
        there is moved aside where ``moves_aside``, and never deleted.

        Raises:
            CareRefused: a store is there, a desk has it open, or the copy is of another venue or
                account; nothing was changed.
            StateError: the copy does not verify, or the place cannot be written.

        """

    @abstractmethod
    def compact(self) -> Compacted:
        """Move every record into an archive beside the store, which keeps the books they fold to.

        Raises:
            CareRefused: the last session did not end in an orderly way, a desk has the store open,
                or its snapshot is not what the journal folds to.
            StateError: it is damaged, or cannot be written.

        """
