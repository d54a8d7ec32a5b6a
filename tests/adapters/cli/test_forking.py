"""Commands that are forked from one process know nothing of each other."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .forking import Forks
from .running import environment


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    made = Forks()
    yield made
    made.close()


def test_each_command_has_its_own_environment_folder_and_streams(
    forks: Forks, tmp_path: Path
) -> None:
    (tmp_path / "bars.csv").write_text("nothing\n")
    paper = ("paper", "--data", "bars.csv", "--symbol", "BTCUSDT")
    bad = environment(tmp_path, TIDEGATE_MODE="nowhere")
    refused = forks.run(paper, cwd=tmp_path, env=bad, timeout_s=60)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "nowhere" in refused.stderr
    helped = forks.run(["--help"], cwd=Path("/"), env=environment(tmp_path), timeout_s=60)
    assert (helped.returncode, helped.stderr) == (0, "")
    assert "Usage: tidegate" in helped.stdout
    again = forks.run(paper, cwd=tmp_path, env=environment(tmp_path), timeout_s=60)
    assert again.returncode == 2
    assert "nowhere" not in again.stderr
    assert "bars.csv" in again.stderr
    assert "column" in again.stderr, "the file was found"


def test_a_command_that_does_not_end_is_ended_and_the_next_one_runs(
    forks: Forks, tmp_path: Path
) -> None:
    env = environment(tmp_path)
    with pytest.raises(subprocess.TimeoutExpired, match="venue"):
        forks.run(["venue", "--json"], cwd=tmp_path, env=env, timeout_s=0.2)
    assert forks.run(["--help"], cwd=tmp_path, env=env, timeout_s=60).returncode == 0
