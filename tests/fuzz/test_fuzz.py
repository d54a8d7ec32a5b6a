"""A few thousand inputs on every target, and the harness itself: it finds, keeps and repeats."""

import json
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from .command import COVERAGE_MIN, main, numbers_of
from .mutating import mutate_bytes, mutate_json, mutate_text
from .running import Hang, replay, run, try_input
from .target import Target
from .targets import all_targets

_SEED = 11
_ALL = 8_000
_TARGETS = all_targets()
_COUNTS = numbers_of(_TARGETS, _ALL)
_SLOW_MAX = 150
"""Each of these writes files, or asks over a socket."""


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("target", _TARGETS, ids=lambda target: target.name)
def test_every_valid_input_is_accepted(target: Target) -> None:
    for data in target.corpus:
        assert try_input(target, data) is True


@pytest.mark.parametrize("target", _TARGETS, ids=lambda target: target.name)
def test_no_mutated_input_ends_in_anything_that_nobody_knows(
    target: Target, tmp_path: Path
) -> None:
    count = min(_COUNTS[target.name], _SLOW_MAX if target.inputs_min else _ALL)
    tally = run(target, range(count), seed=_SEED, folder=tmp_path)
    assert tally.findings == [], "\n".join(map(str, tally.findings))
    assert tally.inputs[target.name] == count > 50


def _planted(data: bytes) -> None:
    value = json.loads(data)
    if not isinstance(value, dict):
        raise TypeError("no object")
    if "qty" not in value:
        raise KeyError("qty")


PLANTED = Target(
    name="planted",
    corpus=(json.dumps({"qty": "1", "price": "2", "side": "Buy"}).encode(),),
    mutate=mutate_json,
    check=_planted,
    refusals=(TypeError, ValueError),
)


def test_a_planted_bug_is_found_cut_down_kept_and_repeated(tmp_path: Path) -> None:
    tally = run(PLANTED, range(500), seed=1, folder=tmp_path, findings_max=1)
    (found,) = tally.findings
    assert (found.target, found.kind) == ("planted", "KeyError")
    whole = PLANTED.input(1, found.number)
    assert found.bytes_count == len(found.file.read_bytes()) < len(whole) / 2
    assert f"python -m tests.fuzz --replay {found.file}" in str(found)
    assert isinstance(replay([PLANTED], found.file), KeyError)
    assert PLANTED.input(1, found.number) == PLANTED.input(1, found.number)


def test_an_input_that_takes_too_long_is_a_finding_whatever_the_code_catches() -> None:
    def hang(_: bytes) -> None:
        until = time.monotonic() + 5
        while time.monotonic() < until:
            try:
                json.loads(b"[1]")
            except Exception:  # noqa: BLE001 - as product code may
                return

    slow = Target(name="slow", corpus=(b"x",), mutate=mutate_bytes, check=hang, refusals=())
    assert isinstance(try_input(slow, b"x", seconds=0.05), Hang)


@pytest.mark.parametrize(
    "mutate", [mutate_json, mutate_text, mutate_bytes], ids=lambda mutate: mutate.__name__
)
def test_a_seed_repeats_and_another_one_does_not(mutate: object) -> None:
    assert callable(mutate)
    data = json.dumps({"list": [{"price": "1.5", "qty": 2}], "time": 5, "text": "a, b"}).encode()
    once, again = ([mutate(data, Random(f"{n}")) for n in range(200)] for _ in range(2))  # noqa: S311
    assert once == again
    assert len(set(once)) > 100


def test_what_cannot_be_replayed_names_the_targets(tmp_path: Path) -> None:
    file = tmp_path / "nobody.0123456789ab.input"
    file.write_bytes(b"x")
    with pytest.raises(LookupError, match=r"no target 'nobody'; known: planted"):
        replay([PLANTED], file)


def test_the_command_replays_and_fails_where_something_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wire.order.0123456789ab.input"
    file.write_bytes(b"{}")
    assert main(["--replay", str(file)]) == 0
    assert "refused" in capsys.readouterr().out
    assert main(["--inputs", "500", "--only", "wire.order", "--findings", str(tmp_path)]) == 0
    assert "0 findings" in capsys.readouterr().out


def test_what_is_put_in_is_never_changed_for_the_inputs_after_it() -> None:
    data = json.dumps({"": {"": [1, {"": 2}]}}).encode()
    once = [mutate_json(mutate_json(data, Random(n)), Random(-n)) for n in range(3_000)]  # noqa: S311
    again = [mutate_json(mutate_json(data, Random(n)), Random(-n)) for n in range(3_000)]  # noqa: S311
    assert once == again


def test_a_long_run_asks_the_served_venue_ten_thousand_times() -> None:
    counts = numbers_of(_TARGETS, 1_000_000)
    assert counts["venue.http"] >= 10_000
    assert sum(counts.values()) >= 1_000_000
    assert min(counts.values()) >= 5_000


@pytest.mark.sweep
def test_fuzzing_alone_reaches_the_branches_of_the_wire_mapping() -> None:
    # In a process of its own: the tracer has to be there before the mapping is loaded.
    command = [sys.executable, "-m", "tests.fuzz", "--coverage", "--inputs", "6000"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2]
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "% of the branches of the wire mapping: enough; 0 findings" in done.stdout
    assert COVERAGE_MIN >= 85
