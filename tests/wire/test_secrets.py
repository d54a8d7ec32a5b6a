"""A whole session at the most verbose logging: neither key nor secret shows anywhere.

The venue's own texts repeat the key: the text that was signed contains it.
"""

import logging
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from tidegate.adapters.v5server.control import FaultName
from tidegate.adapters.v5server.faults import Target
from tidegate.adapters.v5server.ws_session import StreamKind
from tidegate.application.bybit_container import bybit_application
from tidegate.application.settings_bybit import OrderEntry
from tidegate.ports.exchange import QueryFailed
from tidegate.ports.preflight import PreflightFailed

from .desk_bench import BTC, DeskBench, until

KEY, SECRET = "Kq7wExampleKey0Zx", "Sv9tExampleSecretUvW3bNpQ5rYcDfGhJkLm"
ECHO = f"error sign! origin_string[1700000000000{KEY}5000category=linear]"

# One code of each class that the venue's list of codes tells apart, and one that is not listed.
CODES = (10016, 10019, 429, 10006, 10004, 10001, 110007, 110013, 110017, 110074, 999999)
STATUSES = (401, 404, 429, 500, 502)


class _Everything(logging.Handler):
    """Keeps every record as text, with its traceback."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.setFormatter(logging.Formatter("%(name)s %(message)s %(exc_info)s"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{self.format(record)} {record.args!r}")


@pytest.fixture
def logged() -> Iterator[list[str]]:
    handler, root = _Everything(), logging.getLogger()
    names = [name for name in logging.root.manager.loggerDict if "tidegate" in name]
    names += ["tidegate", "pybit", "picows", "urllib3", "requests", "asyncio"]
    before = {name: logging.getLogger(name).level for name in ("", *names)}
    for name in before:
        logging.getLogger(name).setLevel(logging.NOTSET + 1)
    root.addHandler(handler)
    yield handler.lines
    root.removeHandler(handler)
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


def _shown(texts: list[str]) -> list[str]:
    """Return the texts with a telling part of either."""
    return [text[:300] for text in texts if KEY[:9] in text or SECRET[:9] in text]


def _provoke(bench: DeskBench, *, whole: bool) -> list[str]:
    """Meet every kind of error with a venue that repeats the key; return what was told."""
    told = []
    for code in CODES if whole else CODES[::4]:
        bench.control.refuse_next(code, ECHO, Target.ORDERS)
        told.append(repr(bench.open(f"code {code}", timeout_ms=5_000)))
        bench.control.clear_faults()
        bench.close()
    for status in STATUSES if whole else STATUSES[::4]:
        bench.control.answer_http_next(status, "x" * 150 + ECHO, Target.ORDERS)
        told.append(repr(bench.open(f"status {status}", timeout_ms=5_000)))
        bench.close()
    return told


def _ask(bench: DeskBench) -> list[str]:
    """Meet a refused query; return the traceback."""
    told = []
    for code in (10003, 10004, 999999):
        bench.control.refuse_next(code, ECHO, "/v5/order/realtime")
        try:
            bench.venue.open_orders(BTC)
        except QueryFailed:
            told.append(traceback.format_exc())
    bench.control.clear_faults()
    bench.control.answer_http_next(401, ECHO, "/v5/order/realtime")
    with pytest.raises(QueryFailed) as caught:
        bench.venue.open_orders(BTC)
    told += traceback.format_exception(caught.value)
    assert len(told) >= 4
    return told


def _disturb(bench: DeskBench) -> None:
    """Let every stream fail in every way."""
    bench.control.refuse_auth()
    bench.control.close_streams(StreamKind.PRIVATE)
    for fault in (FaultName.WS_ABORT, FaultName.WS_SILENCE):
        until(lambda: bench.control.connections(StreamKind.PRIVATE) == 1, "it is up")
        bench.control.inject(fault)
        until(lambda: bench.engine.state.view.stream_down_since_ms is not None, "it is down")
        bench.wait_up()


def _reprs(bench: DeskBench) -> list[str]:
    venue = bench.venue
    sessions = list(vars(venue.rest)["_sessions"].values())
    senders = [vars(session)["_sender"] for session in sessions]
    parts = [bench.parts.credentials(), bench.parts.hosts(), bench.settings, bench.application]
    return [repr(one) for one in (venue, venue.rest, venue.streams, *sessions, *senders, *parts)]


@pytest.mark.parametrize(
    "entry",
    [OrderEntry.STREAM, pytest.param(OrderEntry.REST, marks=pytest.mark.sweep)],
    ids=lambda entry: entry.value,
)
def test_neither_key_nor_secret_shows_in_a_session_of_errors(
    entry: OrderEntry,
    tmp_path: Path,
    logged: list[str],
    capfd: pytest.CaptureFixture[str],
    *,
    whole: bool,
) -> None:
    with DeskBench(tmp_path, key=KEY, secret=SECRET, order_entry=entry, pong_wait_ms=500) as bench:
        bench.placed("first")
        bench.close()
        told = _provoke(bench, whole=whole) + _ask(bench) + _reprs(bench)
        _disturb(bench)
        told += [repr(event) for event in bench.events]
        bench.lives()
        _is_only_where_it_must_be(bench)
    files = [path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()]
    assert files, "the journal is there"
    output = capfd.readouterr()
    assert any("tidegate" in line for line in logged), "something was logged"
    for texts in (told, logged, files, [output.out, output.err]):
        assert _shown(texts) == []


def _is_only_where_it_must_be(bench: DeskBench) -> None:
    """On the wire the key is in the header of signed requests and in the streams' greeting."""
    for request in bench.tap.requests():
        assert request.head.decode().count(KEY) == request.head.decode().count(f"KEY: {KEY}")
        assert KEY not in request.body.decode()
    for path in ("/v5/private", "/v5/trade", "/v5/public/linear"):
        for push in bench.tap.sent(path):
            assert KEY not in push.text.decode() or push.json["op"] == "auth"
            assert SECRET not in push.text.decode()
    assert not [raw for raw in bench.tap.raw_sent if SECRET.encode() in raw]


def test_a_start_with_a_wrong_secret_tells_neither(
    tmp_path: Path, logged: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    with DeskBench(tmp_path / "a", key=KEY, secret=SECRET) as bench:
        wrong = {**bench.env, "TIDEGATE_BYBIT_SECRET": SECRET[::-1]}
        application = bybit_application(bench.settings, wrong)
        with pytest.raises(PreflightFailed) as caught:
            application.start()
    told = [*traceback.format_exception(caught.value), repr(caught.value.findings)]
    output = capfd.readouterr()
    everything = [*told, *logged, output.out, output.err]
    assert _shown(everything) == []
    assert SECRET[::-1] not in "".join(everything)
