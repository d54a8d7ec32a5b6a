"""Small words for the tests of the trade saga, on a desk with the memory venue."""

from decimal import Decimal
from typing import TypeVar

from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.adapters.memory.options import FillMode, MemoryOptions
from tidegate.domain.core import events as ev
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.core.state import LiveTrade, Order
from tidegate.domain.mode import TradingMode, VenueKind
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import ClientId, OrderKind, Role
from tidegate.domain.reports import OrderReport, Origin
from tidegate.domain.risk.limits import RiskLimits
from tidegate.domain.signal import Entry, RungSpec
from tidegate.ports.desk import Placed

from tests.application.bench import BTC, Bench, make_bench, signal
from tests.domain.samples import BTCUSDT, FEES

__all__ = [
    "LADDER",
    "config",
    "held",
    "limit",
    "only",
    "opened",
    "orders_of",
    "our_orders",
    "placed",
    "rungs",
    "scripted",
    "since",
    "stop_legs",
    "trade",
]

E = TypeVar("E")

LADDER = (RungSpec(Rate.of(1), Rate.of("0.3")), RungSpec(Rate.of(2), Rate.of("0.7")))
"""Of 0.010 coins: 0.003 at one R, 0.007 at two."""


def config(*, poll_down_ms: int | None = 2_000, **changes: int) -> CoreConfig:
    """Return the bench's settings with other times."""
    limits = RiskLimits(loss_cooldown_ms=0, market_age_ms_max=3_600_000)
    settings = CoreConfig(mode=TradingMode.PAPER, venue=VenueKind.MEMORY, limits=limits)
    return CoreConfig(
        mode=settings.mode,
        venue=settings.venue,
        limits=limits,
        poll_down_ms=poll_down_ms,
        stop_verify_ms=changes.get("stop_verify_ms", settings.stop_verify_ms),
        not_found_final_ms=changes.get("not_found_final_ms", settings.not_found_final_ms),
        panic_inventories_max=changes.get("panic_inventories_max", settings.panic_inventories_max),
    )


def scripted(settings: CoreConfig | None = None) -> Bench:
    """Return a desk whose venue fills nothing by itself."""
    venue = MemoryVenue(
        instruments={BTC: BTCUSDT},
        fees=FEES,
        wallet=Money.of("10000"),
        options=MemoryOptions(fill_mode=FillMode.SCRIPTED),
    )
    return make_bench(venue=venue, config=settings or config())


def limit(price: str) -> Entry:
    return Entry(kind=OrderKind.LIMIT, price=Price.of(price))


def opened(bench: Bench | None = None, *, ladder: tuple[RungSpec, ...] = LADDER) -> Bench:
    """Return a desk that holds 0.010 long from 65000, its stop at 64000 and its ladder placed."""
    bench = make_bench(config=config()) if bench is None else bench
    placed(bench, ladder=ladder)
    assert held(bench) == Qty(Decimal("0.010"))
    return bench


def placed(
    bench: Bench, name: str = "s1", *, entry: Entry | None = None, ladder: tuple[RungSpec, ...] = ()
) -> ClientId:
    """Execute a signal that must be placed; returns the entry's id."""
    outcome = bench.desk.execute(signal(name, entry=entry, ladder=ladder))
    assert isinstance(outcome, Placed), outcome
    return outcome.client_id


def held(bench: Bench) -> Qty:
    """Return what is held, on which books and venue must agree."""
    ours = bench.runner.state.books.position(BTC).qty
    theirs = bench.venue.position(BTC).qty
    assert ours == theirs, f"the books hold {ours}, the venue {theirs}"
    return ours


def trade(bench: Bench) -> LiveTrade:
    return bench.runner.state.books.trades[BTC]


def since(bench: Bench, start: int) -> list[ev.Event]:
    return bench.events()[start:]


def only(bench: Bench, kind: type[E]) -> list[E]:
    """Return the journaled events of one kind, in order."""
    return [event for event in bench.events() if isinstance(event, kind)]


def orders_of(bench: Bench, role: Role) -> list[Order]:
    """Return our unfinished orders of a role."""
    return [order for order in bench.runner.state.books.orders.values() if order.role is role]


def our_orders(bench: Bench) -> list[OrderReport]:
    """Return the open orders at the venue that carry a client id."""
    return [order for order in bench.venue.open_orders() if order.client_id is not None]


def stop_legs(bench: Bench) -> list[OrderReport]:
    """Return the venue's own live stops."""
    return [order for order in bench.venue.open_orders() if order.origin is Origin.STOP_LOSS]


def rungs(bench: Bench) -> list[tuple[str, str]]:
    """Return price and open quantity of the reduce-only limits at the venue, lowest first."""
    return sorted(
        (f"{order.price.value:.1f}", f"{(order.qty - order.qty_filled).value:.3f}")
        for order in our_orders(bench)
        if order.reduce_only and order.price is not None
    )
