"""The help is complete, and the manual in the documents says the same."""

import tomllib
from pathlib import Path

import pytest
from tidegate.adapters.cli.app import build_app
from tidegate.adapters.cli.exits import Exit
from tidegate.application.commands import Commands
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from tests.quality.source import ROOT

from .manual import CARE, COMMANDS, PAGE, manual
from .running import invoke, tidegate

_SECTIONS = ("Examples", "Files", "Environment", "Exit codes")


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


def test_the_version_is_that_of_the_package() -> None:
    written = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    shown = invoke("--version")
    assert (shown.code, shown.out) == (0, f"tidegate {written['project']['version']}\n")


def _help_at(columns: int, *command: str) -> str:
    width = {"COLUMNS": str(columns), "TERMINAL_WIDTH": str(columns)}
    asked = [*command, "--help"]
    return CliRunner().invoke(build_app(Commands(env={})), asked, "tidegate", env=width).stdout


@pytest.mark.parametrize("columns", [80, 120])
def test_the_list_of_commands_shows_the_whole_first_line_of_each(columns: int) -> None:
    listed = _help_at(columns).partition("Commands:")[2].partition("Examples:")[0]
    lines = [line for line in listed.splitlines() if line.strip()]
    assert len(lines) == len(COMMANDS)
    for command, line in zip(COMMANDS, lines, strict=True):
        first = _help_at(columns, command).splitlines()[2].strip()
        assert line.split(maxsplit=1) == [command, first]
        assert first.endswith(".")
        assert "..." not in first


@pytest.mark.parametrize("command", [*COMMANDS, *CARE])
@pytest.mark.parametrize("columns", [80, 120])
def test_the_help_has_the_sections_of_a_manual_page_and_keeps_to_80_columns(
    columns: int, command: str
) -> None:
    shown = _help_at(columns, *command.split())
    assert all(len(line) <= 80 for line in shown.splitlines())
    places = [shown.find(f"  {title}:\n") for title in _SECTIONS if f"  {title}:\n" in shown]
    assert places == sorted(places)
    assert {"Files", "Exit codes"} <= {it for it in _SECTIONS if f"  {it}:\n" in shown}
    assert f"tidegate {command}" in shown.partition("Example")[2]
    settings_are_read = "--config" in shown or "--limits" in shown
    assert settings_are_read == ("TIDEGATE_CONFIG  " in shown)
    assert settings_are_read == ("    tidegate.toml" in shown)
    described = shown.partition("Options:")[0].split("\n\n")
    assert len(described) > 3, "a first line, and what happens, is read, written, and how it ends"


@pytest.mark.parametrize("command", [*COMMANDS, *CARE])
def test_every_option_says_what_it_is(command: str) -> None:
    whole = get_command(build_app(Commands(env={})))
    assert isinstance(whole, TyperGroup)
    found = whole.commands[command.split(maxsplit=1)[0]]
    if isinstance(found, TyperGroup) and command in CARE:
        found = found.commands[command.split()[1]]
    for option in found.params:
        assert getattr(option, "help", None), f"{command} {option.name} is not explained"


@pytest.mark.parametrize("command", [name for name in (*COMMANDS, *CARE) if name != "state"])
def test_every_command_explains_itself_and_its_exit_codes(command: str) -> None:
    shown = invoke(*command.split(), "-h").out
    assert "Exit codes:" in shown
    assert f"\n    {Exit.OK.value}  {Exit.OK.meaning}\n" in shown
    assert "--json" in shown
    assert all(len(line) <= 80 for line in shown.splitlines())
