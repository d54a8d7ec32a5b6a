"""``tidegate venue``: a venue in a process of its own, and clients that come to it."""

import hashlib
import hmac
import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from tidegate.adapters.cli.exits import Exit

from .forking import Forked
from .running import environment, invoke, start, stopped_after, tidegate

BARS = "start_ms,open,high,low,close,volume\n" + "".join(
    f"{1_700_000_000_000 + n * 60_000},{100 + n},{102 + n},{99 + n},{101 + n},10\n"
    for n in range(5)
)


@contextmanager
def venue(home: Path, *more: str) -> Iterator[tuple[Forked, dict[str, Any]]]:
    """Start a venue, and wait until it says where it listens."""
    process = start("venue", "--json", *more, home=home, env={})
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline()]
        while lines[-1] not in ("}\n", ""):
            lines.append(process.stdout.readline())
        yield process, json.loads("".join(lines))
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=60)


def public(rest_url: str, path: str) -> Any:
    with urllib.request.urlopen(f"{rest_url}{path}", timeout=10) as answer:  # noqa: S310
        return json.load(answer)["result"]


def last_price(rest_url: str) -> str:
    rows = public(rest_url, "/v5/market/tickers?category=linear&symbol=BTCUSDT")["list"]
    return str(rows[0]["lastPrice"])


def signed(rest_url: str, account: dict[str, str], path: str, query: str) -> Any:
    stamp = str(int(time.time() * 1000))
    text = f"{stamp}{account['key']}5000{query}".encode()
    sign = hmac.new(account["secret"].encode(), text, hashlib.sha256).hexdigest()
    headers = {
        "X-BAPI-API-KEY": account["key"],
        "X-BAPI-TIMESTAMP": stamp,
        "X-BAPI-SIGN": sign,
        "X-BAPI-RECV-WINDOW": "5000",
    }
    request = urllib.request.Request(f"{rest_url}{path}?{query}", headers=headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        return json.load(answer)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_venue_serves_its_accounts_until_a_signal_and_ends_with_0(
    number: signal.Signals, tmp_path: Path
) -> None:
    with venue(tmp_path, "--price", "61234.5") as (process, said):
        assert said["rest_url"].startswith("http://127.0.0.1:")
        assert said["ws_url"] == said["rest_url"].replace("http", "ws")
        assert last_price(said["rest_url"]) == "61234.50"
        wallets = [
            signed(said["rest_url"], account, "/v5/account/wallet-balance", "accountType=UNIFIED")
            for account in said["accounts"]
        ]
        assert [wallet["retCode"] for wallet in wallets] == [0, 0]
        assert len({account["key"] for account in said["accounts"]}) == 2
        code, _, trouble = stopped_after(process, number)
    assert (code, trouble) == (Exit.OK, "")


def test_the_doctor_finds_the_venue_healthy_as_the_venue_says_how(tmp_path: Path) -> None:
    process = start("venue", home=tmp_path, env={})
    try:
        assert process.stdout is not None
        text = ""
        while "Ctrl-C" not in text:
            text += process.stdout.readline()
        (line,) = (row for row in text.splitlines() if "tidegate doctor" in row)
        *pairs, _, command, _, mode = line.split()
        done = tidegate(
            command, "--mode", mode, home=tmp_path, env=dict(p.split("=") for p in pairs)
        )
        assert done.returncode == Exit.OK, done.stdout
    finally:
        process.kill()
        process.communicate(timeout=60)


def test_data_moves_the_market_and_its_last_price_stands_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "bars.csv").write_text(BARS, encoding="utf-8")
    with venue(tmp_path, "--data", "bars.csv", "--speed", "0") as (_, said):
        deadline = time.monotonic() + 60
        while last_price(said["rest_url"]) != "105.00":
            assert time.monotonic() < deadline, last_price(said["rest_url"])
        rows = public(said["rest_url"], "/v5/market/time")
        shown_s, now_s = int(rows["timeSecond"]), int(time.time())
        assert abs(shown_s - now_s) <= 60, "recorded prices are told at the present time"


def test_a_pace_of_one_waits_as_long_as_was_recorded(tmp_path: Path) -> None:
    (tmp_path / "bars.csv").write_text(BARS, encoding="utf-8")
    with venue(tmp_path, "--data", "bars.csv") as (_, said):
        prices = {last_price(said["rest_url"]) for _ in range(200)}
    assert prices == {"100.00"}


def test_accounts_of_a_file_trade_and_a_restart_goes_on_from_their_state(tmp_path: Path) -> None:
    accounts = '[[accounts]]\nkey = "a"\nsecret = "b"\nwallet = 777\n'
    (tmp_path / "accounts.toml").write_text(accounts, encoding="utf-8")
    named = ("--accounts", "accounts.toml", "--state", "kept")
    with venue(tmp_path, *named, "--price", "50000") as (process, said):
        assert said["accounts"] == [{"key": "a", "secret": "b", "wallet": "777"}]
        stopped_after(process, signal.SIGINT)
    with venue(tmp_path, *named, "--price", "99999") as (_, said):
        assert last_price(said["rest_url"]) == "50000.00"


def test_a_venue_with_a_certificate_is_trusted_by_its_authority(tmp_path: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    issued.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with venue(tmp_path, "--tls-cert", "cert.pem", "--tls-key", "key.pem") as (_, said):
        assert said["rest_url"].startswith("https://")
        account = said["accounts"][0]
        env = {
            "TIDEGATE_BYBIT_KEY": account["key"],
            "TIDEGATE_BYBIT_SECRET": account["secret"],
            "TIDEGATE_BYBIT__ALLOW_LOOPBACK": "true",
            "TIDEGATE_BYBIT__REST_URL": said["rest_url"],
            "TIDEGATE_BYBIT__WS_URL": said["ws_url"],
        }
        asked = ("doctor", "--mode", "testnet", "--json")
        trusting = {**env, "TIDEGATE_BYBIT__CA_PATH": str(tmp_path / "ca.pem")}
        done = tidegate(*asked, home=tmp_path, env=trusting)
        assert done.returncode == Exit.OK, done.stdout
        refused = tidegate(*asked, home=tmp_path, env=env)
        assert refused.returncode == Exit.CHECK_CONNECTION


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--host", "192.0.2.1"), "is reached by other machines; accepted: 127.0.0.1, or any"),
        (("--host", "192.0.2.1", "--allow-remote"), "a file of accounts of your own"),
        (("--data", "x.csv", "--feed", "demo"), "accepted: one of them"),
        (("--tls-cert", "x.pem"), "accepted: both, or neither"),
        (("--speed", "-1"), "accepted: 0 or more"),
        (("--speed", "fast"), "accepted: a number such as 10, or 0"),
        (("--data", "nowhere.csv"), "nowhere.csv"),
        (("--accounts", "nowhere.toml"), "nowhere.toml: cannot be read"),
        (("--symbol", "NOPE"), "no instrument 'NOPE'"),
        (("--price", "0"), "accepted: above zero"),
    ],
)
def test_what_cannot_be_served_ends_with_2_and_says_what_is_accepted(
    arguments: tuple[str, ...], says: str
) -> None:
    done = invoke("venue", *arguments)
    assert done.code == Exit.BAD_INPUT, done.out
    assert says in " ".join(done.trouble.split())
    assert done.out == ""


def test_a_port_that_is_taken_ends_with_5(tmp_path: Path) -> None:
    with venue(tmp_path) as (_, said):
        port = said["rest_url"].rpartition(":")[2]
        done = tidegate("venue", "--port", port, home=tmp_path)
    assert done.returncode == Exit.VENUE
    assert "the server did not start" in done.stderr


def test_without_the_servers_library_the_command_says_how_to_install_it(tmp_path: Path) -> None:
    blocked = (
        "import sys; sys.modules['aiohttp'] = None; sys.argv = ['tidegate', 'venue'];"
        "from tidegate.application.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", blocked],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment(tmp_path),
        timeout=60,
        check=False,
    )
    assert done.returncode == Exit.BAD_INPUT
    assert "pip install 'tidegate[venue]'" in done.stderr
