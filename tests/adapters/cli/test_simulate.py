"""``tidegate simulate``: seeds run, counted, told and replayed from the command line."""

import json
import os
import signal
from pathlib import Path

from tests.wire.desk_bench import until

from .running import invoke, start, stopped_after, tidegate


def test_seeds_are_counted_by_boundary_by_fault_and_by_outcome(tmp_path: Path) -> None:
    done = tidegate("simulate", "--seeds", "12", home=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "tidegate simulate"
    assert lines[1].startswith("12 seeds: ")
    for title in ("Killed where", "What went wrong", "What the script did", "What came of it"):
        assert any(line.strip() == title for line in lines), title
    assert any(line.endswith("journaled, and nothing sent") for line in map(str.rstrip, lines))
    assert lines[-1] == "HELD: every rule, after every step."
    assert list(tmp_path.iterdir()) == []


def test_one_seed_tells_its_story_and_what_is_left_out_of_it_does_not_happen(
    tmp_path: Path,
) -> None:
    whole = tidegate("simulate", "--seed", "2", home=tmp_path)
    again = tidegate("simulate", "--seed", "2", home=tmp_path)
    less = tidegate("simulate", "--seed", "2", "--without", "a0,k0", home=tmp_path)
    assert (whole.returncode, less.returncode) == (0, 0), less.stderr
    assert whole.stdout == again.stdout
    assert "act 0: signal" in whole.stdout
    assert "kill 0: " in whole.stdout
    assert "act 0: " not in less.stdout
    assert "kill 0: " not in less.stdout
    assert "act 1: " in less.stdout


def test_the_document_for_programs_has_the_counts_whoever_ran_the_seeds(tmp_path: Path) -> None:
    said = []
    for jobs in ("1", "2"):
        # Processes of their own are started by the real command alone.
        process = start(
            *("simulate", "--first", "20", "--seeds", "12", "--jobs", jobs, "--json"),
            home=tmp_path,
            env={},
        )
        out, trouble = process.communicate(timeout=240)
        assert process.returncode == 0, trouble
        assert trouble == ""
        said.append(json.loads(out))
    assert said[0] == said[1]
    assert said[0]["holds"] is True
    assert said[0]["seeds"] == 12
    assert said[0]["lives"] == sum(row["count"] for row in said[0]["kills"])
    assert said[0]["broken"] is None
    names = {row["name"] for row in said[0]["faults"]}
    assert {"ANSWER_LOST", "REQUEST_LATE", "POWER_CUT", "DISK_FULL", "LOG_TORN"} <= names


def test_a_name_that_no_script_has_is_refused_with_what_would_be_accepted() -> None:
    done = invoke("simulate", "--seed", "2", "--without", "x9")
    assert done.code == 2
    assert "seed 2 has no x9; accepted: names of its acts, kills and faults" in done.trouble


def test_the_processes_that_share_the_seeds_end_when_the_command_is_killed(tmp_path: Path) -> None:
    process = start("simulate", "--seeds", "100000", "--jobs", "2", home=tmp_path, env={})
    until(lambda: _at_work(process.pid) == 2, "two processes share the seeds", seconds=60)
    # They hold its output open: it ends when the last of them has.
    code, _, _ = stopped_after(process, signal.SIGKILL)
    assert code == -signal.SIGKILL


def _at_work(pid: int) -> int:
    """Return how many children of a process have used more than a second of processor time."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    ticks = [int(Path(f"/proc/{child}/stat").read_text().split()[13]) for child in children]
    return sum(one > os.sysconf("SC_CLK_TCK") for one in ticks)
