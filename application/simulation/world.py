"""One run: a market, a venue, a network and a disk, and the lives of a desk among them."""

import hashlib
import random
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import attrs
from tidegate.domain.core.effects import Effect
from tidegate.domain.core.state import Books
from tidegate.domain.reports import Execution, FundingPayment, VenueMessage
from tidegate.domain.trade import CloseReason
from tidegate.ports.exchange import VenueError
from tidegate.ports.state import Record, StateCorrupt, StateError

from .killer import Killer
from .life import Life, World, is_unsettled
from .names import Boundary, Counts, Fault, Killed, Violation
from .network import FINAL_MS, Network
from .parts import EXPOSURE_MAX, config_of, make_disk, make_venue, symbols_of
from .plan import Act, KillPlan, Plan, Step, Store
from .rest import Shadow, is_at_rest, judge_fold, judge_rest
from .runner import Host
from .script import Outside, operate
from .timeline import Timeline
from .watch import Watch

__all__ = ["Observer", "Outcome", "Run"]

REST_MS_MAX = 120_000
REST_LOOK_MS = 1_000
RESTART_MS = 500
SKEW_MS_MAX = 400
_FILLED_BEFORE_MS = 5
"""How long before a start an order may fill that nobody watches: history lags by more."""
_STOPPED = f'"reason":"{CloseReason.STOP.value}"'
Observer = Callable[[VenueMessage], None]
"""Is told of each message and row of history at the moment at which it reaches the desk."""


@attrs.frozen(kw_only=True)
class Outcome:
    """How a run ended. ``violation`` is ``None`` where everything held.

    ``digest`` is that of the journal's text: the same plan gives the same, byte for byte.
    """

    plan: Plan
    counts: Counts
    violation: Violation | None
    digest: str
    story: tuple[str, ...]


class Run:
    """One plan, run once by :meth:`run`. ``observer`` and the story are for whoever looks on."""

    def __init__(
        self, plan: Plan, *, observer: Observer | None = None, has_story: bool = False
    ) -> None:
        self._plan = plan
        self._observer = observer
        self._story: list[str] | None = [] if has_story else None
        self._counts = Counts()
        self._timeline = Timeline()
        self._network = Network(plan, self._timeline, self._counts, self._reach)
        self._killer = Killer(plan)
        self._shadow = Shadow() if plan.is_checked_often else None
        self._symbols = symbols_of(plan)
        self.venue = make_venue(self._symbols, self._timeline, self._network)
        self._watch = Watch(self.venue, self._timeline, exposure_max=EXPOSURE_MAX.value)
        self._outside = Outside(
            self.venue,
            self._timeline,
            count=self._network.count,
            watch=self._watch,
            is_begun=lambda: self._disk.durable_version > 0,
        )
        self._life: Life | None = None
        self._lives = 0
        self._step_ms = 0
        self._undo = ExitStack()
        self._disk = make_disk(plan, self._undo)
        self._world = self._make_world()

    # The parts

    def _make_world(self) -> World:
        self.venue.placing = self._watch.placing
        if self._observer is not None:
            self.venue.shown = self._observe
            self._network.told = self._observer
        return World(
            venue=self.venue,
            disk=self._disk,
            host=Host(
                timeline=self._timeline,
                network=self._network,
                reach=self._reach,
                sending=self._sending,
                took=self._took,
                failed=self._failed,
            ),
            config=config_of(self._plan),
            symbols=frozenset(self._symbols),
            seed=self._plan.seed,
            step_ms=lambda: self._step_ms,
            took=self._wrote,
        )

    # From the parts

    def _observe(self, rows: Sequence[Execution | FundingPayment]) -> None:
        assert self._observer is not None, "nobody looks on"
        for row in rows:
            self._observer(row)

    def _sending(self, effects: Sequence[Effect]) -> None:
        self._watch.sending(effects, durable_version=self._disk.durable_version)

    def _wrote(self, first_version: int, records: Sequence[Record]) -> None:
        if self._shadow is not None:
            self._shadow.take(records)
        self._watch.took(first_version, records)

    def _reach(self, boundary: Boundary) -> None:
        if self._life is not None and self._killer.wants(boundary, self._is_unsettled):
            raise Killed(boundary)

    def _is_unsettled(self) -> bool:
        intends = any(kind.endswith("_intended") for kind in self._watch.kinds)
        return intends or (self._life is not None and is_unsettled(self._life.books))

    def _took(self) -> None:
        self._counts.steps += 1
        life = self._life
        if life is None:
            return
        self._watch.kinds = ()
        self._watch.look(is_running=life.is_running)
        self._watch.see(life.engine.state.view.positions)
        if self._shadow is not None:
            self._shadow.judge(life)
        if self._killer.wants_stop() and is_unsettled(life.books):
            self._timeline.after(0, partial(self._stop_if, life))

    def _failed(self, error: StateError) -> None:
        if isinstance(error, StateCorrupt):
            raise Violation("a journal that was written can be read", str(error))
        self._tell(f"the writer stops: {error}")
        self._network.count(Fault.DISK_FULL)
        self._timeline.after(0, self._end_life)
        self._timeline.after(RESTART_MS, self._begin_life)

    # Lives

    def _begin_life(self) -> None:
        if self._life is not None:
            return
        self._lives += 1
        self._counts.starts += 1
        skew_ms = (self._plan.seed * 37 + self._lives * 211) % (2 * SKEW_MS_MAX + 1) - SKEW_MS_MAX
        self._network.skew_ms = skew_ms
        self._watch.kinds = ()
        self._watch.begin()
        life = self._life = Life(self._world, self._lives, skew_ms=skew_ms)
        if self._shadow is not None:
            self._shadow.begin(life)
        self._tell(f"life {self._lives} begins, its clock {skew_ms:+d} ms off")
        try:
            life.start()
        except (VenueError, StateError) as error:
            self._counts.starts_failed += 1
            self._tell(f"the start fails: {error}")
            self._end_life()
            self._timeline.after(RESTART_MS, self._begin_life)
            return
        self._took()
        self._tell("the desk trades")

    def _end_life(self) -> None:
        if self._life is not None:
            self._life.end()
            self._life = None

    def _stop_if(self, life: Life) -> None:
        """Stop in an orderly way, unless that life is over; it begins anew a little later."""
        if self._life is not life:
            return
        self._tell("an orderly stop")
        try:
            life.stop()
        except StateError as error:
            self._tell(f"no snapshot: {error}")
        judge_fold(life)
        self._end_life()
        self._timeline.after(RESTART_MS, self._begin_life)

    def _bury(self, killed: Killed) -> None:
        kill, life = self._killer.next, self._life
        assert kill is not None, "a process died that nobody killed"
        assert life is not None, "nobody lived that could die"
        self._counts.kills[killed.boundary.name] += 1
        self._end_life()
        is_gone = self._disk.die(random.Random(kill.dice), is_power_cut=kill.is_power_cut)  # noqa: S311
        if kill.is_power_cut:
            is_file = self._plan.store is Store.SQLITE
            self._network.count(Fault.LOG_TORN if is_file else Fault.POWER_CUT)
        self._tell(_obituary(kill, killed, is_gone=is_gone))
        self._read_again()
        self._killer.done()
        if kill.is_filled_last:
            self._timeline.after(kill.down_ms - _FILLED_BEFORE_MS, self._outside.fill_youngest)
        self._timeline.after(kill.down_ms, self._begin_life)

    def _read_again(self) -> None:
        """Let the judge see what the death left, as the next process will."""
        records = [stored.record for stored in self._disk.open().read()]
        self._watch.read_again(records)

    @property
    def last_books(self) -> Books | None:
        """The books of the process that lives now; after a run, of the one that came to rest."""
        return None if self._life is None else self._life.books

    # The script

    def run(self) -> Outcome:
        """Run the plan to its end, and through the quiet time after it."""
        violation = None
        with self._undo:
            try:
                self._live()
                self._come_to_rest()
            except Violation as found:
                violation = found
            except Exception as fault:  # noqa: BLE001 - whatever fails is what the reader must see
                violation = Violation("no code of the desk fails", _where(fault))
            if violation is not None:
                self._tell(f"VIOLATION: {violation}")
            self._counts.events.update(self._kinds())
            digest = self._digest()
        return Outcome(
            plan=self._plan,
            counts=self._counts,
            violation=violation,
            digest=digest,
            story=tuple(self._story or ()),
        )

    def _live(self) -> None:
        self._timeline.after(0, self._begin_life)
        self._run_until(self._timeline.now_ms + RESTART_MS)
        for step in self._plan.steps:
            self._run_until(self._timeline.now_ms + step.wait_ms)
            self._killer.acts = step.number
            self._guarded(partial(self._act, step))

    def _run_until(self, time_ms: int) -> None:
        """Let the world go on, whoever dies meanwhile."""
        while not self._guarded(partial(self._timeline.run_until, time_ms)):
            assert self._killer.next is None or self._life is None, "a buried life goes on"

    def _guarded(self, act: Callable[[], None]) -> bool:
        """Do it; where the process dies of it, bury it. Tells whether it came to its end."""
        try:
            act()
        except Killed as killed:
            self._bury(killed)
            return False
        return True

    def _act(self, step: Step) -> None:
        dice = random.Random(step.dice)  # noqa: S311 - a replayable script, no secret
        symbol = dice.choice(self._symbols)
        life = self._life if self._life is not None and self._life.is_running else None
        self._counts.acts[step.act.name] += 1
        self._tell(f"act {step.number}: {step.act.value} {symbol}")
        desk = None if life is None else life.desk
        is_done = operate(step.act, desk, self.venue, symbol, dice)
        if not is_done and not self._outside.act(step.act, symbol, dice):
            self._trouble(step.act, life, dice)
        self._watch.look(is_running=life is not None)

    def _trouble(self, act: Act, life: Life | None, dice: random.Random) -> None:
        match act:
            case Act.CUT:
                self._cut(dice.choice((30, 400, 3_000)))
            case Act.VENUE_RESTART:
                away_ms = dice.choice((200, 1_500))
                self._network.down_until_ms = self._timeline.now_ms + away_ms
                self._network.count(Fault.VENUE_RESTARTED)
                self._cut(away_ms)
            case Act.CLOCK_STEP:
                self._step_ms += dice.choice((-3_600_000, -2_000, 2_000, 3_600_000))
                self._network.count(Fault.CLOCK_STEPPED)
            case Act.DISK_FULL if life is not None:
                life.journal.is_full = True
            case Act.STOP if life is not None:
                self._stop_if(life)
            case _:
                return

    def _cut(self, ms: int) -> None:
        self._network.cut()
        self.venue.script.disconnect()
        self._timeline.after(ms, self.venue.script.reconnect)

    # The end

    def _come_to_rest(self) -> None:
        """End every trouble, give the desk time, and hold its books against the venue's."""
        self._killer.end()
        self._network.is_calm = True
        self.venue.script.reconnect()
        if self._life is not None:
            self._life.journal.is_full = False
        until_ms = self._timeline.now_ms + REST_MS_MAX
        self._run_until(self._timeline.now_ms + 2 * FINAL_MS)
        while not self._is_at_rest():
            if self._timeline.now_ms >= until_ms:
                raise Violation("the desk comes to rest", f"{REST_MS_MAX} ms were not enough")
            self._run_until(self._timeline.now_ms + REST_LOOK_MS)
        life = self._life
        assert life is not None, "a desk at rest lives"
        life.desk.reconcile(timeout_ms=0)
        self._run_until(self._timeline.now_ms + REST_LOOK_MS)
        judge_fold(life)
        judge_rest(life, self.venue, self._watch.view)

    def _is_at_rest(self) -> bool:
        life = self._life
        if life is None:
            self._timeline.after(RESTART_MS, self._begin_life)
            return False
        return life.is_running and is_at_rest(life)

    def _kinds(self) -> list[str]:
        """Return the kinds of all events; a trade that its stop ended counts as one more."""
        kinds = []
        for stored in self._disk.open().read():
            kinds.append(stored.record.kind.partition(".")[0])
            if kinds[-1] == "trade_closed" and _STOPPED in stored.record.body:
                kinds.append("stop_out")
        return kinds

    def _digest(self) -> str:
        text = hashlib.sha256()
        for stored in self._disk.open().read():
            record = stored.record
            text.update(f"{stored.version} {record.time_ms} {record.kind} {record.body}\n".encode())
        return text.hexdigest()

    def _tell(self, text: str) -> None:
        if self._story is not None:
            self._story.append(f"{self._timeline.now_ms % 100_000_000:>9} {text}")


def _where(fault: Exception) -> str:
    frame = traceback.extract_tb(fault.__traceback__)[-1]
    return f"{type(fault).__name__}: {fault} ({Path(frame.filename).name}:{frame.lineno})"


def _obituary(kill: KillPlan, killed: Killed, *, is_gone: bool) -> str:
    cause = "the power is cut" if kill.is_power_cut else "the process is killed"
    left = "; the end of the journal is gone" if is_gone else ""
    return f"kill {kill.number}: {cause}: {killed.boundary.value}{left}"
