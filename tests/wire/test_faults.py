"""The list of faults that a desk must survive: each has a case, and the venue can have each."""

from collections.abc import Mapping
from types import MappingProxyType

from tidegate.adapters.v5server.control import FAULTS, FaultName

from . import test_faults_requests, test_faults_streams, test_faults_venue

# Typed by hand from the list of faults that a stand-in for the venue has to be able to have.
LISTED: Mapping[str, str] = MappingProxyType(
    {
        "lost ack": "LOST_ACK",
        "ack after fill": "ACK_AFTER_FILL",
        "fill before ack": "FILL_BEFORE_ACK",
        "duplicate fill": "DUPLICATE_FILL",
        "double Filled": "DOUBLE_FILLED",
        "partial batch failure": "PARTIAL_BATCH",
        "10002": "CLOCK",
        "10006": "RATE_LIMIT",
        "10016": "SERVER_ERROR",
        "10019": "RESTARTING",
        "HTTP 403": "HTTP_403",
        "HTTP 429": "HTTP_429",
        "HTTP 502": "HTTP_502",
        "HTML body": "HTML_BODY",
        "slow body": "SLOW_BODY",
        "mid-body reset": "CUT_BODY",
        "stream closed": "WS_CLOSE",
        "stream aborted": "WS_ABORT",
        "stream silent": "WS_SILENCE",
        "auth refusal": "AUTH_REFUSAL",
        "gap in u": "BOOK_GAP",
        "snapshot with u=1": "BOOK_RESTART",
        "book reset": "BOOK_RESET",
        "position push with a stale seq": "STALE_POSITION",
        "wallet silence": "WALLET_SILENCE",
        "deactivated stop-loss": "DEACTIVATED_STOP",
        "coupled cancel of take-profit and stop-loss": "COUPLED_CANCEL",
        "liquidation fills": "LIQUIDATION",
        "auto-deleveraging fills": "DELEVERAGING",
        "funding rows": "FUNDING",
        "price-limit clamp": "PRICE_LIMIT_CLAMP",
        "delisting": "DELISTING",
    }
)

TRIED = [
    *test_faults_requests.CASES,
    *test_faults_streams.CASES,
    *test_faults_venue.CASES,
]


def test_the_venue_can_have_every_listed_fault() -> None:
    known = {name.name for name in FaultName}
    assert {text: name for text, name in LISTED.items() if name not in known} == {}


def test_every_listed_fault_is_tried_under_a_desk() -> None:
    tried = {name.name for name in TRIED}
    assert {text: name for text, name in LISTED.items() if name not in tried} == {}


def test_every_fault_that_the_venue_can_have_is_tried_once() -> None:
    assert sorted(TRIED, key=lambda name: name.name) == sorted(
        FaultName, key=lambda name: name.name
    )
    assert set(FAULTS) == set(FaultName)
