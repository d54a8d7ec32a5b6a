"""The help is complete, and the manual in the documents says the same."""

from pathlib import Path

import pytest
from tidegate.adapters.cli.exits import Exit

from .manual import COMMANDS, PAGE, manual
from .running import invoke, tidegate


def test_the_manual_is_in_step() -> None:
    remedy = "run: python -m tests.adapters.cli.manual"
    # the help formatter of another release may break lines elsewhere
    assert PAGE.read_text(encoding="utf-8").split() == manual().split(), remedy


def test_without_a_command_the_help_is_shown(tmp_path: Path) -> None:
    shown = tidegate("--help", home=tmp_path)
    assert shown.returncode == 0
    bare = tidegate(home=tmp_path)
    assert bare.returncode == Exit.BAD_INPUT
    assert bare.stderr.split() == shown.stdout.split()
    assert all(f"\n  {command} " in shown.stdout for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_and_its_exit_codes(command: str) -> None:
    shown = invoke(command, "-h").out
    assert "Exit codes:" in shown
    assert f"\n    {Exit.OK.value}  {Exit.OK.meaning}\n" in shown
    assert "--json" in shown
    assert all(len(line) <= 80 for line in shown.splitlines())
