"""The cache of specifications, clocks and keys."""

import itertools
import threading
import time
from collections.abc import Callable

import attrs
import pytest
from tidegate.application.clocks import RandomKeys, SeededKeys, SystemClock
from tidegate.application.specs import SpecCache
from tidegate.domain.core.ids import KEY_LENGTH, client_id, is_named, key_of
from tidegate.domain.instrument import Instrument
from tidegate.domain.money import Qty
from tidegate.domain.orders import Purpose, Role, Symbol
from tidegate.ports.clock import ClockPort
from tidegate.ports.exchange import QueryFailed

from tests.application.bench import BTC
from tests.domain.samples import BTCUSDT


class Watch(ClockPort):
    def __init__(self) -> None:
        self.time_ms = 0

    def now_ms(self) -> int:
        return self.time_ms


class Source:
    """Counts fetches; waits for ``gate`` and fails when told to."""

    def __init__(self) -> None:
        self.fetches = 0
        self.gate = threading.Event()
        self.gate.set()
        self.begun = threading.Event()
        self.error: QueryFailed | None = None

    def __call__(self, symbol: Symbol) -> Instrument:
        self.fetches += 1
        self.begun.set()
        assert self.gate.wait(10)
        if self.error is not None:
            raise self.error
        return attrs.evolve(BTCUSDT, symbol=symbol, qty_min=Qty.of(self.fetches))


def cache(**times: int) -> tuple[SpecCache, Source, Watch]:
    source, watch = Source(), Watch()
    return SpecCache(source, watch, **times), source, watch


def in_threads(count: int, act: Callable[[], None]) -> list[threading.Thread]:
    threads = [threading.Thread(target=act) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads


def test_thirty_two_threads_share_one_fetch() -> None:
    specs, source, _ = cache()
    source.gate.clear()
    found: list[Instrument] = []
    threads = in_threads(32, lambda: found.append(specs.get(BTC)))
    assert source.begun.wait(10)
    source.gate.set()
    for thread in threads:
        thread.join(10)
    assert (source.fetches, len(found), len(set(map(id, found)))) == (1, 32, 1)


def test_a_specification_lives_exactly_as_long_as_it_may() -> None:
    specs, source, watch = cache(ttl_ms=1_000)
    specs.get(BTC)
    watch.time_ms = 1_000
    specs.get(BTC)
    assert source.fetches == 1
    watch.time_ms = 1_001
    assert specs.get(BTC).qty_min == Qty.of(2)


def test_while_one_refreshes_the_others_get_the_old_one_unless_it_is_too_old() -> None:
    specs, source, watch = cache(ttl_ms=1_000, stale_ms=500)
    specs.get(BTC)
    watch.time_ms = 1_500
    source.gate.clear()
    source.begun.clear()
    refreshed: list[Instrument] = []
    (refresher,) = in_threads(1, lambda: refreshed.append(specs.get(BTC)))
    assert source.begun.wait(10)
    assert specs.get(BTC).qty_min == Qty.of(1)
    source.gate.set()
    refresher.join(10)
    assert specs.get(BTC).qty_min == Qty.of(2)


def test_an_error_reaches_everyone_who_waits_and_is_not_kept() -> None:
    specs, source, _ = cache()
    source.gate.clear()
    source.error = QueryFailed("unknown symbol")
    errors: list[str] = []

    def ask() -> None:
        try:
            specs.get(BTC)
        except QueryFailed as error:
            errors.append(str(error))

    threads = in_threads(8, ask)
    assert source.begun.wait(10)
    source.gate.set()
    for thread in threads:
        thread.join(10)
    assert errors == ["unknown symbol"] * 8
    source.error = None
    assert specs.get(BTC).symbol == BTC


@pytest.mark.parametrize(("ttl_ms", "stale_ms"), [(0, 0), (-1, 0), (1, -1)])
def test_a_cache_without_a_life_is_refused(ttl_ms: int, stale_ms: int) -> None:
    with pytest.raises(ValueError, match="must be above zero"):
        cache(ttl_ms=ttl_ms, stale_ms=stale_ms)


def test_the_system_clock_never_goes_back() -> None:
    clock = SystemClock()
    times = [clock.now_ms() for _ in range(100)]
    assert times == sorted(times)


class Machine:
    """A machine's two clocks: one that can be set, one that cannot."""

    def __init__(self) -> None:
        self.wall_ns = 1_800_000_000_000_000_000
        self.passed_ns = 77

    def clock(self) -> SystemClock:
        return SystemClock(wall_ns=lambda: self.wall_ns, passing_ns=lambda: self.passed_ns)

    def let_pass(self, ms: int) -> None:
        self.wall_ns += ms * 1_000_000
        self.passed_ns += ms * 1_000_000

    def set_by(self, ms: int) -> None:
        self.wall_ns += ms * 1_000_000


@pytest.mark.parametrize("step_ms", [-3_600_000, -60_000, -500, 0, 500, 9_000, 3_600_000])
def test_a_deadline_is_as_far_off_as_it_was_when_the_machines_clock_is_set(step_ms: int) -> None:
    machine = Machine()
    clock = machine.clock()
    start_ms = clock.now_ms()
    machine.set_by(step_ms)
    machine.let_pass(5_000)
    assert abs(clock.now_ms() - start_ms - 5_000) <= 5


@pytest.mark.parametrize("step_ms", [-800, 800])
def test_the_system_clock_makes_a_difference_up_slowly_and_then_holds(step_ms: int) -> None:
    machine = Machine()
    clock = machine.clock()
    machine.set_by(step_ms)
    seen = [clock.now_ms()]
    for _ in range(1_000):
        machine.let_pass(1_000)
        seen.append(clock.now_ms())
    assert {after - before for before, after in itertools.pairwise(seen)} <= {999, 1_000, 1_001}
    assert seen[-1] == machine.wall_ns // 1_000_000


def test_the_system_clock_tells_the_machines_time() -> None:
    assert abs(SystemClock().now_ms() - time.time_ns() // 1_000_000) < 1_000


def test_the_system_clock_moves_with_what_passes_however_the_system_counts_it() -> None:
    clock = SystemClock(passing_ns=time.monotonic_ns)
    before_ms, since = clock.now_ms(), time.monotonic_ns()
    while time.monotonic_ns() - since < 5_000_000:
        pass
    assert clock.now_ms() - before_ms >= 4


def test_seeded_keys_follow_from_seed_and_cause_alone() -> None:
    assert SeededKeys(1).key("a") == SeededKeys(1).key("a")
    assert len({SeededKeys(s).key(c) for s in range(20) for c in "abc"}) == 60


def test_random_keys_differ_and_name_valid_orders() -> None:
    keys = {RandomKeys().key("same") for _ in range(1_000)}
    assert len(keys) == 1_000
    for key in list(keys)[:20]:
        assert len(key) == KEY_LENGTH
        name = client_id(key, Purpose(Role.TAKE_PROFIT, 12), 99_999, tag=key[:4])
        assert len(name) <= 36
        assert is_named(name)
        assert key_of(name) == key
