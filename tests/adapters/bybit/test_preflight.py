"""The checks that ask the venue: rows typed by hand, and a venue on this machine that answers."""

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from tidegate.adapters.bybit.credentials import Credentials
from tidegate.adapters.bybit.hosts import Hosts
from tidegate.adapters.bybit.preflight import BybitPreflight, StreamProbe
from tidegate.adapters.bybit.preflight_account import (
    judge_account,
    judge_balance,
    judge_margin_mode,
)
from tidegate.adapters.bybit.preflight_key import judge_key
from tidegate.adapters.bybit.preflight_rules import PreflightRules
from tidegate.adapters.bybit.preflight_streams import HubProbe
from tidegate.adapters.bybit.streams.settings import StreamConfig
from tidegate.adapters.bybit.venue import BybitVenue
from tidegate.adapters.bybit.wire.records import api_key
from tidegate.adapters.v5server.control import Control
from tidegate.domain.mode import VenueKind
from tidegate.domain.money import Money
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import AccountReport, MarginMode
from tidegate.ports.clock import ClockPort
from tidegate.ports.preflight import Check, Finding, Severity

from tests.adapters.v5server.bench import KEY, SECRET, Bench, account_spec

BTC = Symbol("BTCUSDT")
NOW_MS = 1_785_000_000_000  # 2026-07-25
DAY_MS = 86_400_000

# The answer of user/query-api, field by field as the documentation shows it.
ROW: dict[str, Any] = {
    "id": "13770661",
    "note": "trading",
    "apiKey": "xxxxxx",
    "readOnly": 0,
    "secret": "",
    "permissions": {
        "ContractTrade": ["Order", "Position"],
        "Spot": [],
        "Wallet": ["AccountTransfer", "SubMemberTransfer"],
        "Options": [],
        "Derivatives": ["DerivativesTrade"],
        "Exchange": [],
        "Earn": [],
    },
    "ips": ["203.0.113.7"],
    "type": 1,
    "deadlineDay": -2,
    "expiredAt": "1970-01-01T00:00:00Z",
    "createdAt": "2026-01-25T09:00:00Z",
    "uta": 1,
    "userID": 24617703,
    "vipLevel": "No VIP",
    "isMaster": True,
    "parentUid": "0",
}
TESTNET = PreflightRules(kind=VenueKind.BYBIT_TESTNET, symbols=frozenset({BTC}))
LIVE = PreflightRules(kind=VenueKind.BYBIT_MAINNET, symbols=frozenset({BTC}))


def judged(rules: PreflightRules = LIVE, **changes: Any) -> dict[Check, Finding]:
    key = api_key({**ROW, **changes})
    return {finding.check: finding for finding in judge_key(key, rules, NOW_MS)}


def permissions(**groups: list[str]) -> dict[str, list[str]]:
    return {**ROW["permissions"], **groups}


def test_a_key_that_trades_and_does_no_more_passes() -> None:
    found = judged()
    assert list(found) == [Check.PERMISSIONS, Check.WITHDRAWAL, Check.KEY_LIFE]
    assert all(finding.is_ok for finding in found.values())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"readOnly": 1}, "read-only"),
        ({"permissions": permissions(ContractTrade=["Order"])}, "permissions: Position"),
        ({"permissions": permissions(ContractTrade=["Position"])}, "permissions: Order"),
        ({"permissions": permissions(ContractTrade=[])}, "permissions: Order, Position"),
    ],
)
def test_a_key_that_cannot_trade_contracts_is_refused(changes: dict[str, Any], says: str) -> None:
    found = judged(**changes)[Check.PERMISSIONS]
    assert found.stops_start
    assert says in found.what
    assert found.remedy


@pytest.mark.parametrize(
    ("rules", "stops"),
    [
        (LIVE, True),
        (attrs.evolve(LIVE, allow_withdrawal_permission=True), False),
        (TESTNET, False),
    ],
)
def test_a_key_that_may_withdraw_is_refused_in_live_unless_allowed(
    rules: PreflightRules, stops: bool
) -> None:
    withdraws = permissions(Wallet=["AccountTransfer", "Withdraw"])
    found = judged(rules, permissions=withdraws)[Check.WITHDRAWAL]
    assert not found.is_ok
    assert found.stops_start is stops


@pytest.mark.parametrize(
    ("changes", "is_ok", "stops", "says"),
    [
        ({}, True, False, "bound to an address"),
        ({"ips": ["*"]}, False, False, "from any address"),
        ({"ips": []}, False, False, "from any address"),
        ({"ips": ["*"], "expiredAt": "2026-08-25T17:20:00Z"}, False, False, "in 31 days"),
        ({"ips": ["*"], "expiredAt": "2026-07-29T17:20:00Z"}, False, False, "expires in 4 days"),
        ({"ips": ["*"], "expiredAt": "2026-07-25T00:00:00Z"}, False, True, "has expired"),
        ({"ips": ["*"], "expiredAt": "soon"}, False, False, "cannot be read: 'soon'"),
        ({"expiredAt": "soon"}, False, False, "cannot be read: 'soon'"),
        ({"expiredAt": ""}, True, False, "bound to an address"),
    ],
)
def test_the_life_of_a_key_is_told(
    changes: dict[str, Any], is_ok: bool, stops: bool, says: str
) -> None:
    found = judged(**changes)[Check.KEY_LIFE]
    assert (found.is_ok, found.stops_start) == (is_ok, stops)
    assert says in found.what


@pytest.mark.parametrize(
    ("status", "is_ok"), [(1, False), (3, True), (4, True), (5, True), (6, True), (None, False)]
)
def test_only_a_unified_account_trades(status: int | None, is_ok: bool) -> None:
    row = {} if status is None else {"unifiedMarginStatus": status}
    assert judge_account(row).is_ok is is_ok
    assert judge_account(row).stops_start is not is_ok


@pytest.mark.parametrize(
    ("mode", "is_ok", "says"),
    [
        ("ISOLATED_MARGIN", True, "isolated margin"),
        ("REGULAR_MARGIN", True, "cross margin"),
        ("PORTFOLIO_MARGIN", False, "PORTFOLIO_MARGIN"),
        ("", False, "absent"),
    ],
)
def test_the_margin_mode_is_stated_and_portfolio_margin_refused(
    mode: str, is_ok: bool, says: str
) -> None:
    found = judge_margin_mode({"marginMode": mode})
    assert found.is_ok is is_ok
    assert says in found.what


@pytest.mark.parametrize(("wallet", "is_ok"), [("9.99", False), ("10", True), ("10.01", True)])
def test_a_wallet_below_the_least_is_refused(wallet: str, is_ok: bool) -> None:
    report = AccountReport(
        wallet=Money.of(wallet),
        equity=Money.of(wallet),
        available=Money.of(wallet),
        initial_margin_rate=None,
        maintenance_margin_rate=None,
        margin_mode=MarginMode.ISOLATED,
        time_ms=NOW_MS,
    )
    assert judge_balance(report, LIVE).is_ok is is_ok


# With a venue on this machine


class MachineClock(ClockPort):
    """The machine's clock, set wrong by ``off_ms``."""

    def __init__(self, off_ms: int = 0) -> None:
        self._off_ms = off_ms

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self._off_ms


class Deaf(StreamProbe):
    """Streams that never come up."""

    def private(self, timeout_ms: int) -> str | None:
        return f"nothing within {timeout_ms} ms"

    def public(self, timeout_ms: int) -> str | None:
        return f"nothing within {timeout_ms} ms"


@pytest.fixture
def bench() -> Iterator[Bench]:
    with Bench() as running:
        running.price("60000")
        yield running


def hosts(bench: Bench, kind: VenueKind) -> Hosts:
    return Hosts.loopback(rest_url=bench.server.rest_url, ws_url=bench.server.ws_url, kind=kind)


def look(
    bench: Bench, rules: PreflightRules, *, is_fixing: bool = False, off_ms: int = 0
) -> dict[Check, Finding]:
    """Make every check, streams apart, with a machine whose clock is ``off_ms`` ahead."""
    venue = BybitVenue(
        hosts=hosts(bench, rules.kind),
        credentials=Credentials(KEY, SECRET),
        clock=MachineClock(off_ms),
        symbols=(BTC,),
    )
    try:
        checks = BybitPreflight(client=venue.rest, venue=venue, rules=rules, probe=Deaf())
        found = checks.run(is_fixing=is_fixing)
    finally:
        venue.close()
    assert [finding.check for finding in found] == [
        check for check in Check if check in {finding.check for finding in found}
    ]
    return {finding.check: finding for finding in found}


@pytest.mark.parametrize(
    ("off_ms", "is_ok", "says"),
    [(0, True, "ms"), (3_000, False, "ahead of the venue's"), (-3_000, False, "behind the venue")],
)
def test_a_clock_that_is_off_either_way_is_refused_and_the_key_is_judged_all_the_same(
    bench: Bench, off_ms: int, is_ok: bool, says: str
) -> None:
    found = look(bench, TESTNET, off_ms=off_ms)
    assert found[Check.CLOCK].is_ok is is_ok
    assert says in found[Check.CLOCK].what
    assert found[Check.KEYS_VALID].is_ok


def test_streams_that_do_not_come_up_are_findings_unless_they_are_not_used(bench: Bench) -> None:
    found = look(bench, TESTNET)
    for check in (Check.PRIVATE_STREAM, Check.PUBLIC_STREAM):
        assert found[check].stops_start
        assert found[check].what == "nothing within 10000 ms"
    without = look(bench, attrs.evolve(TESTNET, with_streams=False))
    assert without[Check.PRIVATE_STREAM].is_ok
    assert without[Check.PUBLIC_STREAM].is_ok


def test_only_fixing_changes_the_limit_price_action(bench: Bench) -> None:
    def modifies() -> bool:
        return bench.server.call(lambda exchange: exchange.accounts.first.modifies_price)

    assert look(bench, LIVE)[Check.LIMIT_PRICE].stops_start
    assert look(bench, TESTNET)[Check.LIMIT_PRICE].severity is Severity.WARNING
    assert modifies()
    assert look(bench, LIVE, is_fixing=True)[Check.LIMIT_PRICE].is_ok
    assert not modifies()


def test_a_failed_question_is_a_finding_of_its_own_check(bench: Bench) -> None:
    Control(bench.server.call).refuse_next(10016, "server error", "/v5/account/info")
    found = look(bench, TESTNET)
    assert found[Check.ACCOUNT].stops_start
    assert "gave no usable answer" in found[Check.ACCOUNT].what
    assert found[Check.MARGIN_MODE].severity is Severity.SKIPPED
    assert found[Check.POSITION_MODE].is_ok


def test_a_demo_account_is_judged_without_what_demo_lacks() -> None:
    with Bench([attrs.evolve(account_spec(), is_demo=True)]) as bench:
        bench.price("60000")
        found = look(bench, attrs.evolve(TESTNET, kind=VenueKind.BYBIT_DEMO))
    for check in (Check.FEES, Check.LIMIT_PRICE, Check.DISCONNECT):
        assert found[check].is_ok, found[check]


def probe(bench: Bench, symbol: Symbol = BTC) -> HubProbe:
    return HubProbe(
        hosts=hosts(bench, VenueKind.BYBIT_TESTNET),
        credentials=Credentials(KEY, SECRET),
        clock=MachineClock(),
        config=StreamConfig(),
        symbols=(symbol,),
    )


def test_streams_that_work_are_seen_to_and_leave_nothing_open(bench: Bench) -> None:
    before = threading.active_count()
    assert probe(bench).private(10_000) is None
    assert probe(bench).public(10_000) is None
    assert threading.active_count() == before


def test_a_public_stream_without_a_price_is_not_up(bench: Bench) -> None:
    said = probe(bench, Symbol("COARSEUSDT")).public(500)
    assert said is not None
    assert "within 500 ms" in said


def test_a_wrong_secret_keeps_the_private_stream_down(bench: Bench) -> None:
    wrong = HubProbe(
        hosts=hosts(bench, VenueKind.BYBIT_TESTNET),
        credentials=Credentials(KEY, "wrong"),
        clock=MachineClock(),
        config=StreamConfig(),
        symbols=(BTC,),
    )
    said = wrong.private(500)
    assert said is not None
    assert "not up within 500 ms" in said


def test_a_venue_that_is_gone_is_one_failure() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        venue = BybitVenue(
            hosts=Hosts.loopback(
                rest_url=f"http://127.0.0.1:{port}",
                ws_url=f"ws://127.0.0.1:{port}",
                kind=VenueKind.BYBIT_TESTNET,
            ),
            credentials=Credentials(KEY, SECRET),
            clock=MachineClock(),
            symbols=(BTC,),
        )
        checks = BybitPreflight(client=venue.rest, venue=venue, rules=TESTNET, probe=Deaf())
        found = checks.run()
        venue.close()
    assert [finding.check for finding in found if finding.stops_start] == [Check.CONNECTION]
    assert {f.severity for f in found[1:]} == {Severity.SKIPPED}
