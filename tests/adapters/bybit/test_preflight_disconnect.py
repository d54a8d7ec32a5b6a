"""Cancel on disconnect, at a venue that is a page of canned answers: the loopback one has none."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs
import pytest
from tidegate.adapters.bybit.clock import ServerClock
from tidegate.adapters.bybit.credentials import Credentials
from tidegate.adapters.bybit.hosts import Hosts
from tidegate.adapters.bybit.preflight_account import look_at_disconnect
from tidegate.adapters.bybit.preflight_rules import PreflightRules
from tidegate.adapters.bybit.rest import RestClient
from tidegate.application.clocks import SystemClock
from tidegate.domain.mode import VenueKind
from tidegate.domain.orders import Symbol
from tidegate.ports.preflight import Finding

LIVE = PreflightRules(kind=VenueKind.BYBIT_MAINNET, symbols=frozenset({Symbol("BTCUSDT")}))
WANTED = attrs.evolve(LIVE, disconnect_cancel_s=30)


class Canned:
    """A venue with one switch. ``obeys`` says whether setting it has an effect."""

    def __init__(self, *rows: dict[str, str], code: int = 0, obeys: bool = True) -> None:
        self.rows = [dict(row) for row in rows]
        self.code = code
        self.obeys = obeys
        self.set_to: list[dict[str, Any]] = []

    def answer(self, method: str, path: str, body: bytes) -> dict[str, Any]:
        if method == "POST":
            assert path == "/v5/order/disconnected-cancel-all"
            asked = json.loads(body)
            self.set_to.append(asked)
            for row in self.rows:
                if self.obeys and row["product"] == asked["product"]:
                    row.update(dcpStatus="ON", timeWindow=str(asked["timeWindow"]))
            return {"retCode": 0, "retMsg": "success"}
        assert path == "/v5/account/query-dcp-info"
        result = {"dcpInfos": self.rows} if self.code == 0 else {}
        return {"retCode": self.code, "retMsg": "", "result": result}


class Served:
    """Serves a canned venue on this machine."""

    def __init__(self, canned: Canned) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                path = self.path.partition("?")[0]
                answer = json.dumps(canned.answer(self.command, path, body)).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def do_GET(self) -> None:
                self._serve()

            def do_POST(self) -> None:
                self._serve()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = False
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))

    def __enter__(self) -> str:
        self.thread.start()
        return f"http://127.0.0.1:{self.server.server_port}"

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def look(canned: Canned, rules: PreflightRules, *, is_fixing: bool = False) -> Finding:
    with Served(canned) as url:
        client = RestClient(
            hosts=Hosts.loopback(
                rest_url=url, ws_url=url.replace("http", "ws"), kind=VenueKind.BYBIT_MAINNET
            ),
            credentials=Credentials("k", "s"),
            clock=ServerClock(SystemClock()),
        )
        try:
            return look_at_disconnect(client, rules, is_fixing=is_fixing)
        finally:
            client.close()


def row(product: str = "DERIVATIVES", status: str = "OFF", window: str = "10") -> dict[str, str]:
    return {"product": product, "dcpStatus": status, "timeWindow": window}


@pytest.fixture
def off() -> Canned:
    return Canned(row("OPTIONS", "ON", "30"), row())


@pytest.mark.parametrize(
    "canned", [Canned(), Canned(row("OPTIONS", "ON", "30")), Canned(code=10005)]
)
def test_an_account_without_it_passes_and_says_what_protects_instead(canned: Canned) -> None:
    found = look(canned, WANTED, is_fixing=True)
    assert found.is_ok
    assert "this account has none" in found.what
    assert canned.set_to == []


def test_it_is_left_alone_where_no_window_was_chosen(off: Canned) -> None:
    found = look(off, LIVE, is_fixing=True)
    assert found.is_ok
    assert "not used" in found.what
    assert off.set_to == []


def test_without_fixing_a_wanted_window_that_is_not_set_is_refused_in_live(off: Canned) -> None:
    found = look(off, WANTED)
    assert found.stops_start
    assert "it is OFF with a window of 10 s, and 30 s were asked for" in found.what
    assert off.set_to == []


def test_fixing_names_derivatives_and_reads_it_back(off: Canned) -> None:
    found = look(off, WANTED, is_fixing=True)
    assert found.is_ok
    assert "30 s after the last connection" in found.what
    assert off.set_to == [{"product": "DERIVATIVES", "timeWindow": 30}]


def test_a_window_that_is_set_already_is_not_set_again() -> None:
    canned = Canned(row(status="ON", window="30"))
    assert look(canned, WANTED, is_fixing=True).is_ok
    assert canned.set_to == []


def test_a_venue_that_does_not_obey_is_found_out() -> None:
    canned = Canned(row(status="ON", window="10"), obeys=False)
    found = look(canned, WANTED, is_fixing=True)
    assert found.stops_start
    assert "a window of 10 s" in found.what
