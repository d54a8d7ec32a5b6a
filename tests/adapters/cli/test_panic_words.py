"""What ``tidegate panic`` says of what it could not close, and of what it could not read."""

import json

import pytest
from tidegate.adapters.cli.state_commands import add_panic
from tidegate.application.commands import Commands
from tidegate.application.emergency import outlook_of
from tidegate.domain.mode import VenueKind
from tidegate.ports.commands import PanicReport, Where
from typer import Typer
from typer.testing import CliRunner


class Told(Commands):
    """Commands whose panic left what the test says."""

    def __init__(self, report: PanicReport) -> None:
        super().__init__(env={})
        self._report = report

    def panic(self, where: Where, *, cause: str) -> PanicReport:
        del where, cause
        return self._report


def said(report: PanicReport, *options: str) -> tuple[int, str]:
    app = Typer()
    add_panic(app, Told(report))
    done = CliRunner().invoke(app, list(options))
    return done.exit_code, " ".join(done.output.split())


@pytest.mark.parametrize("kind", list(VenueKind))
def test_only_a_market_that_stands_still_is_said_to(kind: VenueKind) -> None:
    report = PanicReport(held=("BTCUSDT 0.1",), orders_open=2, outlook=outlook_of(kind))
    code, words = said(report)
    assert code == 11
    assert "Still held: BTCUSDT 0.1; 2 orders open." in words
    assert "repeat tidegate panic" in words
    assert "recorded market" not in words
    assert ("Bybit" in words) == kind.value.startswith("bybit")


def test_a_venue_that_could_not_be_read_is_named_and_not_clean() -> None:
    report = PanicReport(held=(), orders_open=0, unread="[10004] error sign!")
    code, words = said(report)
    assert code == 11
    assert "The venue could not be read ([10004] error sign!)" in words
    assert "Nothing is held" not in words
    code, words = said(report, "--json")
    assert code == 11
    found = json.loads(words)
    assert found.pop("desk")["mode"] == "paper"
    assert found == {
        "is_clean": False,
        "held": [],
        "orders_open": 0,
        "unread": "[10004] error sign!",
    }
