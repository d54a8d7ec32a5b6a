"""The cache of specifications, clocks and keys."""

import itertools
import threading
import time
from collections.abc import Callable

import attrs
import pytest
from tidegate.application.clocks import RandomKeys, SeededKeys, SystemClock
from tidegate.application.specs import SpecCache, SpecTooOld, in_background
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


Refresh = Callable[[Callable[[], object]], object]


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


def cache(
    *, ttl_ms: int = 3_600_000, stale_ms: int = 3_600_000, refresh: Refresh | None = None
) -> tuple[SpecCache, Source, Watch]:
    source, watch = Source(), Watch()
    specs = SpecCache(source, watch, ttl_ms=ttl_ms, stale_ms=stale_ms, refresh=refresh)
    return specs, source, watch


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


def _all_at_once(specs: SpecCache, count: int = 32) -> list[Instrument]:
    """Let many threads ask at the same moment; return what each got."""
    together, found = threading.Barrier(count), list[Instrument]()

    def ask() -> None:
        together.wait(10)
        found.append(specs.get(BTC))

    for thread in in_threads(count, ask):
        thread.join(10)
    assert len(found) == count
    return found


def test_thirty_two_readers_late_in_its_life_are_served_at_once_and_refresh_it_once() -> None:
    """At three quarters nothing is asked for, one millisecond later once, by nobody who reads."""
    begun: list[Callable[[], object]] = []
    specs, source, watch = cache(ttl_ms=1_000, refresh=begun.append)
    specs.get(BTC)
    watch.time_ms = 750
    _all_at_once(specs)
    assert begun == []
    watch.time_ms = 751
    found = _all_at_once(specs)
    assert {spec.qty_min for spec in found} == {Qty.of(1)}
    assert (len(begun), source.fetches) == (1, 1)
    begun[0]()
    found = _all_at_once(specs)
    assert {spec.qty_min for spec in found} == {Qty.of(2)}
    assert (len(begun), source.fetches) == (1, 2)


def test_thirty_two_readers_after_its_life_fetch_once() -> None:
    """Whoever comes first fetches; those beside it get the old one, and all later the new one."""
    specs, source, watch = cache(ttl_ms=1_000)
    specs.get(BTC)
    watch.time_ms = 1_001
    found = _all_at_once(specs)
    assert {spec.qty_min for spec in found} <= {Qty.of(1), Qty.of(2)}
    assert source.fetches == 2
    assert {spec.qty_min for spec in _all_at_once(specs)} == {Qty.of(2)}
    assert source.fetches == 2


def test_in_the_background_the_refresh_comes_about_by_itself() -> None:
    specs, source, watch = cache(ttl_ms=1_000, refresh=in_background)
    specs.get(BTC)
    watch.time_ms = 900
    source.begun.clear()
    source.gate.clear()
    assert specs.get(BTC).qty_min == Qty.of(1)
    assert source.begun.wait(10)
    watch.time_ms = 5_000_000
    fetched: list[Instrument] = []
    (waiting,) = in_threads(1, lambda: fetched.append(specs.get(BTC)))
    source.gate.set()
    waiting.join(10)
    assert (source.fetches, [spec.qty_min for spec in fetched]) == (2, [Qty.of(2)])


@pytest.mark.parametrize("refresh", [None, lambda work: work()])
def test_a_refresh_that_fails_leaves_the_old_one_until_it_is_too_old(
    refresh: Refresh | None,
) -> None:
    """Asked again after 5 s at the earliest; beyond life and grace it is an error with its age."""
    specs, source, watch = cache(ttl_ms=100_000, stale_ms=50_000, refresh=refresh)
    specs.get(BTC)
    source.error = QueryFailed("HTTP status 502")
    watch.time_ms = 120_000
    assert specs.get(BTC).qty_min == Qty.of(1)
    assert source.fetches == 2
    watch.time_ms = 124_999
    assert specs.get(BTC).qty_min == Qty.of(1)
    assert source.fetches == 2
    watch.time_ms = 125_000
    assert specs.get(BTC).qty_min == Qty.of(1)
    assert source.fetches == 3
    watch.time_ms = 150_000
    assert specs.get(BTC).qty_min == Qty.of(1)
    watch.time_ms = 150_001
    with pytest.raises(SpecTooOld, match=r"150001 ms old, at most 150000 ms.*502") as told:
        specs.get(BTC)
    assert (told.value.age_ms, told.value.age_ms_max) == (150_001, 150_000)
    source.error = None
    assert specs.get(BTC).qty_min == Qty.of(6)


def test_what_was_never_known_is_no_old_specification() -> None:
    specs, source, _ = cache()
    source.error = QueryFailed("unknown symbol")
    with pytest.raises(QueryFailed, match="unknown symbol") as told:
        specs.get(BTC)
    assert not isinstance(told.value, SpecTooOld)


def test_a_bug_in_the_fetch_is_no_venue_trouble() -> None:
    """It reaches the caller as what it is, and nobody is left waiting."""

    def broken(symbol: Symbol) -> Instrument:
        raise ZeroDivisionError(symbol)

    specs = SpecCache(broken, Watch())
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            specs.get(BTC)


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
