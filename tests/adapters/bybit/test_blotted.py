"""The venue's errors repeat the text that was signed; the key in it is taken out."""

from tidegate.adapters.bybit.clock import ServerClock
from tidegate.adapters.bybit.credentials import Credentials
from tidegate.adapters.bybit.hosts import Hosts
from tidegate.adapters.bybit.replies import BadStatus, Refused
from tidegate.adapters.bybit.rest import Call, Lane, RestClient
from tidegate.application.clocks import SystemClock
from tidegate.domain.mode import VenueKind

from .socket_stub import Peer, SocketStub, answer

KEY, SECRET = "key-of-a-test", "secret-of-a-test"


def asked(reply: bytes) -> Refused | BadStatus:
    """Return what comes of an order that is answered so."""

    def act(peer: Peer) -> None:
        peer.read()
        peer.send(reply)

    with SocketStub(act) as stub:
        hosts = Hosts.loopback(
            rest_url=stub.url, ws_url="ws://127.0.0.1:1", kind=VenueKind.BYBIT_TESTNET
        )
        rest = RestClient(
            hosts=hosts, credentials=Credentials(KEY, SECRET), clock=ServerClock(SystemClock())
        )
        try:
            got = rest.change(Call.PLACE, {"symbol": "BTCUSDT"}, lane=Lane.ORDERS)
        finally:
            rest.close()
    assert isinstance(got, Refused | BadStatus), got
    return got


def test_both_parts_are_taken_out_of_a_text() -> None:
    text = Credentials(KEY, SECRET).blotted(f"sign [17{KEY}5000] of {SECRET}")
    assert text == "sign [17<hidden>5000] of <hidden>"


def test_a_part_that_is_too_short_for_a_key_does_not_blot_out_words() -> None:
    assert Credentials("k", "e").blotted("key expired") == "key expired"


def test_a_refusal_is_told_without_the_key() -> None:
    body = f'{{"retCode":10004,"retMsg":"error sign! origin_string[17{KEY}5000]"}}'
    got = asked(answer(body.encode()))
    assert isinstance(got, Refused)
    assert got.message == "error sign! origin_string[17<hidden>5000]"


def test_a_page_that_is_cut_off_within_the_key_shows_no_part_of_it() -> None:
    page = "x" * 195 + KEY
    got = asked(answer(page.encode(), status="401 Unauthorized"))
    assert isinstance(got, BadStatus)
    assert got.text == "x" * 195 + "<hidd"
