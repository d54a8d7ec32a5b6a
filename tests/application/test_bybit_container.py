"""A desk on Bybit: where each mode leads, what must agree, and a start that checks first."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
import trustme
from tidegate.adapters.bybit.credentials import CredentialsMissing
from tidegate.adapters.v5server.accounts import ALWAYS
from tidegate.adapters.v5server.control import Control, FaultName
from tidegate.application.bybit_container import (
    BybitContainer,
    bybit_application,
    credentials_trouble,
    hosts_of,
    make_tls,
    venue_address,
)
from tidegate.application.commands import Commands
from tidegate.application.modes import ModeMismatch, check_mode
from tidegate.application.settings import LIVE_ACKNOWLEDGEMENT, CostSettings, Settings
from tidegate.application.settings_bybit import BybitSettings, OrderEntry, Region
from tidegate.domain.instrument import FeeRates
from tidegate.domain.mode import TradingMode, VenueKind
from tidegate.domain.money import Rate
from tidegate.domain.orders import Symbol
from tidegate.ports.commands import BadInput, DoctorRequest, Where
from tidegate.ports.desk import Placed
from tidegate.ports.preflight import Check, PreflightFailed

from tests.adapters.v5server.bench import KEY, SECRET, Bench, account_spec
from tests.application.bench import signal
from tests.domain.core.scenes import LADDER

BTC = Symbol("BTCUSDT")
ENV = {"TIDEGATE_BYBIT_KEY": KEY, "TIDEGATE_BYBIT_SECRET": SECRET}
BYBIT_MODES = (TradingMode.DEMO, TradingMode.TESTNET, TradingMode.LIVE)


def settings(mode: TradingMode, folder: Path = Path("/nowhere"), **bybit: Any) -> Settings:
    return Settings(
        mode=mode,
        live_acknowledgement=LIVE_ACKNOWLEDGEMENT if mode is TradingMode.LIVE else "",
        state_path=folder / "journal.sqlite",
        bybit=BybitSettings(**bybit),
    )


# Typed by hand from the venue's documentation of its hosts.
@pytest.mark.parametrize(
    ("mode", "region", "rest", "public", "private", "trade"),
    [
        (
            TradingMode.LIVE,
            Region.GLOBAL,
            "https://api.bybit.com",
            "wss://stream.bybit.com/v5/public/linear",
            "wss://stream.bybit.com/v5/private",
            "wss://stream.bybit.com/v5/trade",
        ),
        (
            TradingMode.LIVE,
            Region.NETHERLANDS,
            "https://api.bybit.nl",
            "wss://stream.bybit.com/v5/public/linear",
            "wss://stream.bybit.com/v5/private",
            "wss://stream.bybit.com/v5/trade",
        ),
        (
            TradingMode.TESTNET,
            Region.GLOBAL,
            "https://api-testnet.bybit.com",
            "wss://stream-testnet.bybit.com/v5/public/linear",
            "wss://stream-testnet.bybit.com/v5/private",
            "wss://stream-testnet.bybit.com/v5/trade",
        ),
        (
            TradingMode.DEMO,
            Region.GLOBAL,
            "https://api-demo.bybit.com",
            "wss://stream.bybit.com/v5/public/linear",
            "wss://stream-demo.bybit.com/v5/private",
            None,
        ),
    ],
)
def test_each_mode_leads_to_the_hosts_of_its_environment(
    mode: TradingMode, region: Region, rest: str, public: str, private: str, trade: str | None
) -> None:
    hosts = hosts_of(settings(mode, region=region))
    assert (hosts.rest_url, hosts.public_url) == (rest, public)
    assert (hosts.private_url, hosts.trade_url) == (private, trade)
    assert rest in venue_address(settings(mode, region=region))


@pytest.mark.parametrize("mode", [TradingMode.PAPER, TradingMode.MEMORY])
def test_a_simulated_mode_has_no_venue_of_bybits(mode: TradingMode) -> None:
    with pytest.raises(ValueError, match=f"mode {mode.value} has no Bybit venue"):
        hosts_of(settings(mode))


@pytest.mark.parametrize("mode", BYBIT_MODES)
def test_the_venue_that_is_built_fits_its_own_mode_and_no_other(mode: TradingMode) -> None:
    venue = BybitContainer(settings=settings(mode), env=ENV).venue()
    try:
        for other in TradingMode:
            for kind in VenueKind:
                config = attrs.evolve(Settings().core_config(kind), mode=other)
                if other is mode and kind is venue.kind:
                    check_mode(config, venue)
                    continue
                with pytest.raises(ModeMismatch):
                    check_mode(config, venue)
    finally:
        venue.close()


def test_live_needs_the_literal_acknowledgement() -> None:
    for text in ("", "real money", "yes", "REAL MONEY "):
        with pytest.raises(ValueError, match="accepted: the literal 'REAL MONEY'"):
            Settings(mode=TradingMode.LIVE, live_acknowledgement=text)


def test_the_environment_is_asked_before_the_keyring_and_half_a_key_is_none() -> None:
    plain = settings(TradingMode.DEMO)
    assert credentials_trouble(plain, ENV) is None
    half = credentials_trouble(plain, {"TIDEGATE_BYBIT_KEY": KEY})
    assert half is not None
    assert "TIDEGATE_BYBIT_SECRET is not set" in half
    assert KEY not in half


def test_no_secret_shows_in_anything_that_the_container_builds(tmp_path: Path) -> None:
    parts = BybitContainer(settings=settings(TradingMode.TESTNET, tmp_path), env=ENV)
    try:
        built = [parts.credentials(), parts.venue(), parts.venue().rest, parts.preflight()]
        assert not [part for part in built if SECRET in repr(part) or KEY in repr(part)]
    finally:
        parts.venue().close()


def test_two_containers_share_nothing(tmp_path: Path) -> None:
    first, second = (
        BybitContainer(settings=settings(TradingMode.TESTNET, tmp_path / name), env=ENV)
        for name in ("a", "b")
    )
    try:
        assert first.venue() is first.venue()
        assert first.venue() is not second.venue()
        assert first.clock() is not second.clock()
    finally:
        first.venue().close()
        second.venue().close()


def test_without_a_key_nothing_is_built(tmp_path: Path) -> None:
    with pytest.raises(CredentialsMissing):
        bybit_application(settings(TradingMode.DEMO, tmp_path), {"TIDEGATE_BYBIT_KEY": KEY})
    assert not any(tmp_path.iterdir())


def test_the_core_waits_as_long_as_the_venue_may_take_before_not_found_is_final(
    tmp_path: Path,
) -> None:
    built = settings(TradingMode.TESTNET, tmp_path, recv_window_ms=4_000, history_lag_ms=1_500)
    parts = BybitContainer(settings=built, env=ENV)
    try:
        config = parts.engine().config
        assert config.not_found_final_ms == 6_500
        assert config.streams_needed
        assert config.poll_up_ms == built.bybit.poll_up_ms
    finally:
        parts.state_port().close()
        parts.venue().close()


# With a venue on this machine


def on(bench: Bench, mode: TradingMode, folder: Path, **bybit: Any) -> Settings:
    addresses = {"rest_url": bench.server.rest_url, "ws_url": bench.server.ws_url}
    return settings(mode, folder, allow_loopback=True, **addresses, **bybit)


@pytest.fixture
def bench() -> Iterator[Bench]:
    with Bench() as running:
        running.price("65000")
        yield running


@pytest.mark.parametrize(
    ("order_entry", "with_streams"),
    [(OrderEntry.REST, True), (OrderEntry.REST, False), (OrderEntry.STREAM, True)],
)
def test_a_desk_trades_on_the_venue_from_signal_to_flat(
    bench: Bench, tmp_path: Path, order_entry: OrderEntry, with_streams: bool
) -> None:
    chosen = on(
        bench,
        TradingMode.TESTNET,
        tmp_path,
        streams=with_streams,
        order_entry=order_entry,
        poll_down_ms=100,
    )
    application = bybit_application(chosen, ENV)
    try:
        application.start()
        outcome = application.desk.open_with_rr(signal(ladder=LADDER), timeout_ms=20_000)
        assert isinstance(outcome, Placed), outcome
        held = bench.server.call(lambda exchange: exchange.accounts.first.venue.position(BTC))
        assert held.qty == outcome.ticket.qty
        assert held.stop_loss is not None
        application.desk.close_position(BTC, timeout_ms=20_000)
        left = bench.server.call(lambda exchange: exchange.accounts.first.venue.positions())
        assert left == ()
    finally:
        application.stop()


def test_a_desk_does_not_start_while_a_check_fails_and_leaves_nothing_open(
    bench: Bench, tmp_path: Path
) -> None:
    Control(bench.server.call).inject(FaultName.DELISTING, BTC)
    before = threading.active_count()
    application = bybit_application(on(bench, TradingMode.TESTNET, tmp_path), ENV)
    with pytest.raises(PreflightFailed, match="instrument: BTCUSDT is reduce_only") as caught:
        application.start()
    failed = [found.check for found in caught.value.findings if found.stops_start]
    assert failed == [Check.INSTRUMENT]
    assert threading.active_count() == before
    ever = bench.server.call(
        lambda exchange: exchange.accounts.first.venue.order_history(None, ALWAYS).rows
    )
    assert ever == ()


def test_before_real_money_the_limit_price_action_is_switched_by_the_start(
    bench: Bench, tmp_path: Path
) -> None:
    testnet = bybit_application(on(bench, TradingMode.TESTNET, tmp_path / "t"), ENV)
    testnet.start()
    testnet.stop()
    assert bench.server.call(lambda exchange: exchange.accounts.first.modifies_price)
    live = bybit_application(on(bench, TradingMode.LIVE, tmp_path / "l"), ENV)
    live.start()
    live.stop()
    assert not bench.server.call(lambda exchange: exchange.accounts.first.modifies_price)


def test_a_demo_desk_takes_its_fees_from_the_settings(tmp_path: Path) -> None:
    with Bench([attrs.evolve(account_spec(), is_demo=True)]) as bench:
        bench.price("65000")
        costs = CostSettings(taker_fee=Rate.of("0.0007"), maker_fee=Rate.of("0.0003"))
        chosen = attrs.evolve(on(bench, TradingMode.DEMO, tmp_path), costs=costs)
        application = bybit_application(chosen, ENV)
        application.start()
        try:
            view = application._runner.state.view
            expected = FeeRates(taker=Rate.of("0.0007"), maker=Rate.of("0.0003"))
            assert view.fees[BTC] == expected
        finally:
            application.stop()


def test_a_venue_that_is_not_there_stops_the_start_at_once(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        chosen = settings(
            TradingMode.TESTNET,
            tmp_path,
            allow_loopback=True,
            rest_url=f"http://{address}",
            ws_url=f"ws://{address}",
        )
        with pytest.raises(PreflightFailed, match="connection"):
            bybit_application(chosen, ENV).start()


def test_an_operators_panic_closes_everything_though_a_check_would_fail(
    bench: Bench, tmp_path: Path
) -> None:
    application = bybit_application(on(bench, TradingMode.TESTNET, tmp_path), ENV)
    application.start()
    try:
        outcome = application.desk.open_with_rr(signal(ladder=LADDER), timeout_ms=20_000)
        assert isinstance(outcome, Placed), outcome
    finally:
        application.stop()
    Control(bench.server.call).inject(FaultName.DELISTING, BTC)
    env = {
        **ENV,
        "TIDEGATE_MODE": "testnet",
        "TIDEGATE_STATE_PATH": str(tmp_path / "journal.sqlite"),
        "TIDEGATE_BYBIT__ALLOW_LOOPBACK": "true",
        "TIDEGATE_BYBIT__REST_URL": bench.server.rest_url,
        "TIDEGATE_BYBIT__WS_URL": bench.server.ws_url,
        "TIDEGATE_CONFIG": "/dev/null",
    }
    commands = Commands(env=env)
    report = commands.panic(Where(), cause="drill")
    assert report.is_clean, report
    assert bench.server.call(lambda exchange: exchange.accounts.first.venue.positions()) == ()
    assert bench.server.call(lambda exchange: exchange.accounts.first.venue.open_orders()) == ()
    assert commands.status(Where()).panic_cause == "drill"
    commands.reset_panic(Where(), confirmation="RESET")
    assert commands.status(Where()).panic_cause is None


def test_a_panic_without_a_key_says_what_is_missing() -> None:
    commands = Commands(env={"TIDEGATE_MODE": "demo", "TIDEGATE_BYBIT_KEY": KEY})
    with pytest.raises(BadInput, match="TIDEGATE_BYBIT_SECRET is not set"):
        commands.panic(Where(), cause="drill")


def test_the_doctor_makes_the_same_checks_and_closes_what_it_opened(
    bench: Bench, tmp_path: Path
) -> None:
    before = threading.active_count()
    env = {
        **ENV,
        "TIDEGATE_STATE_PATH": str(tmp_path / "journal.sqlite"),
        "TIDEGATE_BYBIT__ALLOW_LOOPBACK": "true",
        "TIDEGATE_BYBIT__REST_URL": bench.server.rest_url,
        "TIDEGATE_BYBIT__WS_URL": bench.server.ws_url,
        "TIDEGATE_CONFIG": "/dev/null",
    }
    report = Commands(env=env).doctor(DoctorRequest(mode=TradingMode.TESTNET))
    assert report.first_failed is None
    assert report.venue == f"bybit testnet at {bench.server.rest_url}"
    assert [finding.check for finding in report.findings] == list(Check)
    assert threading.active_count() == before


def test_the_doctor_of_a_simulated_mode_says_which_venue_it_is() -> None:
    commands = Commands(env={"TIDEGATE_CONFIG": "/dev/null"})
    paper = commands.doctor(DoctorRequest(mode=TradingMode.PAPER))
    memory = commands.doctor(DoctorRequest(mode=TradingMode.MEMORY))
    assert "venue.sqlite" in paper.venue
    assert "memory" in memory.venue


def test_certificates_of_a_file_replace_the_systems_trust(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    trusting = make_tls(settings(TradingMode.TESTNET, ca_path=tmp_path / "ca.pem"))
    assert trusting is not None
    assert trusting.cert_store_stats()["x509_ca"] == 1
    assert make_tls(settings(TradingMode.TESTNET)) is None
