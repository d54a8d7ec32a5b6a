"""A held row that nobody understands stops entries, and panic does not call the account flat."""

from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.application.recovery import reconcile
from tidegate.domain.core.comparing import unreadable_findings
from tidegate.domain.core.effects import TakeInventory
from tidegate.domain.money import Money
from tidegate.domain.reports import UnreadableReport
from tidegate.ports.exchange import Holdings

from tests.application.bench import BTC, make_bench
from tests.domain.core.scenes import config
from tests.domain.samples import BTCUSDT, FEES

ROW = UnreadableReport(source="positions", text="ETHUSDT: positionIdx is 1", time_ms=1)


class PartlyReadable(MemoryVenue):
    """A venue that holds a position which this desk cannot read."""

    def holdings(self) -> Holdings:
        return Holdings(positions=self.positions(), orders=self.open_orders(), unreadable=(ROW,))


def _venue() -> MemoryVenue:
    return PartlyReadable(instruments={BTC: BTCUSDT}, fees=FEES, wallet=Money.of("10000"))


def test_panic_names_what_it_could_not_read_and_is_not_done_with_it() -> None:
    bench = make_bench(venue=_venue(), config=config(panic_inventories_max=2))
    assert bench.desk.panic("drill") == ("panic still runs",)
    for _ in range(5):
        bench.pass_time(1_000)
    remaining = bench.runner.state.books.panic_remaining
    assert remaining == ("unreadable: positions ETHUSDT: positionIdx is 1",)


def test_an_inventory_with_such_a_row_stops_entries_until_it_is_compared() -> None:
    bench = make_bench(venue=_venue(), config=config())
    bench.runner.run_effects((TakeInventory(),))
    assert unreadable_findings(bench.runner.state.books) == {"unreadable:positions"}


def test_a_start_is_not_clear_while_such_a_row_is_held() -> None:
    bench = make_bench(venue=_venue(), config=config())
    reconcile(bench.runner)
    assert unreadable_findings(bench.runner.state.books) == {"unreadable:positions"}
