"""The check list: what is found here, what is left out because of it, and how a start uses it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.adapters.memory.state import MemoryState
from tidegate.application.clocks import SeededKeys, SystemClock
from tidegate.application.engine import Engine
from tidegate.application.lifecycle import Application
from tidegate.application.preflight import Checklist, look_at_settings
from tidegate.application.settings import LIVE_ACKNOWLEDGEMENT, Settings
from tidegate.application.settings_bybit import BybitSettings, OrderEntry, Region
from tidegate.application.stores import look_at_store
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.mode import TradingMode, VenueKind
from tidegate.domain.money import Money, Price
from tidegate.domain.orders import Symbol
from tidegate.domain.risk.limits import RiskLimits
from tidegate.ports.preflight import (
    Check,
    Finding,
    PreflightFailed,
    PreflightPort,
    Severity,
)

from tests.domain.samples import BTCUSDT, FEES

OK = Finding(check=Check.CLOCK, is_ok=True, what="fine")
WARNED = Finding(
    check=Check.KEY_LIFE, is_ok=False, severity=Severity.WARNING, what="old", remedy="renew it"
)
FAILED = Finding(check=Check.BALANCE, is_ok=False, what="empty", remedy="fill it")


class Said(PreflightPort):
    """Checks that say what they were told to, and remember how they were asked."""

    def __init__(self, *findings: Finding) -> None:
        self._findings = findings
        self.asked: list[bool] = []

    def run(self, *, is_fixing: bool = False) -> tuple[Finding, ...]:
        self.asked.append(is_fixing)
        return self._findings


def settings(folder: Path, **values: Any) -> Settings:
    return Settings(**{"mode": TradingMode.DEMO, "state_path": folder / "j.sqlite", **values})


def checklist(
    chosen: Settings, *, keys: Callable[[], str | None] = lambda: None, venue: PreflightPort
) -> Checklist:
    return Checklist(settings=chosen, keys=keys, venue=lambda: venue)


def test_the_venue_is_asked_after_what_is_known_here(tmp_path: Path) -> None:
    said = Said(OK)
    found = checklist(settings(tmp_path), venue=said).run(is_fixing=True)
    checks = [finding.check for finding in found]
    assert checks == [Check.SETTINGS, Check.STATE_STORE, Check.KEYS_PRESENT, Check.CLOCK]
    assert all(finding.is_ok for finding in found)
    assert said.asked == [True]


def test_without_a_key_the_venue_is_left_alone_and_each_check_says_so(tmp_path: Path) -> None:
    said = Said(OK)
    found = checklist(settings(tmp_path), keys=lambda: "no key", venue=said).run()
    assert said.asked == []
    assert [finding.check for finding in found] == list(Check)
    (failed,) = (finding for finding in found if finding.stops_start)
    assert failed.check is Check.KEYS_PRESENT
    assert "TIDEGATE_BYBIT_KEY" in failed.remedy
    assert {f.severity for f in found if not f.is_ok and f is not failed} == {Severity.SKIPPED}


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (
            {"bybit": BybitSettings(order_entry=OrderEntry.STREAM)},
            "demo trading has no order stream",
        ),
        (
            {
                "mode": TradingMode.TESTNET,
                "bybit": BybitSettings(order_entry=OrderEntry.STREAM, streams=False),
            },
            "bybit.streams is false",
        ),
        ({"bybit": BybitSettings(region=Region.TURKEY)}, "has one host only"),
        (
            {"limits": RiskLimits(symbols_allowed=frozenset({Symbol("ETHUSDT")}))},
            "no entry would pass",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_one_finding(
    values: dict[str, Any], says: str, tmp_path: Path
) -> None:
    found = look_at_settings(settings(tmp_path, **values))
    assert found.stops_start
    assert says in found.what
    assert found.remedy
    said = Said(OK)
    assert checklist(settings(tmp_path, **values), venue=said).run()[0] == found
    assert said.asked == []


def test_every_contradiction_is_named_at_once(tmp_path: Path) -> None:
    bybit = BybitSettings(order_entry=OrderEntry.STREAM, streams=False, region=Region.TURKEY)
    found = look_at_settings(settings(tmp_path, bybit=bybit))
    assert found.what.count("; ") == 2


def test_a_region_belongs_to_the_main_net(tmp_path: Path) -> None:
    live = settings(
        tmp_path,
        live_acknowledgement=LIVE_ACKNOWLEDGEMENT,
        mode=TradingMode.LIVE,
        bybit=BybitSettings(region=Region.TURKEY),
    )
    assert look_at_settings(live).is_ok


def test_a_store_is_looked_at_and_not_made(tmp_path: Path) -> None:
    journal = tmp_path / "a" / "b" / "journal.sqlite"
    found = look_at_store(journal)
    assert found.is_ok
    assert "it will be made" in found.what
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_journal_is_found_and_left_as_it_is(tmp_path: Path) -> None:
    journal = tmp_path / "journal.sqlite"
    journal.write_bytes(b"not a database" * 100)
    found = look_at_store(journal)
    assert found.stops_start
    assert journal.read_bytes() == b"not a database" * 100


def test_a_folder_that_is_a_file_cannot_hold_a_journal(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file", encoding="utf-8")
    found = look_at_store(tmp_path / "state" / "journal.sqlite")
    assert found.stops_start
    assert "cannot be written" in found.what
    assert "--state" in found.remedy


def test_a_failure_names_each_failed_check_with_its_remedy_and_keeps_all_findings() -> None:
    failure = PreflightFailed([OK, WARNED, FAILED])
    assert str(failure).splitlines() == [
        "the desk was not started:",
        "  balance: empty; fill it",
    ]
    assert failure.findings == (OK, WARNED, FAILED)


# Starting


def application(preflight: PreflightPort, mode: TradingMode = TradingMode.MEMORY) -> Application:
    venue = MemoryVenue(instruments={BTCUSDT.symbol: BTCUSDT}, fees=FEES, wallet=Money.of("10000"))
    venue.script.move(BTCUSDT.symbol, last=Price.of("65000"))
    state_port = MemoryState()
    config = CoreConfig(mode=mode, venue=VenueKind.MEMORY)
    return Application(
        engine=Engine(config=config, clock=SystemClock(), state_port=state_port),
        port=venue,
        state_port=state_port,
        keys=SeededKeys(1),
        symbols=frozenset({BTCUSDT.symbol}),
        preflight=preflight,
    )


def test_a_desk_starts_with_warnings_and_is_checked_once_without_fixing() -> None:
    said = Said(OK, WARNED)
    desk = application(said)
    desk.start()
    desk.start()
    desk.stop()
    assert said.asked == [False]


def test_a_desk_does_not_start_with_a_failed_check_nor_later() -> None:
    desk = application(Said(OK, FAILED))
    with pytest.raises(PreflightFailed, match="balance: empty"):
        desk.start()
    with pytest.raises(RuntimeError, match="build a new one"):
        desk.start()
    desk.stop()
