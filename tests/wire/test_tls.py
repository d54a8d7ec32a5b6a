"""TLS: what a context trusts is used in full, and what it does not trust gets nothing."""

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pybit.unified_trading import HTTP
from tidegate.adapters.bybit.credentials import Credentials
from tidegate.adapters.bybit.hosts import Hosts
from tidegate.adapters.bybit.venue import BybitConfig, BybitVenue
from tidegate.adapters.v5server.exchange import Exchange
from tidegate.adapters.v5server.ws_session import StreamKind
from tidegate.application.clocks import SystemClock
from tidegate.domain.mode import VenueKind
from tidegate.domain.reports import StreamReport, StreamState, VenueMessage
from tidegate.ports.exchange import QueryFailed

from tests.adapters.v5server.bench import KEY, SECRET, Bench
from tests.contracts.bybit_tls_bench import TestCa, TlsServerBench
from tests.contracts.suite_runs import ROOT, run_pytest
from tests.domain.samples import BTCUSDT

CASES_MIN = 200


def nobody(message: VenueMessage) -> None:
    """Hear nothing."""


@pytest.fixture(scope="module")
def authority() -> TestCa:
    return TestCa()


@contextmanager
def venue_at(rest_url: str, ws_url: str, trust: ssl.SSLContext | None) -> Iterator[BybitVenue]:
    hosts = Hosts.loopback(rest_url=rest_url, ws_url=ws_url, kind=VenueKind.BYBIT_TESTNET)
    venue = BybitVenue(
        hosts=hosts,
        credentials=Credentials(KEY, SECRET),
        clock=SystemClock(),
        symbols=[BTCUSDT.symbol],
        config=BybitConfig(stream_wait_ms=2_000),
        tls=trust,
    )
    try:
        yield venue
    finally:
        venue.close()


@pytest.mark.sweep
def test_the_adapter_passes_every_case_over_tls() -> None:
    suites = sorted(path.stem for path in (ROOT / "contracts").glob("test_exchange*.py"))
    done = run_pytest(
        "-q",
        "--tb=short",
        "--exchange",
        "tests.contracts.bybit_tls_bench:bybit_tls",
        "--pyargs",
        *(f"tidegate.contracts.{name}" for name in suites),
        folder=ROOT,
    )
    assert done.returncode == pytest.ExitCode.OK, done.stdout[-4000:] + done.stderr
    counts = re.search(r"(\d+) passed in", done.stdout)
    assert counts is not None, "some case was skipped: " + done.stdout[-500:]
    assert int(counts[1]) >= CASES_MIN


@pytest.mark.parametrize("whose", ["the system's", "another authority's"])
def test_a_certificate_that_is_not_trusted_is_a_failed_query(authority: TestCa, whose: str) -> None:
    trust = None if whose == "the system's" else TestCa().client_context()
    with TlsServerBench(authority.server_context()) as bench:
        bench.price("60000")
        with venue_at(bench.server.rest_url, bench.server.ws_url, trust) as venue:
            with pytest.raises(QueryFailed, match="SSLCertVerificationError"):
                venue.ticker(BTCUSDT.symbol)
            with pytest.raises(QueryFailed, match="SSLCertVerificationError"):
                venue.connect(nobody)


def test_a_certificate_for_another_name_is_a_failed_query(authority: TestCa) -> None:
    with TlsServerBench(authority.server_context("venue.example")) as bench:
        urls, trust = bench.server, authority.client_context()
        with (
            venue_at(urls.rest_url, urls.ws_url, trust) as venue,
            pytest.raises(QueryFailed, match="SSLCertVerificationError"),
        ):
            venue.instrument(BTCUSDT.symbol)


def test_a_plain_answer_is_not_taken_where_tls_was_asked_for(authority: TestCa) -> None:
    with Bench() as bench:
        rest_url = bench.server.rest_url.replace("http://", "https://")
        trust = authority.client_context()
        with (
            venue_at(rest_url, bench.server.ws_url, trust) as venue,
            pytest.raises(QueryFailed, match="SSLError"),
        ):
            venue.ticker(BTCUSDT.symbol)


def test_streams_do_not_come_up_with_a_certificate_that_is_not_trusted(
    authority: TestCa, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "tidegate")
    heard: list[VenueMessage] = []
    with Bench() as plain, TlsServerBench(authority.server_context()) as secured:
        plain.price("60000")
        trust = TestCa().client_context()
        with venue_at(plain.server.rest_url, secured.server.ws_url, trust) as venue:
            venue.connect(heard.append)
            for stream in ("public stream", "private stream"):
                assert f"{stream}: SSLCertVerificationError" in caplog.text
            assert secured.server.call(_sessions) == 0
    states = {message.state for message in heard if isinstance(message, StreamReport)}
    assert StreamState.UP not in states


def _sessions(exchange: Exchange) -> int:
    return sum(len(exchange.pushes.sessions(kind)) for kind in StreamKind)


def test_streams_come_up_with_the_certificate_that_is_trusted(authority: TestCa) -> None:
    with TlsServerBench(authority.server_context()) as bench:
        bench.price("60000")
        urls, trust = bench.server, authority.client_context()
        with venue_at(urls.rest_url, urls.ws_url, trust) as venue:
            venue.connect(nobody)
            assert venue.streams.wait_up(10_000)


def test_stock_pybit_trades_over_tls(authority: TestCa, tmp_path: Path) -> None:
    trusted = tmp_path / "authority.pem"
    trusted.write_bytes(authority.pem)
    with TlsServerBench(authority.server_context()) as bench:
        bench.price("60000")
        session = HTTP(api_key=KEY, api_secret=SECRET, retry_codes={-1})
        session.endpoint = bench.server.rest_url
        session.client.trust_env = False
        session.client.verify = str(trusted)
        name = {"category": "linear", "symbol": "BTCUSDT"}
        session.place_order(**name, side="Buy", orderType="Market", qty="0.1")
        (held,) = session.get_positions(**name)["result"]["list"]
        session.client.close()
    assert (held["side"], held["size"], held["avgPrice"]) == ("Buy", "0.1", "60000")
