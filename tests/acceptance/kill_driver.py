"""Lives of a paper session that die and go on: run as a program, from the repository's root.

``python -m tests.acceptance.kill_driver CASES``
    Read a JSON object ``{"folder": ..., "plan": name, "bars": how many of its data,
    "cases": [[[place, ordinal], ...], ...]}`` and print one JSON line for each case. Each case is a
    list of kills: one process for each, then one more that runs to the end of the data. Every life
    is a process of its own, forked from this one after the imports, and dies by SIGKILL.

``python -m tests.acceptance.kill_driver --sweep N [--seed S] [--plan NAME]``
    Search for points that break it: N cases with one to three kills at random points. Prints what
    differs, and exits with 1 when something did. It takes about half a second for each case.
"""

import argparse
import json
import os
import random
import shutil
import sqlite3
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
from tidegate.adapters.paper.config import PaperConfig, PathRule
from tidegate.adapters.strategies import DonchianBreakout
from tidegate.application.codec import encode_books
from tidegate.domain.money import Rate

from tests.application.shapes import use_every_shape

from .killing import PLACES, Fuse, Kill, parts_with_fuse
from .sessions import Plan, hours, make_session

__all__ = ["BARS", "KINDS_COMPARED", "PLANS", "main"]

_QUICK = DonchianBreakout(channel=20)
BARS = 600
_PROGRESS = "progress"
_REPORT = "report.json"

PLANS = {
    "at once": lambda bars: Plan(feed=hours(0, bars), strategy=_QUICK),
    "late": lambda bars: Plan(
        feed=hours(0, bars), strategy=_QUICK, config=PaperConfig(latency_ms=250), seed=5
    ),
    "thin": lambda bars: Plan(
        feed=hours(900, 900 + bars),
        strategy=_QUICK,
        config=PaperConfig(
            latency_ms=1_500_000, participation=Rate.of("0.003"), path=PathRule.SEEDED
        ),
        seed=9,
    ),
}
"""Requests that act at once; that take a while; and a market so thin that fills come in parts."""

OF_EFFECT = frozenset({"thin"})
"""Plans that are compared by what had an effect: there requests take longer than a piece lasts."""

KINDS_COMPARED = (
    "filled",
    "trade_closed",
    "entry_intended",
    "order_intended",
    "funding_booked",
    "signal_refused",
)


def _live(plan: Plan, folder: Path, kill: Kill | None) -> None:
    """Run one life in this process: to its kill, or to the end of the data."""
    fuse = Fuse(kill)
    session, _ = make_session(plan, parts_with_fuse(plan, folder, fuse))
    with (folder / _PROGRESS).open("w") as progress:

        def note(done: int, total: int) -> None:
            progress.seek(0)
            progress.write(f"{done:09d} {total:09d}")
            progress.flush()

        report = session.run(note)
    session.close()
    facts = {
        "summary": repr(attrs.asdict(report.summary)),
        "books": encode_books(report.books),
        "items_done": report.items_done,
        "passed": dict(fuse.passed),
    }
    (folder / _REPORT).write_text(json.dumps(facts))


def _fork_life(plan: Plan, folder: Path, kill: Kill | None) -> int:
    """Return how the life's process ended: 0, or the negative number of its signal."""
    sys.stdout.flush()  # or the child would carry a copy of what waits in the buffer
    pid = os.fork()
    if pid == 0:
        try:
            _live(plan, folder, kill)
            os._exit(0)
        except BaseException:  # noqa: BLE001 - the child of a fork must not return
            traceback.print_exc()
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def _rows(folder: Path) -> list[tuple[Any, ...]]:
    path = folder / "journal.sqlite"
    if not path.exists():
        return []
    with closing(sqlite3.connect(path)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'journal'").fetchone():
            return []
        return connection.execute("SELECT * FROM journal ORDER BY version").fetchall()


def _items_left(folder: Path, total: int) -> int:
    path = folder / _PROGRESS
    text = path.read_text() if path.exists() else ""
    return total - int(text.split()[0]) if text else total


def _notable(rows: Iterable[tuple[Any, ...]], *, of_effect: bool) -> Counter[str]:
    """Return the rows whose number and content may not depend on a kill.

    ``of_effect`` leaves out intents that the venue refused: where a fill and the stop after it come
    in one piece, a desk that knows only the fill sends in vain what a resumed one need not send.
    """
    rows = list(rows)
    in_vain = _refused(rows) if of_effect else frozenset()
    return Counter(
        f"{kind} {body}"
        for _, kind, body, *_ in rows
        if kind.split(".")[0] in KINDS_COMPARED
        and not (kind.startswith("order_intended") and _order_id(body) in in_vain)
    )


def _order_id(body: str) -> str:
    return str(json.loads(body)["order"]["client_id"])


def _refused(rows: Iterable[tuple[Any, ...]]) -> frozenset[str]:
    return frozenset(
        json.loads(body)["client_id"] for _, kind, body, *_ in rows if kind.startswith("order_refu")
    )


def _read_books(facts: dict[str, Any]) -> dict[str, Any]:
    """Return the books without what must not be compared.

    That an order which is over was being cancelled means nothing more, and a leverage is known to
    the process alone that set it: the next entry of a new one sets it again.
    """
    books: dict[str, Any] = json.loads(facts["books"])
    del books["books"]["leverage"]
    for order in books["books"]["finished"].values():
        del order["cancel_intended"], order["cancel_wanted"]
    return books


def _of_effect(books: dict[str, Any]) -> dict[str, Any]:
    """Return the books without what was sent in vain: finished orders without a fill, the count."""
    inner = dict(books["books"])
    inner["finished"] = {
        name: (order["request"], order["status"], order["qty_filled"], order["value_filled"])
        for name, order in inner["finished"].items()
        if order["value_filled"] != "0"
    }
    for name in ("sends", "sends_today"):
        inner.pop(name)
    return {"books": inner}


def _run_case(plan: Plan, folder: Path, kills: Sequence[Kill]) -> dict[str, Any]:
    """Run the lives of one case and return what was seen of them."""
    folder.mkdir()
    ends, kept, left = [], [], len(plan.feed)
    for kill in kills:
        before = _rows(folder)
        (folder / _PROGRESS).unlink(missing_ok=True)
        ends.append(_fork_life(plan, folder, kill))
        left = min(left, _items_left(folder, len(plan.feed)))
        kept.append(_rows(folder)[: len(before)] == before)
    before = _rows(folder)
    ends.append(_fork_life(plan, folder, None))
    rows = _rows(folder)
    kept.append(rows[: len(before)] == before)
    facts: dict[str, Any] = {"ends": ends, "kept": kept, "items_left": left, "rows": rows}
    if ends[-1] == 0:
        facts |= json.loads((folder / _REPORT).read_text())
    return facts


def _judge(reference: dict[str, Any], facts: dict[str, Any], *, of_effect: bool) -> list[str]:
    """Say what a killed run has other than the uninterrupted one."""
    faults = [f"a life ended with {end}" for end in facts["ends"] if end not in {0, -9}]
    if facts["ends"][-1] != 0:
        return [*faults, "the last life did not reach the end"]
    faults += ["rows written before a kill changed"] * (not all(facts["kept"]))
    if facts["items_done"] > facts["items_left"] + 1:
        faults.append(f"{facts['items_left']} items were left, {facts['items_done']} processed")
    known_books, found_books = _read_books(reference), _read_books(facts)
    if of_effect:
        known_books, found_books = _of_effect(known_books), _of_effect(found_books)
    faults += _book_faults(known_books, found_books, "books")
    if facts["summary"] != reference["summary"]:
        faults.append(f"summary: {facts['summary']}, uninterrupted {reference['summary']}"[:2_000])
    known = _notable(reference["rows"], of_effect=of_effect)
    found = _notable(facts["rows"], of_effect=of_effect)
    faults += [f"row missing: {row[:300]}" for row in known - found]
    faults += [f"row too many: {row[:300]}" for row in found - known]
    return faults


def _book_faults(known: Any, found: Any, path: str) -> list[str]:
    if isinstance(known, dict) and isinstance(found, dict):
        names = list(known) + [name for name in found if name not in known]
        return [
            fault
            for name in names
            for fault in _book_faults(known.get(name), found.get(name), f"{path}.{name}")
        ]
    if isinstance(known, list) and isinstance(found, list) and len(known) == len(found):
        return [
            fault
            for number, (a, b) in enumerate(zip(known, found, strict=True))
            for fault in _book_faults(a, b, f"{path}[{number}]")
        ]
    return [] if known == found else [f"{path}: {found}, uninterrupted {known}"]


def _order_faults(reference: dict[str, Any], facts: dict[str, Any]) -> list[str]:
    """Name the kinds of rows whose number differs; recovery may add and leave out some."""
    known = Counter(kind for _, kind, *_ in reference["rows"])
    found = Counter(kind for _, kind, *_ in facts["rows"])
    return sorted(f"{kind} {found[kind] - known[kind]:+d}" for kind in known | found
                  if found[kind] != known[kind])  # fmt: skip


def _outcome(
    reference: dict[str, Any], facts: dict[str, Any], kills: Sequence[Kill], *, of_effect: bool
) -> str:
    return json.dumps(
        {
            "kills": kills,
            "ends": facts["ends"],
            "faults": _judge(reference, facts, of_effect=of_effect),
            "kinds": _order_faults(reference, facts),
        }
    )


def _run_cases(path: Path) -> int:
    order = json.loads(path.read_text())
    folder, plan = Path(order["folder"]), PLANS[order["plan"]](order["bars"])
    of_effect = order["plan"] in OF_EFFECT
    use_every_shape()
    reference = _run_case(plan, folder / "uninterrupted", ())
    _say(json.dumps({"passed": reference["passed"], "ends": reference["ends"]}))
    for number, case in enumerate(order["cases"]):
        kills = [Kill(place, ordinal) for place, ordinal in case]
        facts = _run_case(plan, folder / f"case{number}", kills)
        _say(_outcome(reference, facts, kills, of_effect=of_effect))
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _random_kills(rng: random.Random, passed: dict[str, int]) -> list[Kill]:
    places = [place for place in PLACES if passed.get(place)]
    kills: list[Kill] = []
    for _ in range(rng.choice((1, 1, 2, 3))):
        place = rng.choice(places)
        # After a kill the next process begins with recovery, where ordinals are small.
        most = passed[place] if not kills or rng.random() < 0.3 else min(passed[place], 12)
        kills.append(Kill(place, rng.randint(1, most)))
    return kills


def _sweep(count: int, seed: int, name: str) -> int:
    rng, plan, broken = random.Random(seed), PLANS[name](BARS), 0  # noqa: S311 - it finds points, it keeps no secret
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        reference = _run_case(plan, folder / "uninterrupted", ())
        passed = reference["passed"]
        for number in range(count):
            kills = _random_kills(rng, passed)
            facts = _run_case(plan, folder / f"case{number}", kills)
            faults = _judge(reference, facts, of_effect=name in OF_EFFECT)
            if faults:
                broken += 1
                _say("\n    ".join(map(str, (kills, facts["ends"], *faults))))
            shutil.rmtree(folder / f"case{number}")
    _say(f"{name}: {broken} of {count} cases differ (seed {seed})")
    return int(broken > 0)


def main(arguments: Sequence[str]) -> int:
    """Run cases from a file, or sweep; see the module."""
    parser = argparse.ArgumentParser(description="Kill a paper session and let it go on.")
    parser.add_argument("cases", nargs="?", type=Path)
    parser.add_argument("--sweep", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plan", choices=sorted(PLANS), default="late")
    given = parser.parse_args(arguments)
    if given.sweep is not None:
        return _sweep(given.sweep, given.seed, given.plan)
    if given.cases is None:
        parser.error("a file of cases or --sweep N is needed")
    return _run_cases(given.cases)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
