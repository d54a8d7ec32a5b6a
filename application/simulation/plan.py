"""What one seed decides: the script, what goes wrong, and where the process dies.

Everything is drawn before the run. What a call or a message meets is read from a tape by its
number, so that one fault, act or kill can be left out and the others stay as they are.
"""

import enum
import random
from collections.abc import Iterator, Mapping
from types import MappingProxyType

import attrs

from .names import RECOVERY, Boundary, Fault

__all__ = ["Act", "CallDraw", "KillPlan", "MessageDraw", "Plan", "Step", "Store", "draw_plan"]

CALLS = 128
MESSAGES = 128
_WAITS_MS = (0, 0, 1, 5, 20, 80, 300, 900, 2_500)
_DOWN_MS = (1, 40, 300, 900, 3_000)


class Act(enum.Enum):
    """What the script can do."""

    SIGNAL = "signal"
    MOVE = "small move"
    LEAP = "large move"
    FILL = "fill"
    OUTRUN = "fill that outruns a cancel"
    CLOSE = "close"
    REDUCE = "reduce"
    AMEND = "amend"
    CANCEL = "cancel"
    CANCEL_ALL = "cancel all"
    PROTECT = "protect"
    PANIC = "panic"
    RESET = "reset"
    STATE = "trading state"
    FUNDING = "funding"
    LIQUIDATE = "liquidation"
    CLOSE_BY_HAND = "close by hand"
    STOP_BY_HAND = "stop taken away by hand"
    LEVERAGE_BY_HAND = "leverage set by hand"
    ENTRY_BY_HAND = "entry enlarged by hand"
    FOREIGN = "foreign order"
    CUT = "stream cut"
    VENUE_RESTART = "venue restart"
    CLOCK_STEP = "clock step"
    DISK_FULL = "disk full"
    STOP = "orderly stop"


_WEIGHTS: Mapping[Act, int] = MappingProxyType(
    {
        Act.SIGNAL: 30,
        Act.MOVE: 14,
        Act.LEAP: 9,
        Act.FILL: 10,
        Act.OUTRUN: 3,
        Act.CLOSE: 4,
        Act.REDUCE: 3,
        Act.AMEND: 7,
        Act.CANCEL: 3,
        Act.CANCEL_ALL: 1,
        Act.PROTECT: 3,
        Act.PANIC: 2,
        Act.RESET: 7,
        Act.STATE: 2,
        Act.FUNDING: 2,
        Act.LIQUIDATE: 2,
        Act.CLOSE_BY_HAND: 2,
        Act.STOP_BY_HAND: 2,
        Act.LEVERAGE_BY_HAND: 3,
        Act.ENTRY_BY_HAND: 4,
        Act.FOREIGN: 2,
        Act.CUT: 3,
        Act.VENUE_RESTART: 1,
        Act.CLOCK_STEP: 1,
        Act.DISK_FULL: 1,
        Act.STOP: 1,
    }
)


class Store(enum.Enum):
    """Where the journal is kept."""

    MEMORY = "memory"
    SQLITE = "sqlite"


@attrs.frozen(kw_only=True)
class Step:
    """One act of the script: ``wait_ms`` after the one before it. ``dice`` decides its details."""

    number: int
    wait_ms: int
    act: Act
    dice: int


@attrs.frozen(kw_only=True)
class KillPlan:
    """Die at a boundary, once act ``after`` was begun and at the ``ordinal``-th passing since.

    A passing counts while something is unsettled. ``down_ms`` is how long the process is away;
    ``is_filled_last`` tells whether an order fills just before it is back.
    """

    number: int
    after: int
    boundary: Boundary
    ordinal: int
    is_power_cut: bool
    down_ms: int
    is_filled_last: bool
    dice: int


@attrs.frozen(kw_only=True)
class CallDraw:
    """What one call meets: its ways there and back, and what goes wrong; times in milliseconds."""

    number: int
    out_ms: int
    back_ms: int
    gap_ms: int
    fault: Fault | None
    late_ms: int
    lag_ms: int


@attrs.frozen(kw_only=True)
class MessageDraw:
    """What one message of the stream meets."""

    number: int
    delay_ms: int
    fault: Fault | None


@attrs.frozen(kw_only=True)
class Plan:
    """All that one seed decides. ``without`` are the names of what was left out of it.

    A name is a letter and a number: ``a`` for an act, ``k`` for a kill, ``c`` for what goes wrong
    with a call and ``m`` for what goes wrong with a message.
    """

    seed: int
    store: Store
    symbols: int
    streams_needed: bool
    is_checked_often: bool
    steps: tuple[Step, ...]
    kills: tuple[KillPlan, ...]
    calls: tuple[CallDraw, ...]
    messages: tuple[MessageDraw, ...]
    without: frozenset[str] = frozenset()

    @property
    def names(self) -> tuple[str, ...]:
        """Return what could be left out."""
        return (
            *(f"a{step.number}" for step in self.steps),
            *(f"k{kill.number}" for kill in self.kills),
            *(f"c{call.number}" for call in self.calls if call.fault is not None),
            *(f"m{one.number}" for one in self.messages if one.fault is not None),
        )

    def leaving_out(self, names: frozenset[str]) -> "Plan":
        """Return the plan without some of its acts, kills and faults."""
        if not names:
            return self
        return attrs.evolve(
            self,
            steps=tuple(step for step in self.steps if f"a{step.number}" not in names),
            kills=tuple(kill for kill in self.kills if f"k{kill.number}" not in names),
            calls=tuple(
                attrs.evolve(call, fault=None) if f"c{call.number}" in names else call
                for call in self.calls
            ),
            messages=tuple(
                attrs.evolve(one, fault=None) if f"m{one.number}" in names else one
                for one in self.messages
            ),
            without=self.without | names,
        )


_CALL_FAULTS = (
    Fault.REQUEST_LOST,
    Fault.ANSWER_LOST,
    Fault.ANSWER_LOST,
    Fault.REQUEST_LATE,
    Fault.REQUEST_LATE,
    Fault.REQUEST_TOO_LATE,
    Fault.REQUEST_REFUSED,
    Fault.QUERY_FAILED,
)
_MESSAGE_FAULTS = (Fault.UPDATE_DUPLICATED, Fault.UPDATE_REORDERED, Fault.UPDATE_DROPPED)
_STORM = (0, 3, 6, 12, 25)
"""How many of a hundred calls and messages meet a fault, by seed."""
_PERCENT = 100


def draw_plan(seed: int) -> Plan:
    """Return what ``seed`` decides: always the same."""
    dice = random.Random(seed)  # noqa: S311 - a replayable script, no secret
    kills = dice.randint(2, 5)
    steps = kills * dice.randint(4, 6) + 3
    storm = dice.choice(_STORM)
    acts, weights = list(_WEIGHTS), list(_WEIGHTS.values())
    script = [Act.SIGNAL, *dice.choices(acts, weights, k=steps - 1)]
    return Plan(
        seed=seed,
        store=Store.SQLITE if dice.randrange(32) == 0 else Store.MEMORY,
        symbols=dice.choice((1, 1, 2)),
        streams_needed=dice.randrange(2) == 0,
        is_checked_often=dice.randrange(4) == 0,
        steps=tuple(_steps(dice, script)),
        kills=tuple(_kill(dice, number, steps // kills) for number in range(kills)),
        calls=tuple(_call(dice, number, storm) for number in range(CALLS)),
        messages=tuple(_message(dice, number, storm) for number in range(MESSAGES)),
    )


_PLACES = (
    *Boundary,
    # Few starts send anything: those that do are worth looking at.
    *(Boundary.RECOVERY_BEFORE_REQUEST, Boundary.RECOVERY_AFTER_REQUEST) * 3,
    *(Boundary.ON_THE_WAY, Boundary.AFTER_EFFECT, Boundary.BEFORE_UPDATE, Boundary.BEFORE_TIMER),
)


_SECOND_THOUGHTS = (Act.PANIC, Act.STATE, Act.CANCEL, Act.CANCEL_ALL, Act.CLOSE, Act.LEAP)
_THOUGHTS_PER_SIGNAL = 4


def _steps(dice: random.Random, script: list[Act]) -> Iterator[Step]:
    """Yield the steps; now and then an operator thinks again while a signal is under way."""
    is_thought = False
    for number, act in enumerate(script):
        yield Step(
            number=number,
            wait_ms=0 if is_thought else dice.choice(_WAITS_MS),
            act=dice.choice(_SECOND_THOUGHTS) if is_thought else act,
            dice=dice.getrandbits(32),
        )
        is_thought = act is Act.SIGNAL and dice.randrange(_THOUGHTS_PER_SIGNAL) == 0


def _kill(dice: random.Random, number: int, spacing: int) -> KillPlan:
    boundary, is_filled_last = dice.choice(_PLACES), dice.randrange(5) == 0
    while number == 0 and boundary in RECOVERY:
        boundary = dice.choice(_PLACES)
    return KillPlan(
        number=number,
        after=number * spacing,
        boundary=boundary,
        ordinal=1 if boundary in RECOVERY else dice.choice((1, 1, 2, 3, 4)),
        is_power_cut=dice.randrange(3) == 0,
        # An order that fills as the process comes back was not heard of for as long as any.
        down_ms=max(_DOWN_MS) if is_filled_last else dice.choice(_DOWN_MS),
        is_filled_last=is_filled_last,
        dice=dice.getrandbits(32),
    )


def _call(dice: random.Random, number: int, storm: int) -> CallDraw:
    has_fault = dice.randrange(_PERCENT) < storm
    return CallDraw(
        number=number,
        out_ms=dice.choice((1, 2, 5, 9, 20, 60)),
        back_ms=dice.choice((1, 2, 5, 15, 40, 200)),
        gap_ms=dice.choice((0, 0, 0, 0, 0, 3, 12)),
        fault=dice.choice(_CALL_FAULTS) if has_fault else None,
        late_ms=dice.randint(60, 1_400),
        lag_ms=dice.choice((0, 100, 250, 290)) if storm else 0,
    )


def _message(dice: random.Random, number: int, storm: int) -> MessageDraw:
    has_fault = dice.randrange(_PERCENT) < storm
    return MessageDraw(
        number=number,
        delay_ms=dice.choice((0, 1, 2, 4, 10, 30)),
        fault=dice.choice(_MESSAGE_FAULTS) if has_fault else None,
    )
