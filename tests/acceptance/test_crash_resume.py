"""A session killed at any point goes on to the result of the uninterrupted one.

The lives run in processes of their own that end by SIGKILL; ``kill_driver`` says how, and has a
sweep that searches for further points. Each case is one kill or several: the second and third
process begin with recovery, so small ordinals there die while recovering.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from .kill_driver import BARS
from .killing import PLACES, Fuse, Kill

_ROOT = Path(__file__).parents[2]
_SECONDS_MAX = 600
_BARS_USUALLY = 280

_Outcomes = dict[str, dict[str, Any]]
_Case = tuple[tuple[str, int], ...]

# Ordinals are spread over the whole run; of a shorter one the same share is taken. The places
# around the start and the end are there by name.
_CASES: dict[str, _Case] = {
    "right after the first piece of data": (("after commit", 1),),
    "before the account was opened": (("before append", 1),),
    "right after the account was opened": (("after append", 1),),
    "before a piece was committed": (("before commit", 611),),
    "after a piece was committed": (("after commit", 742),),
    "before the journal had a decision": (("before append", 333),),
    "after the journal had a decision": (("after append", 401),),
    "between an intent and its sending": (("before place", 17),),
    "between a reduction's intent and its sending": (("before place", 22),),
    "between the venue's effect and our note of it": (("after place", 31),),
    "between a stop's intent and its setting": (("before request", 9),),
    "after a stop was set, before we know": (("after request", 12),),
    "while messages are handed over": (("message", 1_000),),
    "late among the messages": (("message", 1_501),),
    "inside a bar": (("between pieces", 501),),
    "inside another bar": (("between pieces", 802),),
    "before the snapshot at the end": (("before snapshot", 1),),
    "after the snapshot at the end": (("after snapshot", 1),),
    "again before recovery has written": (("after commit", 803), ("before append", 1)),
    "again after recovery began": (("message", 771), ("after append", 1)),
    "while recovery asks": (("after append", 512), ("before query", 3)),
    "while recovery gets answers": (("before place", 25), ("after query", 2)),
    "while recovery sends again": (("before place", 40), ("before place", 1)),
    "twice while recovering": (("after place", 12), ("after append", 2), ("after query", 1)),
    "in recovery after recovery": (("before commit", 400), ("before query", 2), ("message", 1)),
    "in recovery while a close is due": (
        ("before commit", 313),
        ("before query", 2),
        ("message", 1),
    ),
    "three times along the way": (
        ("between pieces", 300),
        ("after commit", 250),
        ("after append", 201),
    ),
}
_NAMES = tuple(_CASES)
_NAMES_BY_PLAN = {
    "at once": _NAMES[0::2],
    "late": _NAMES[1::2],
    "thin": _NAMES[-5:],
}
_POINTS = [(plan, name) for plan, names in _NAMES_BY_PLAN.items() for name in names]
_EACH_TIME = {
    "at once": _NAMES_BY_PLAN["at once"][1::2],
    "late": _NAMES_BY_PLAN["late"][::2],
}
"""What is run each time; with ``--whole`` it is all of them. The commands of the crash sweep and of
the simulation kill at every boundary each time."""


def _run_driver(plan: str, names: Sequence[str], bars: int, folder: Path) -> list[dict[str, Any]]:
    order = folder / "cases.json"
    cases = [
        [(place, max(1, ordinal * bars // BARS)) for place, ordinal in _CASES[name]]
        for name in names
    ]
    wish = {"folder": str(folder), "plan": plan, "bars": bars, "cases": cases}
    order.write_text(json.dumps(wish))
    done = subprocess.run(
        [sys.executable, "-m", "tests.acceptance.kill_driver", str(order)],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=_SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4_000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory, *, whole: bool) -> Callable[[str], _Outcomes]:
    """Return what was seen of each case of a plan, each plan run once."""

    bars = BARS if whole else _BARS_USUALLY

    @cache
    def of_plan(plan: str) -> _Outcomes:
        """The uninterrupted run has no name."""
        names = _NAMES_BY_PLAN[plan] if whole else _EACH_TIME[plan]
        lines = _run_driver(plan, names, bars, tmp_path_factory.mktemp("lives"))
        return dict(zip(["", *names], lines, strict=True))

    return of_plan


_EACH_PLAN = pytest.mark.parametrize(
    "plan",
    [
        pytest.param(plan, marks=() if plan in _EACH_TIME else pytest.mark.sweep)
        for plan in _NAMES_BY_PLAN
    ],
)


@_EACH_PLAN
def test_the_uninterrupted_run_passes_every_place(
    lives: Callable[[str], _Outcomes], plan: str
) -> None:
    passed = lives(plan)[""]["passed"]
    assert [place for place in PLACES if not passed.get(place)] == []
    assert passed["between pieces"] > 600


@pytest.mark.parametrize(
    ("plan", "name"),
    [
        pytest.param(
            plan,
            name,
            marks=() if name in _EACH_TIME.get(plan, ()) else pytest.mark.sweep,
            id=f"{plan}: {name}",
        )
        for plan, name in _POINTS
    ],
)
def test_a_killed_session_ends_as_the_uninterrupted_one(
    lives: Callable[[str], _Outcomes], plan: str, name: str
) -> None:
    outcome = lives(plan)[name]
    assert outcome["faults"] == [], outcome["kinds"]
    kills = [-signal.SIGKILL] * len(outcome["kills"])
    assert outcome["ends"] == [*kills, 0], "a point was never reached"


@_EACH_PLAN
def test_only_what_recovery_says_again_differs_in_number(
    lives: Callable[[str], _Outcomes], plan: str
) -> None:
    allowed = {
        "cancel_intended", "cancel_refused", "entry_released", "equity_marked", "excursion",
        "finding_raised", "finding_settled", "leverage_set", "order_acknowledged",
        "order_intended", "order_refused", "order_updated", "session_started", "session_stopped",
        "stop_confirmed", "stop_lost", "stop_move_intended", "stop_move_refused",
        "update_ignored",
    }  # fmt: skip
    killed = [outcome for name, outcome in lives(plan).items() if name]
    differing = {text.split(".")[0] for outcome in killed for text in outcome["kinds"]}
    assert "session_started" in differing
    assert differing <= allowed


def test_a_point_that_is_no_place_is_refused() -> None:
    with pytest.raises(ValueError, match="accepted: an ordinal from 1"):
        Fuse(Kill("somewhere", 1))


def test_a_fuse_counts_and_lets_live_before_its_point() -> None:
    fuse = Fuse(Kill("message", 3))
    fuse.reach("message")
    fuse.reach("message")
    fuse.reach("before commit")
    assert fuse.passed["message"] == 2
