"""``tidegate doctor`` against a venue on this machine, with one thing wrong at a time."""

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from tidegate.adapters.cli.doctor_command import EXIT_OF
from tidegate.adapters.cli.exits import Exit
from tidegate.adapters.v5server.accounts import HEDGE
from tidegate.adapters.v5server.control import Control, FaultName
from tidegate.domain.orders import Symbol
from tidegate.ports.preflight import Check, Severity

from tests.adapters.v5server.bench import KEY, SECRET, Bench, account_spec

from .running import invoke, tidegate

BTC = Symbol("BTCUSDT")
WITHDRAWS = (("ContractTrade", ("Order", "Position")), ("Wallet", ("Withdraw",)))
LIVE = {"TIDEGATE_MODE": "live", "TIDEGATE_LIVE_ACKNOWLEDGEMENT": "REAL MONEY"}


def connection(rest_url: str, ws_url: str) -> dict[str, str]:
    """The settings that lead to a venue on this machine, with little patience for its streams."""
    return {
        "TIDEGATE_MODE": "testnet",
        "TIDEGATE_BYBIT_KEY": KEY,
        "TIDEGATE_BYBIT_SECRET": SECRET,
        "TIDEGATE_BYBIT__ALLOW_LOOPBACK": "true",
        "TIDEGATE_BYBIT__REST_URL": rest_url,
        "TIDEGATE_BYBIT__WS_URL": ws_url,
        "TIDEGATE_BYBIT__STREAM_START_MS": "5000",
    }


def settings(bench: Bench) -> dict[str, str]:
    bench.price("60000")
    return connection(bench.server.rest_url, bench.server.ws_url)


@attrs.frozen
class Seen:
    """What the doctor said: its exit code, and each finding by its check."""

    code: int
    findings: dict[str, dict[str, Any]]

    @property
    def failed(self) -> list[str]:
        return [
            name
            for name, found in self.findings.items()
            if not found["is_ok"] and found["severity"] == Severity.FAILURE.value
        ]

    def said(self, check: Check) -> str:
        found = self.findings[check.value]
        return f"{found['what']} | {found['remedy']}"


def doctor(home: Path, env: dict[str, str], *more: str) -> Seen:
    done = tidegate("doctor", "--json", *more, home=home, env=env)
    assert done.stdout, done.stderr
    assert env["TIDEGATE_BYBIT_SECRET"] not in done.stdout + done.stderr
    assert (env["TIDEGATE_BYBIT_KEY"] or KEY) not in done.stdout + done.stderr
    document = json.loads(done.stdout)
    findings = {found["check"]: found for found in document["findings"]}
    assert len(findings) == len(document["findings"])
    assert document["is_ready"] is (done.returncode == 0)
    return Seen(done.returncode, findings)


@pytest.fixture
def bench() -> Iterator[Bench]:
    with Bench() as running:
        yield running


def test_a_healthy_account_passes_every_check(bench: Bench, tmp_path: Path) -> None:
    seen = doctor(tmp_path, settings(bench))
    assert seen.code == Exit.OK
    assert list(seen.findings) == [check.value for check in Check]
    assert seen.failed == []
    assert all(found["is_ok"] for found in seen.findings.values() if found["severity"] == "failure")
    assert not (tmp_path / "tidegate").exists()


def test_a_person_reads_each_fault_with_its_remedy(bench: Bench, tmp_path: Path) -> None:
    env = {**settings(bench), "TIDEGATE_BYBIT__STREAMS": "false", **LIVE}
    done = tidegate("doctor", home=tmp_path, env=env)
    assert done.returncode == Exit.CHECK_LIMIT_PRICE
    assert all(len(line.rstrip()) <= 80 for line in done.stdout.splitlines())
    text = " ".join(done.stdout.split())
    assert "FAILED limit price action the venue silently moves a limit price" in text
    assert "tidegate doctor --fix switches that to a refusal" in text
    assert "ok private stream not used" in text
    assert "NOT READY: 1 check failed." in text
    assert SECRET not in done.stdout


def hedge(bench: Bench) -> None:
    def act(exchange: Any) -> None:
        exchange.accounts.first.position_mode = HEDGE

    bench.server.call(act)


def ahead(bench: Bench) -> None:
    bench.advance(5_000)
    bench.price("60000")


def delisted(bench: Bench) -> None:
    Control(bench.server.call).inject(FaultName.DELISTING, BTC)


def streams_down(bench: Bench) -> None:
    Control(bench.server.call).inject(FaultName.WS_DOWN)


def untouched(bench: Bench) -> None:
    """The fault is in the account or in the settings."""


@pytest.mark.parametrize(
    ("changes", "plant", "env", "check", "says"),
    [
        ({}, untouched, {"TIDEGATE_BYBIT_KEY": "a-wrong-key"}, Check.KEYS_VALID, "code 10003"),
        (
            {},
            untouched,
            {"TIDEGATE_BYBIT_SECRET": "not-this"},
            Check.KEYS_VALID,
            "code 10004",
        ),
        ({"ips": ("10.1.1.1",)}, untouched, {}, Check.KEYS_VALID, "add this machine's address"),
        ({"is_read_only": True}, untouched, {}, Check.PERMISSIONS, "read-only"),
        (
            {"permissions": (("ContractTrade", ("Order",)),)},
            untouched,
            {},
            Check.PERMISSIONS,
            "lacks contract permissions: Position",
        ),
        ({"permissions": WITHDRAWS}, untouched, LIVE, Check.WITHDRAWAL, "may withdraw"),
        ({}, hedge, {}, Check.POSITION_MODE, "hedge mode for BTCUSDT"),
        ({}, ahead, {}, Check.CLOCK, "at most 500 ms are accepted | synchronise the machine's"),
        ({}, delisted, {}, Check.INSTRUMENT, "BTCUSDT is reduce_only"),
        ({}, untouched, {"TIDEGATE_SYMBOL": "NOPEUSDT"}, Check.INSTRUMENT, "NOPEUSDT"),
        ({"wallet": "0"}, untouched, {}, Check.BALANCE, "wallet 0 USDT, at least 10 are needed"),
        ({}, untouched, LIVE, Check.LIMIT_PRICE, "doctor --fix"),
        ({}, streams_down, {}, Check.PRIVATE_STREAM, "was not up within 1,000 ms"),
        ({}, untouched, {"TIDEGATE_STATE_PATH": "/proc/x/j.sqlite"}, Check.STATE_STORE, "/proc"),
        (
            {},
            untouched,
            {"TIDEGATE_MODE": "demo", "TIDEGATE_BYBIT__ORDER_ENTRY": "stream"},
            Check.SETTINGS,
            "demo trading has no order stream",
        ),
    ],
)
def test_each_fault_is_found_with_its_remedy_and_decides_the_exit_code(
    changes: dict[str, Any],
    plant: Callable[[Bench], None],
    env: dict[str, str],
    check: Check,
    says: str,
    tmp_path: Path,
) -> None:
    wallet = changes.pop("wallet", "100000")
    spec = attrs.evolve(account_spec(wallet=wallet), **changes)
    with Bench([spec]) as bench:
        found = settings(bench)
        plant(bench)
        if check is Check.PRIVATE_STREAM:
            found["TIDEGATE_BYBIT__STREAM_START_MS"] = "1000"
        else:
            found["TIDEGATE_BYBIT__STREAMS"] = "false"
        seen = doctor(tmp_path, {**found, **env})
    assert seen.failed[0] == check.value
    assert seen.code == EXIT_OF[check]
    assert says in seen.said(check)
    assert seen.findings[check.value]["remedy"]


def test_a_venue_that_does_not_answer_is_one_finding_and_the_rest_is_skipped(
    tmp_path: Path,
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        seen = doctor(tmp_path, connection(f"http://{address}", f"ws://{address}"))
    assert seen.code == Exit.CHECK_CONNECTION
    assert seen.failed == [Check.CONNECTION.value]
    behind = list(Check)[list(Check).index(Check.CONNECTION) + 1 :]
    assert all(seen.findings[check.value]["severity"] == "skipped" for check in behind)


def test_without_a_key_the_venue_is_not_asked(bench: Bench, tmp_path: Path) -> None:
    env = {**settings(bench), "TIDEGATE_BYBIT_KEY": ""}
    seen = doctor(tmp_path, env)
    assert seen.code == Exit.CHECK_KEYS_PRESENT
    assert "TIDEGATE_BYBIT_KEY" in seen.said(Check.KEYS_PRESENT)
    assert seen.findings["connection"]["severity"] == "skipped"
    assert SECRET not in json.dumps(seen.findings)


def test_a_key_that_withdraws_is_a_warning_where_no_real_money_is(tmp_path: Path) -> None:
    with Bench([attrs.evolve(account_spec(), permissions=WITHDRAWS)]) as bench:
        env = settings(bench)
        testnet = doctor(tmp_path, env)
        allowed = {"TIDEGATE_BYBIT__ALLOW_WITHDRAWAL_PERMISSION": "true"}
        live = doctor(tmp_path, {**env, **LIVE, **allowed}, "--fix")
    for seen in (testnet, live):
        assert seen.code == Exit.OK
        assert seen.findings["withdrawal"]["severity"] == "warning"


def test_fixing_switches_the_limit_price_action_at_the_venue_and_reads_it_back(
    bench: Bench, tmp_path: Path
) -> None:
    env = {**settings(bench), **LIVE}
    assert doctor(tmp_path, env).code == Exit.CHECK_LIMIT_PRICE
    assert bench.server.call(lambda exchange: exchange.accounts.first.modifies_price)
    fixed = doctor(tmp_path, env, "--fix")
    assert fixed.code == Exit.OK
    assert "set just now" in fixed.said(Check.LIMIT_PRICE)
    assert not bench.server.call(lambda exchange: exchange.accounts.first.modifies_price)
    assert doctor(tmp_path, env).code == Exit.OK


def test_the_mode_of_the_command_line_is_stronger_and_demo_lacks_what_demo_lacks(
    tmp_path: Path,
) -> None:
    with Bench([attrs.evolve(account_spec(), is_demo=True)]) as bench:
        seen = doctor(tmp_path, settings(bench), "--mode", "demo")
    assert seen.code == Exit.OK
    assert "those of the settings" in seen.said(Check.FEES)
    assert "has no such setting" in seen.said(Check.LIMIT_PRICE)
    assert "this account has none" in seen.said(Check.DISCONNECT)


@pytest.mark.parametrize("mode", ["paper", "memory"])
def test_a_simulated_venue_needs_settings_store_and_instrument_only(mode: str) -> None:
    done = invoke("doctor", "--mode", mode, "--json")
    assert done.code == Exit.OK
    checks = [found["check"] for found in json.loads(done.out)["findings"]]
    assert checks == ["settings", "state store", "instrument"]


def test_live_without_the_acknowledgement_is_refused_before_anything_is_asked() -> None:
    done = invoke("doctor", "--mode", "live")
    assert done.code == Exit.BAD_INPUT
    assert "accepted: the literal 'REAL MONEY'" in " ".join(done.trouble.split())


def test_every_check_has_an_exit_code_of_its_own() -> None:
    assert set(EXIT_OF) == set(Check)
    assert len(set(EXIT_OF.values())) == len(Check)
    assert not {Exit.OK, Exit.BAD_INPUT, Exit.STATE} & set(EXIT_OF.values())
