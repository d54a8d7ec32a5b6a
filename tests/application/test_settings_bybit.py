"""Settings of the connection to Bybit: addresses only of this machine, and only when asked for."""

import attrs
import pytest
from tidegate.adapters.bybit import hosts
from tidegate.application.settings import Settings
from tidegate.application.settings_bybit import BybitSettings, OrderEntry, Region, is_loopback
from tidegate.application.settings_loading import SettingsError, load_settings

REST, WS = "http://127.0.0.1:8080", "ws://127.0.0.1:8080"


def _problem(**values: str) -> str:
    env = {f"TIDEGATE_BYBIT__{name.upper()}": value for name, value in values.items()}
    with pytest.raises(SettingsError) as caught:
        load_settings(file=None, env={**env, "TIDEGATE_CONFIG": "/dev/null"})
    return str(caught.value)


def test_every_choice_can_be_made_in_the_environment() -> None:
    env = {
        "TIDEGATE_CONFIG": "/dev/null",
        "TIDEGATE_MODE": "demo",
        "TIDEGATE_BYBIT__REGION": "bybit.nl",
        "TIDEGATE_BYBIT__ORDER_ENTRY": "stream",
        "TIDEGATE_BYBIT__RECV_WINDOW_MS": "7000",
        "TIDEGATE_BYBIT__ALLOW_WITHDRAWAL_PERMISSION": "true",
        "TIDEGATE_BYBIT__ALLOW_LOOPBACK": "true",
        "TIDEGATE_BYBIT__REST_URL": REST,
        "TIDEGATE_BYBIT__WS_URL": WS,
    }
    found = load_settings(file=None, env=env).bybit
    assert found == BybitSettings(
        region=Region.NETHERLANDS,
        order_entry=OrderEntry.STREAM,
        recv_window_ms=7_000,
        allow_withdrawal_permission=True,
        allow_loopback=True,
        rest_url=REST,
        ws_url=WS,
    )


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:1", True),
        ("https://127.8.9.1", True),
        ("ws://[::1]:8080/v5", True),
        ("http://localhost:1", False),
        ("http://127.0.0.1.example.com", False),
        ("http://10.0.0.1", False),
        ("http://127.0.0.1@example.com", False),
        ("http://[::1", False),
        ("", False),
    ],
)
def test_only_a_literal_address_of_this_machine_is_loopback(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected


@pytest.mark.parametrize(
    ("rest", "ws"),
    [
        ("https://api.bybit.com", WS),
        (REST, "wss://stream.bybit.com"),
        ("ws://127.0.0.1:1", WS),
        (REST, "http://127.0.0.1:1"),
        ("http://localhost:8080", WS),
    ],
)
def test_no_other_address_is_taken(rest: str, ws: str) -> None:
    problem = _problem(allow_loopback="true", rest_url=rest, ws_url=ws)
    assert "accepted:" in problem
    assert "loopback address" in problem


def test_a_loopback_address_must_be_allowed_by_name() -> None:
    assert "allow_loopback is false" in _problem(rest_url=REST, ws_url=WS)


def test_both_addresses_belong_together() -> None:
    assert "accepted: both, or neither" in _problem(allow_loopback="true", rest_url=REST)


def test_a_longest_wait_below_the_shortest_is_refused() -> None:
    problem = _problem(reconnect_delay_ms_min="500", reconnect_delay_ms_max="499")
    assert "accepted: at least reconnect_delay_ms_min, 500" in problem


def test_a_disconnect_window_below_the_venues_shortest_is_refused() -> None:
    assert "accepted: 0, or 3 to 300 seconds" in _problem(disconnect_cancel_s="2")
    assert BybitSettings(disconnect_cancel_s=3).disconnect_cancel_s == 3


def test_a_key_or_a_secret_is_no_setting() -> None:
    for name in ("key", "secret", "api_key"):
        with pytest.raises(SettingsError, match="secrets belong in the environment"):
            load_settings(file=None, env={}, options={"bybit": {name: "x"}})
    env = {"TIDEGATE_BYBIT_KEY": "x", "TIDEGATE_BYBIT_SECRET": "y", "TIDEGATE_CONFIG": "/dev/null"}
    assert load_settings(file=None, env=env) == Settings()


def test_not_found_is_final_after_window_clock_lead_and_history_lag() -> None:
    settings = BybitSettings(recv_window_ms=4_000, history_lag_ms=2_500)
    assert settings.not_found_final_ms == 7_500


def test_the_regions_are_those_that_the_adapter_has_hosts_for() -> None:
    assert [region.value for region in Region] == [site.value for site in hosts.Region]


def test_no_field_can_hold_a_secret() -> None:
    ends = ("key", "secret", "token", "password", "passphrase")
    assert not [f.name for f in attrs.fields(BybitSettings) if f.name.endswith(ends)]
