"""An adapter cannot be pointed at another environment than it says."""

import attrs
import pytest
from tidegate.adapters.bybit.hosts import Hosts, Region, kind_of_host
from tidegate.domain.mode import VenueKind

MAINNET, TESTNET, DEMO = (
    VenueKind.BYBIT_MAINNET,
    VenueKind.BYBIT_TESTNET,
    VenueKind.BYBIT_DEMO,
)


def test_each_environment_has_its_documented_addresses() -> None:
    main, test, demo = Hosts.mainnet(), Hosts.testnet(), Hosts.demo()
    assert (main.kind, test.kind, demo.kind) == (MAINNET, TESTNET, DEMO)
    assert main.rest_url == "https://api.bybit.com"
    assert main.public_url == "wss://stream.bybit.com/v5/public/linear"
    assert main.private_url == "wss://stream.bybit.com/v5/private"
    assert main.trade_url == "wss://stream.bybit.com/v5/trade"
    assert test.rest_url == "https://api-testnet.bybit.com"
    assert test.private_url == "wss://stream-testnet.bybit.com/v5/private"
    assert demo.rest_url == "https://api-demo.bybit.com"


def test_demo_reads_main_net_prices_and_has_no_trade_stream() -> None:
    demo = Hosts.demo()
    assert demo.public_url == Hosts.mainnet().public_url
    assert demo.private_url == "wss://stream-demo.bybit.com/v5/private"
    assert demo.trade_url is None
    with pytest.raises(ValueError, match="no trade stream"):
        attrs.evolve(demo, trade_url="wss://stream-demo.bybit.com/v5/trade")


@pytest.mark.parametrize("region", list(Region))
def test_every_region_is_the_main_net(region: Region) -> None:
    hosts = Hosts.mainnet(region)
    assert hosts.kind is MAINNET
    assert hosts.rest_url == f"https://api.{region.value}"


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("api.bybit.com", MAINNET),
        ("API.BYBIT.COM", MAINNET),
        ("gateway-for-makers.bybit.com", MAINNET),
        ("api-testnet.bybit.com", TESTNET),
        ("stream-demo.bybit.com", DEMO),
        ("api-demo-testnet.bybit.com", None),
        ("api.notbybit.com", None),
        ("api-testnet.bybit.com.example.org", None),
        ("localhost", None),
    ],
)
def test_a_host_is_of_one_environment(host: str, kind: VenueKind | None) -> None:
    assert kind_of_host(host) is kind


@pytest.mark.parametrize(
    "url",
    [
        "https://api.bybit.com",
        "https://api-demo.bybit.com",
        "https://venue.example.org",
        "https://127.0.0.1:8080",
        "https://localhost:8080",
        "http://api-testnet.bybit.com",
        "https://user:word@api-testnet.bybit.com",
        "https://",
    ],
)
@pytest.mark.parametrize("name", ["rest_url", "orders_url", "safety_url"])
def test_a_foreign_address_cannot_claim_to_be_the_test_net(name: str, url: str) -> None:
    known = attrs.asdict(Hosts.testnet())
    with pytest.raises(ValueError, match=name):
        Hosts(**{**known, name: url})


def test_a_makers_gateway_may_take_the_orders_of_the_main_net() -> None:
    hosts = attrs.evolve(Hosts.mainnet(), orders_url="https://gateway-for-makers.bybit.com")
    assert hosts.kind is MAINNET


@pytest.mark.parametrize("kind", [MAINNET, TESTNET, DEMO])
def test_only_a_loopback_address_may_play_any_environment(kind: VenueKind) -> None:
    hosts = Hosts.loopback(rest_url="http://127.0.0.1:1", ws_url="ws://127.0.0.1:2", kind=kind)
    assert hosts.kind is kind
    assert hosts.public_url == "ws://127.0.0.1:2/v5/public/linear"
    assert (hosts.trade_url is None) is (kind is DEMO)
    with pytest.raises(ValueError, match="rest_url"):
        Hosts.loopback(rest_url="https://api.bybit.com", ws_url="ws://127.0.0.1:2", kind=kind)
    with pytest.raises(ValueError, match="public_url"):
        Hosts.loopback(rest_url="http://[::1]:1", ws_url="wss://stream.bybit.com", kind=kind)


def test_a_venue_that_is_not_bybit_is_refused() -> None:
    with pytest.raises(ValueError, match="'paper'"):
        Hosts.loopback(
            rest_url="http://127.0.0.1:1", ws_url="ws://127.0.0.1:2", kind=VenueKind.PAPER
        )
