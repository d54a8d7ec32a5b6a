"""Everything at once, as fast as it goes: the venue never has to say that it is too much.

``python -m tests.wire.test_load --seconds 60`` goes on for longer than the tests do. The last test
is about the other side of load: prices that are too old are not traded on.
"""

import argparse
import itertools
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import attrs
import pytest
from tidegate.adapters.bybit.credentials import Credentials
from tidegate.adapters.bybit.hosts import Hosts
from tidegate.adapters.bybit.venue import BybitConfig, BybitVenue
from tidegate.adapters.v5server.control import Control
from tidegate.adapters.v5server.levels import LimitLevel
from tidegate.adapters.v5server.ws_session import StreamKind
from tidegate.application.clocks import SystemClock
from tidegate.domain.core.ids import client_id
from tidegate.domain.mode import VenueKind
from tidegate.domain.money import Price, Qty, Rate
from tidegate.domain.orders import (
    ClientId,
    OrderKind,
    OrderRequest,
    Purpose,
    Reduction,
    Role,
    Side,
)
from tidegate.domain.reports import RejectReason
from tidegate.domain.risk.verdict import Rule
from tidegate.ports.desk import Placed, Refused
from tidegate.ports.exchange import QueryFailed, Rejected

from tests.adapters.v5server.bench import KEY, SECRET, Bench, account_spec

from .desk_bench import BTC, LIMITS, START, DeskBench, until
from .tap import Answer, Tap

__all__ = ["load"]

SECONDS = 6
_ADDRESS_MAX = 600
"""Requests of one address in five seconds, after which the venue shuts it out (Bybit V5)."""

_TOO_MANY = 10006
_THREADS_EACH = 3


class Pressure:
    """Threads that each make one kind of request without pause."""

    def __init__(self, venue: BybitVenue) -> None:
        self._venue = venue
        self._numbers = itertools.count(1)
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._one_setting = threading.Lock()
        self._leverage_next = 2
        self.outcomes: Counter[str] = Counter()

    @property
    def kinds(self) -> Mapping[str, Callable[[], object]]:
        venue = self._venue
        return {
            "order": self._order,
            "open orders": lambda: venue.open_orders(BTC),
            "position": lambda: venue.position(BTC),
            "account": venue.account,
            "fee rates": lambda: venue.fee_rates(BTC),
            "leverage": self._leverage,
            "ticker": lambda: venue.ticker(BTC),
            "find": lambda: venue.find_order(BTC, ClientId("no-such-order")),
        }

    def _order(self) -> object:
        """Rest an order that only reduces, and take it away."""
        number = next(self._numbers)
        request = OrderRequest(
            client_id=client_id(f"ld{number:014d}", Purpose(Role.CLOSE), 0),
            symbol=BTC,
            side=Side.SELL,
            qty=Qty.of("0.001"),
            kind=OrderKind.LIMIT,
            purpose=Purpose(Role.CLOSE),
            price=Price.of("70000"),
            reduce_only=True,
        )
        placed = self._venue.place(Reduction(request))
        if isinstance(placed, Rejected):
            return placed
        return self._venue.cancel(BTC, request.client_id)

    def _leverage(self) -> object:
        """Set another leverage than the present one, one thread at a time."""
        with self._one_setting:
            self._leverage_next = 5 - self._leverage_next
            return self._venue.set_leverage(BTC, Rate.of(self._leverage_next))

    def run(self, seconds: float) -> None:
        workers = [
            threading.Thread(target=self._work, args=(name, act), daemon=True)
            for name, act in self.kinds.items()
            for _ in range(_THREADS_EACH)
        ]
        for worker in workers:
            worker.start()
        self._over.wait(seconds)
        self._over.set()
        for worker in workers:
            worker.join(30)
            assert not worker.is_alive(), "a request never came back"

    def _work(self, name: str, act: Callable[[], object]) -> None:
        while not self._over.is_set():
            try:
                outcome = act()
            except QueryFailed as error:
                kind = "waited too long" if "leaves no room" in str(error) else repr(error)
            else:
                kind = self._kind_of(outcome)
            with self._lock:
                self.outcomes[f"{name}: {kind}"] += 1

    def _kind_of(self, outcome: object) -> str:
        if not isinstance(outcome, Rejected):
            return "done"
        if outcome.code is None and outcome.reason is RejectReason.RATE_LIMITED:
            return "waited too long"
        return f"{outcome.code} {outcome.message}"


@contextmanager
def _connected(level: LimitLevel) -> Iterator[tuple[BybitVenue, Tap]]:
    spec = attrs.evolve(account_spec(), level=level)
    with (
        Bench([spec], peer_requests_max=_ADDRESS_MAX) as bench,
        Tap(bench.server.rest_url) as tap,
    ):
        Control(bench.server.call).price(BTC, START)
        made = bench.client().post(
            "/v5/order/create",
            category="linear",
            symbol=BTC,
            side="Buy",
            orderType="Market",
            qty="1",
        )
        assert made.code == 0, made.text
        # No adapter can know of what another program sent within the last second.
        bench.advance(2_000)
        hosts = Hosts.loopback(
            rest_url=tap.rest_url, ws_url=tap.ws_url, kind=VenueKind.BYBIT_TESTNET
        )
        venue = BybitVenue(
            hosts=hosts,
            credentials=Credentials(KEY, SECRET),
            clock=SystemClock(),
            symbols=[BTC],
            config=BybitConfig(),
        )
        try:
            venue.connect(lambda _: None)
            yield venue, tap
        finally:
            venue.close()


def load(seconds: float, level: LimitLevel) -> Counter[str]:
    """Press for so long, and return what came of it; AssertionError when it was too much."""
    with _connected(level) as (venue, tap):
        pressure = Pressure(venue)
        pressure.run(seconds)
        answers = tap.answers()
    unusual = [answer for answer in answers if answer.status not in (101, 200)]
    assert [(one.request.target, one.status, one.body) for one in unusual] == []
    refused = [answer.request.target for answer in answers if _code(answer) == _TOO_MANY]
    assert refused == [], f"{len(refused)} of {len(answers)} answers were 10006"
    _is_full(answers, seconds, level)
    return pressure.outcomes


def _code(answer: Answer) -> object:
    body = answer.json
    return None if body is None else body.get("retCode")


def _is_full(answers: list[Answer], seconds: float, level: LimitLevel) -> None:
    """The limits were really met: a request was sent for most of what was allowed."""
    sent = sum(answer.request.path == "/v5/order/create" for answer in answers)
    assert sent >= 0.5 * seconds * level.value, f"only {sent} orders in {seconds} s"
    left = [answer.headers.get("x-bapi-limit-status") for answer in answers]
    assert "0" in left or level is not LimitLevel.DEFAULT, "no limit was used up"


@pytest.mark.parametrize(
    "level",
    [LimitLevel.DEFAULT, pytest.param(LimitLevel.VIP1, marks=pytest.mark.sweep)],
    ids=lambda it: it.name,
)
def test_a_full_load_never_meets_the_venues_limits(level: LimitLevel) -> None:
    outcomes = load(SECONDS, level)
    unexpected = {name for name in outcomes if not name.endswith((": done", ": waited too long"))}
    assert unexpected == set()


def test_a_desk_does_not_trade_on_stale_prices(tmp_path: Path) -> None:
    """No stream tells prices, and the question for them fails as well."""
    limits = attrs.evolve(LIMITS, market_age_ms_max=300)
    with DeskBench(tmp_path, limits=limits) as bench:
        bench.control.disconnect(StreamKind.PUBLIC)
        until(lambda: bench.engine.state.view.stream_down_since_ms is not None, "no prices come")
        bench.control.answer_http_next(502, "", "/v5/market/tickers", count=1_000)
        seen_ms = bench.engine.state.view.tickers[BTC].time_ms
        until(lambda: bench.engine.clock.now_ms() > seen_ms + 300, "the price is old")
        outcome = bench.desk.execute(bench.signal("stale"))
        assert isinstance(outcome, Refused), outcome
        assert [breach.rule for breach in outcome.breaches] == [Rule.MARKET_FRESH]
        assert bench.tap.requests("/v5/order/create") == []
        bench.control.clear_faults()
        bench.control.reconnect(StreamKind.PUBLIC)
        bench.wait_up()
        assert isinstance(bench.open("fresh"), Placed)
        bench.close()


def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    asked = parser.parse_args()
    for level in (LimitLevel.DEFAULT, LimitLevel.VIP1):
        started_s = time.monotonic()
        outcomes = load(asked.seconds, level)
        took_s = time.monotonic() - started_s
        sys.stdout.write(f"{level.name}, {took_s:.0f} s: no 10006\n")
        sys.stdout.writelines(f"  {name}: {count}\n" for name, count in sorted(outcomes.items()))
    return 0


if __name__ == "__main__":
    sys.exit(_main())
