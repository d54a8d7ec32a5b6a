"""The use cases of ``tidegate state`` on one journal: verify, back up, restore, compact."""

import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import attrs
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.mode import VENUES_OF, VenueKind
from tidegate.ports.clock import ClockPort
from tidegate.ports.state import Snapshot, StateCorrupt, StateError, StateUnavailable
from tidegate.ports.state_care import CareRefused, Compacted, StateCarePort, StoreView
from tidegate.ports.state_commands import (
    BackupReport,
    RestoreReport,
    StateCommandsPort,
    StateReport,
)

from .codec import encode_books
from .settings import Settings
from .settings_state import StateBackend
from .stores import foreign_reader, make_care
from .verifying import examine

__all__ = ["StateCare", "archived_text", "care_of"]

_LOG = logging.getLogger(__name__)
_SAFE = (
    "Nothing was written. Start no desk on it; the stops that are on the venue stay there meanwhile"
)


def care_of(settings: Settings, clock: ClockPort) -> "StateCare":
    """Return the care of the journal that the settings name.

    Raises:
        StateUnavailable: the settings name no database that could be asked.

    """
    return StateCare(
        make_care(settings),
        config=settings.core_config(VenueKind.PAPER),
        clock=clock,
        folder=settings.state_path.parent,
        backend=settings.state.backend,
    )


def archived_text(base: int) -> str:
    """Say where the records up to version ``base`` are, and how to read them."""
    return (
        f"versions 1 to {base} were moved to archives; accepted: --archive to read them too, or "
        f"--after {base} and above"
    )


class StateCare(StateCommandsPort):
    """``folder`` is where copies of the store are looked for when it is damaged."""

    def __init__(
        self,
        care: StateCarePort,
        *,
        config: CoreConfig,
        clock: ClockPort,
        folder: Path,
        backend: StateBackend,
    ) -> None:
        self._care = care
        self._config = config
        self._clock = clock
        self._folder = folder
        self._backend = backend

    def verify(self, place: str | None = None) -> StateReport:
        """See :meth:`StateCommandsPort.verify`."""
        if place is not None:
            file = Path(place).expanduser()
            reader = foreign_reader(self._backend, file) or self._care
            return reader.look(self._examine, place=str(file))
        try:
            return self._care.look(self._examine)
        except StateCorrupt as error:
            raise StateCorrupt(f"{error}\n{_SAFE}.\n{self._remedy()}") from error

    def _examine(self, view: StoreView) -> StateReport:
        return examine(view, self._config)[0]

    def _remedy(self) -> str:
        command = "tidegate state restore FILE --move-aside"
        best = max(self._copies(), key=lambda found: found.facts.version, default=None)
        if best is None:
            return f"No sound copy is in {self._folder}. With one from elsewhere: {command}"
        when = "" if best.last_ms is None else f" of {_stamp(best.last_ms)}"
        return (
            f"The newest sound copy in {self._folder} is {Path(best.facts.place).name}, version "
            f"{best.facts.version}{when}: {command}"
        )

    def _copies(self) -> list[StateReport]:
        found = []
        for file in sorted(self._folder.glob(f"*{self._care.copy_suffix}")):
            try:
                found.append(self._care.look(self._examine, place=str(file)))
            except StateError as error:
                _LOG.debug("no sound copy: %s", error)
        return found

    def backup(self, place: str) -> BackupReport:
        """See :meth:`StateCommandsPort.backup`."""
        target = Path(place).expanduser()
        if not target.parent.is_dir():
            raise StateUnavailable(
                f"{target}: its folder {target.parent} is not there; make it, or name another file"
            )
        report = self._care.backup(str(target), self._sound)
        return BackupReport(place=str(target), copy=_at(report, str(target)))

    def _sound(self, view: StoreView) -> StateReport:
        """Examine a copy, and take none whose snapshot is not what its journal folds to."""
        report = self._examine(view)
        if report.differences:
            raise CareRefused(_differs(report))
        return report

    def restore(self, place: str, *, account: str | None, moves_aside: bool) -> RestoreReport:
        """See :meth:`StateCommandsPort.restore`."""
        source = Path(place).expanduser()
        before = self._before()
        reports: list[StateReport] = []

        def check(view: StoreView) -> None:
            report = self._sound(view)
            self._require_belongs(report, account, before)
            reports.append(report)

        with self._of_our_kind(source, check) as copy_place:
            done = self._care.restore(
                copy_place,
                check,
                moves_aside=moves_aside,
                stamp=_file_stamp(self._clock.now_ms()),
            )
        copy = _at(reports[-1], done.place)
        behind = None if before is None else max(0, before.facts.version - copy.facts.version)
        return RestoreReport(place=done.place, copy=copy, moved_to=done.moved_to, behind=behind)

    @contextmanager
    def _of_our_kind(self, source: Path, check: Callable[[StoreView], None]) -> Iterator[str]:
        """Give the place of a copy of this store's kind: the source, or what it converts to."""
        reader = foreign_reader(self._backend, source)
        if reader is None:
            yield str(source)
            return
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / f"{source.stem}{self._care.copy_suffix}"

            def convert(view: StoreView) -> None:
                check(view)
                place.unlink(missing_ok=True)  # of a look that has to be made again
                self._care.convert(view, str(place))

            reader.look(convert, place=str(source))
            yield str(place)

    def _before(self) -> StateReport | None:
        """Return what is at the journal's place, ``None`` where that is not there or damaged."""
        try:
            return self._care.look(self._examine)
        except StateError as error:
            _LOG.debug("what is in the journal's place cannot be compared: %s", error)
            return None

    def _require_belongs(
        self, copy: StateReport, account: str | None, before: StateReport | None
    ) -> None:
        mode = self._config.mode
        if copy.venue is not None and copy.venue not in VENUES_OF[mode]:
            accepted = " or ".join(sorted(venue.value for venue in VENUES_OF[mode]))
            raise CareRefused(
                f"this copy belongs to the venue {copy.venue.value!r}, and the mode is "
                f"{mode.value!r}; accepted: a copy of {accepted}, or the copy's own mode "
                "(mode, TIDEGATE_MODE)"
            )
        known = None if before is None else before.account
        for wanted, whose in ((account, "that was named"), (known, "of the journal in its place")):
            if wanted is not None and copy.account is not None and copy.account != wanted:
                raise CareRefused(
                    f"this copy belongs to account {copy.account}, the account {whose} is "
                    f"{wanted}; name a copy of that account, or another state folder"
                )
        if account is not None and copy.account is None:
            raise CareRefused(
                f"this copy does not say whose account it is, and account {account} was named; "
                "leave the account out if it is known to be this one"
            )

    def compact(self) -> Compacted:
        """See :meth:`StateCommandsPort.compact`."""
        return self._care.compact(self._folded)

    def _folded(self, view: StoreView) -> Snapshot:
        report, books = examine(view, self._config)
        if report.differences:
            raise CareRefused(_differs(report))
        if not report.is_stopped:
            raise CareRefused(
                f"{report.facts.place}: its last session did not end in an orderly way; nothing "
                "was changed. Start it once more, so that it learns what happened, and stop it "
                "with Ctrl-C"
            )
        return Snapshot(version=report.facts.version, body=encode_books(books))


def _at(report: StateReport, place: str) -> StateReport:
    """Name the place that a copy has now instead of the one where it was made."""
    return attrs.evolve(report, facts=attrs.evolve(report.facts, place=place))


def _differs(report: StateReport) -> str:
    return (
        f"{report.facts.place}: the snapshot of version {report.snapshot_version} is not what the "
        f"journal folds to, in: {', '.join(report.differences)}; nothing was changed. See tidegate "
        "state verify"
    )


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms // 1000, UTC)


def _stamp(ms: int) -> str:
    return f"{_moment(ms):%Y-%m-%d %H:%M:%S} UTC"


def _file_stamp(ms: int) -> str:
    return f"{_moment(ms):%Y%m%dT%H%M%SZ}"
