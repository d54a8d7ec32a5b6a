"""The use cases of the command line, wired: settings, data, strategy, session, journal."""

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import attrs
from tidegate.adapters.bybit.credentials import CredentialsMissing
from tidegate.adapters.catalogue import BTCUSDT_DEMO, CatalogueError
from tidegate.adapters.feeds import VolumeUnit
from tidegate.adapters.strategies import DonchianBreakout, StrategyError, load_strategy
from tidegate.domain.instrument import Instrument
from tidegate.domain.mode import VENUES_OF, TradingMode, VenueKind, mode_agrees
from tidegate.ports.commands import (
    BadInput,
    CheckReport,
    CheckRequest,
    CommandsPort,
    DemoRequest,
    DoctorReport,
    DoctorRequest,
    NamedDesk,
    OpenedSession,
    PanicReport,
    PaperRequest,
    RunRequest,
    VenueRequest,
    Where,
)
from tidegate.ports.desk import DeskPort, JournalEntry, StatusReport
from tidegate.ports.feed import Feed
from tidegate.ports.live import LiveSessionPort
from tidegate.ports.reconciling import ReconcileReport
from tidegate.ports.simulation import SimulateRequest, SimulationProgress, SimulationReport
from tidegate.ports.state_commands import StateCommandsPort
from tidegate.ports.strategy import StrategyPort
from tidegate.ports.venue_server import VenueServerPort

from .bybit_container import credentials_trouble, open_bybit_desk, panic_on_bybit
from .check import check_trade
from .clocks import SystemClock
from .container import open_desk, paper_session
from .doctor import examine
from .emergency import RECORDED_OUTLOOK
from .engine import fold
from .instruments import instrument_of
from .journal_entries import as_entry, kind_objection, stem_of
from .live_bybit import bybit_session
from .live_paper import (
    is_live_paper,
    live_paper_session,
    open_live_paper_desk,
    panic_on_live_paper,
)
from .market_data import DEMO_ATTRIBUTION, demo_feed, user_feed
from .modes import ModeMismatch
from .operators import (
    as_begun,
    books_of_mode,
    journal_kept,
    named_desk,
    require_panic_over,
    status_of,
)
from .preflight import BYBIT_MODES
from .reconciler import applied_in
from .settings import LIVE_ACKNOWLEDGEMENT, Settings, journal_in, venue_store_in
from .settings_loading import SettingsError, load_settings
from .state_care import archived_text, care_of
from .stores import has_state, open_existing
from .strategy_calls import window_of
from .venue_preparing import prepare_venue

__all__ = ["Commands"]

_DEMO_FOLDER = "tidegate-demo-"
_JOURNAL_SUFFIX = ".sqlite"
_CONFIRMATION = "RESET"
_PROBLEMS = (CatalogueError, CredentialsMissing, ModeMismatch, SettingsError, StrategyError)


class Commands(CommandsPort):
    """``env`` are the environment variables that settings may come from."""

    def __init__(self, env: Mapping[str, str] = os.environ) -> None:
        self._env = env

    def demo(self, request: DemoRequest) -> OpenedSession:
        """See :meth:`CommandsPort.demo`; fixed settings, so that everyone sees the same run."""
        folder = _folder(request.state) if request.state else _temporary_folder()
        settings = Settings(
            symbol=BTCUSDT_DEMO.symbol,
            seed=request.seed,
            state_path=journal_in(folder),
            venue_path=venue_store_in(folder),
        )
        feed = demo_feed(symbol=settings.symbol, bars=request.bars)
        return attrs.evolve(
            _open(settings, feed, DonchianBreakout(), BTCUSDT_DEMO),
            is_temporary=request.state is None,
            footer=DEMO_ATTRIBUTION,
        )

    def paper(self, request: PaperRequest) -> OpenedSession:
        """See :meth:`CommandsPort.paper`."""
        with _named_problems():
            settings = self._settings(request.where, _paper_options(request))
            _require_paper(settings)
            spec = instrument_of(settings)
            strategy = _strategy(settings)
        feed = user_feed(
            data=Path(request.data),
            funding=_optional_path(request.funding),
            mark=_optional_path(request.mark),
            volume_unit=_volume_unit(request.volume_unit),
            symbol=settings.symbol,
        )
        _folder(str(settings.state_path.parent))
        _folder(str(settings.venue_path.parent))
        return _open(settings, feed, strategy, spec)

    def run(self, request: RunRequest) -> LiveSessionPort:
        """See :meth:`CommandsPort.run`."""
        with _named_problems():
            settings = self._settings(request.where, _run_options(request))
            strategy = _strategy(settings)
            if settings.mode in BYBIT_MODES:
                if (lacking := credentials_trouble(settings, self._env)) is not None:
                    raise BadInput([lacking])
                return bybit_session(settings, self._env, strategy)
            if settings.mode is TradingMode.PAPER:
                return live_paper_session(settings, strategy)
        accepted = ", ".join(sorted(mode.value for mode in {*BYBIT_MODES, TradingMode.PAPER}))
        why = f"mode {settings.mode.value!r} has no live market; accepted: {accepted} (--mode)"
        raise BadInput([why])

    def check(self, request: CheckRequest) -> CheckReport:
        """See :meth:`CommandsPort.check`."""
        options: dict[str, object] = {"symbol": request.symbol}
        if request.instruments is not None:
            options["instruments_path"] = request.instruments
        with _named_problems():
            settings = self._settings(Where(config=request.limits), options)
            spec = instrument_of(settings)
        return check_trade(request, settings, spec)

    def doctor(self, request: DoctorRequest) -> DoctorReport:
        """See :meth:`CommandsPort.doctor`."""
        options = {} if request.mode is None else {"mode": request.mode}
        with _named_problems():
            settings = self._settings(request.where, options)
        return examine(settings, self._env, is_fixing=request.is_fixing)

    def venue(self, request: VenueRequest) -> VenueServerPort:
        """See :meth:`CommandsPort.venue`."""
        options = {} if request.symbol is None else {"symbol": request.symbol}
        with _named_problems():
            settings = self._settings(Where(config=request.where.config), options)
            return prepare_venue(request, settings)

    def simulate(self, request: SimulateRequest, progress: SimulationProgress) -> SimulationReport:
        """See :meth:`CommandsPort.simulate`."""
        from .simulation.seeds import simulate  # noqa: PLC0415  (nothing else needs it)

        return simulate(request, progress)

    def named(self, where: Where) -> NamedDesk:
        """See :meth:`CommandsPort.named`."""
        return named_desk(self._harmless(where))

    def status(self, where: Where) -> StatusReport:
        """See :meth:`CommandsPort.status`; works while a session runs."""
        settings = self._readable(where)
        with closing(open_existing(settings)) as journal:
            books, version = fold(journal, settings.core_config(VenueKind.PAPER))
        return status_of(books, version)

    def journal(
        self,
        where: Where,
        *,
        after_version: int | None,
        has_archives: bool = False,
        kind: str | None = None,
    ) -> Iterator[JournalEntry]:
        """See :meth:`CommandsPort.journal`; works while a session runs."""
        if kind is not None and (why := kind_objection(kind)) is not None:
            raise BadInput([f"--kind: {why}"])
        settings = self._readable(where)
        with closing(open_existing(settings)) as journal:
            first = 0 if has_archives else journal.base()
            if after_version is not None and after_version < first:
                raise BadInput([f"--after {after_version}: {archived_text(first)}"])
            for stored in journal.read(after_version=max(first, after_version or 0)):
                entry = as_entry(stored)
                if kind is None or stem_of(entry.kind) == stem_of(kind):
                    yield entry

    def state(self, where: Where) -> StateCommandsPort:
        """See :meth:`CommandsPort.state`."""
        with _named_problems():
            return care_of(self._harmless(where), SystemClock())

    def panic(self, where: Where, *, cause: str) -> PanicReport:
        """See :meth:`CommandsPort.panic`."""
        settings = self._harmless(where)
        with _named_problems(), journal_kept():
            if settings.mode in BYBIT_MODES:
                return panic_on_bybit(settings, self._env, cause=cause)
            books_of_mode(settings)
            if is_live_paper(settings):
                return panic_on_live_paper(settings, cause=cause)
        with self._desk(where) as desk:
            held = desk.panic(cause)
            orders_open = len(desk.status().books.orders)
            outlook = RECORDED_OUTLOOK if held or orders_open else None
            return PanicReport(held=held, orders_open=orders_open, outlook=outlook)

    def reconcile(self, where: Where) -> ReconcileReport:
        """See :meth:`CommandsPort.reconcile`; in a mode of Bybit's over REST alone."""
        with _named_problems():
            settings = self._settings(where)
        with closing(open_existing(settings)) as journal:
            before = journal.version()
        with self._desk(where, with_streams=False) as desk:
            report = desk.reconcile()
            entries = desk.journal(after_version=before)
            return attrs.evolve(report, applied=applied_in(entry.event for entry in entries))

    def reset_panic(self, where: Where, *, confirmation: str) -> None:
        """See :meth:`CommandsPort.reset_panic`."""
        if confirmation != _CONFIRMATION:
            why = (
                f"confirmation {confirmation!r}; accepted: the literal {_CONFIRMATION}, once the "
                "cause of the panic is understood"
            )
            raise BadInput([why])
        with _named_problems():
            require_panic_over(self._settings(where))
        with self._desk(where) as desk:
            desk.reset_panic(confirmation=confirmation)
            if desk.status().panic_cause is not None:
                raise BadInput(["the panic began anew meanwhile, and is not reset: tidegate panic"])

    def _harmless(self, where: Where) -> Settings:
        """Return the settings for what opens no position: it needs no word about real money."""
        with _named_problems():
            return self._settings(where, {"live_acknowledgement": LIVE_ACKNOWLEDGEMENT})

    def _readable(self, where: Where) -> Settings:
        """Return the settings for reading; a mode that was named must be that of the journal."""
        settings = self._harmless(where)
        if where.mode is not None:
            books_of_mode(settings)
        return settings

    def _settings(self, where: Where, options: Mapping[str, object] | None = None) -> Settings:
        config = _optional_path(where.config)
        named = {"mode": where.mode, "live_acknowledgement": where.acknowledgement}
        given = {**_state_options(where.state), **_stated(named), **(options or {})}
        return load_settings(file=config, env=self._env, options=given)

    @contextmanager
    def _desk(self, where: Where, *, with_streams: bool = True) -> Iterator[DeskPort]:
        with _named_problems(), journal_kept():
            settings = self._settings(where)
            if settings.mode in BYBIT_MODES:
                has_streams = settings.bybit.streams and with_streams
                bybit = attrs.evolve(settings.bybit, streams=has_streams)
                settings = attrs.evolve(settings, bybit=bybit)
                with open_bybit_desk(settings, self._env) as desk:
                    yield desk
                return
            _require_paper(settings)
            books_of_mode(settings)
            if is_live_paper(settings):
                with open_live_paper_desk(settings) as desk:
                    yield desk
                return
            with open_desk(as_begun(settings)) as desk:
                yield desk


def _open(
    settings: Settings, feed: Feed, strategy: StrategyPort, spec: Instrument
) -> OpenedSession:
    resumes = has_state(settings)
    return OpenedSession(
        session=paper_session(settings, feed, strategy),
        title=f"{type(strategy).__name__} on {settings.symbol}, {len(feed):,} items of market data",
        base_coin=spec.base_coin,
        state_folder=str(settings.state_path.parent),
        is_temporary=False,
        resumes=resumes,
    )


def _strategy(settings: Settings) -> StrategyPort:
    """Load the strategy, also from the present folder: a console script does not look there."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    strategy = load_strategy(settings.strategy.name, settings.strategy.params)
    window_of(strategy)  # one that fails is told before anything is opened
    return strategy


@contextmanager
def _named_problems() -> Iterator[None]:
    """Turn the errors of what a user wrote into one that lists every reason."""
    try:
        yield
    except _PROBLEMS as error:
        raise BadInput([str(error)]) from error


def _paper_options(request: PaperRequest) -> dict[str, object]:
    given: dict[str, object] = {
        "symbol": request.symbol,
        "seed": request.seed,
        "instruments_path": request.instruments,
    }
    strategy = {"name": request.strategy, "params": dict(request.params) or None}
    given["strategy"] = _stated(strategy) or None
    return _stated(given)


def _run_options(request: RunRequest) -> dict[str, object]:
    strategy = {
        "name": request.strategy,
        "params": dict(request.params) or None,
        "bar_minutes": request.bar_minutes,
    }
    return _stated(
        {
            "mode": request.mode,
            "live_acknowledgement": request.acknowledgement,
            "symbol": request.symbol,
            "strategy": _stated(strategy) or None,
        }
    )


def _stated(choices: Mapping[str, object]) -> dict[str, object]:
    """Leave out what was not chosen."""
    return {key: value for key, value in choices.items() if value is not None}


def _volume_unit(text: str) -> VolumeUnit:
    try:
        return VolumeUnit(text)
    except ValueError:
        units = ", ".join(unit.value for unit in VolumeUnit)
        raise BadInput([f"volume unit {text!r}; accepted: {units}"]) from None


def _require_paper(settings: Settings) -> None:
    if not mode_agrees(settings.mode, VenueKind.PAPER):
        venues = " or ".join(sorted(venue.value for venue in VENUES_OF[settings.mode]))
        why = (
            f"mode: trading mode {settings.mode.value!r} on a {VenueKind.PAPER.value!r} venue; "
            f"accepted: mode {TradingMode.PAPER.value!r} here, {settings.mode.value!r} needs a "
            f"{venues} venue"
        )
        raise BadInput([why])


def _state_options(state: str | None) -> dict[str, object]:
    if state is None:
        return {}
    path = Path(state).expanduser()
    if path.is_file() or path.suffix == _JOURNAL_SUFFIX:
        return {"state_path": path, "venue_path": venue_store_in(path.parent)}
    return {"state_path": journal_in(path), "venue_path": venue_store_in(path)}


def _optional_path(text: str | None) -> Path | None:
    return None if text is None else Path(text).expanduser()


def _temporary_folder() -> Path:
    return Path(tempfile.mkdtemp(prefix=_DEMO_FOLDER))


def _folder(text: str) -> Path:
    path = Path(text).expanduser()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(
            [f"state folder {path}: {error.strerror}; accepted: a folder that can be written"]
        ) from error
    return path
