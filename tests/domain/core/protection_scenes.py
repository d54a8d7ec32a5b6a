"""Held positions with managed stops, and small words about what protects them."""

from typing import Any

import attrs
from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.adapters.memory.options import MemoryOptions
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.management import BreakEven, Management, TrailingStop
from tidegate.domain.money import Distance, Money, Price, Qty, Rate
from tidegate.domain.orders import Side
from tidegate.domain.reports import Origin
from tidegate.domain.signal import RungSpec, StopAtPrice
from tidegate.ports.account import PositionStop
from tidegate.ports.desk import Placed
from tidegate.ports.outcomes import Done

from tests.application.bench import BTC, Bench, make_bench, signal
from tests.domain.samples import BTCUSDT, FEES

from .scenes import LADDER, config

__all__ = [
    "EVEN",
    "by_hand",
    "managed",
    "policy",
    "shown_stop",
    "shown_trail",
    "trail_from",
]

EVEN = Management(break_even=BreakEven())


def policy(**changes: Any) -> CoreConfig:
    """Return the scenes' settings with other policies."""
    return attrs.evolve(config(), **changes)


def managed(
    management: Management,
    *,
    side: Side = Side.BUY,
    ladder: tuple[RungSpec, ...] = LADDER,
    settings: CoreConfig | None = None,
) -> Bench:
    """Return a desk that holds 0.010 from 65000, its stop 1000 away, under ``management``."""
    venue = MemoryVenue(
        instruments={BTC: BTCUSDT},
        fees=FEES,
        wallet=Money.of("10000"),
        options=MemoryOptions(),
    )
    bench = make_bench(venue=venue, config=settings or config())
    stop = StopAtPrice(Price.of("64000" if side is Side.BUY else "66000"))
    outcome = bench.desk.execute(
        signal("s1", side=side, stop=stop, ladder=ladder, management=management)
    )
    assert isinstance(outcome, Placed), outcome
    assert bench.venue.position(BTC).qty == Qty.of("0.010").times(side.sign)
    return bench


def trail_from(**activation: Any) -> Management:
    """Return a trailing stop of 300 that begins as named."""
    return Management(trailing=TrailingStop(distance=Distance.of("300"), **activation))


def shown_stop(bench: Bench) -> Price | None:
    return bench.venue.position(BTC).stop_loss


def shown_trail(bench: Bench) -> Distance | None:
    return bench.venue.position(BTC).trailing_distance


def by_hand(bench: Bench, **legs: Any) -> None:
    """Change the protection at the venue, as somebody in the app would, and let the desk see it."""
    outcome = bench.venue.set_position_stop(PositionStop(symbol=BTC, **legs))
    assert isinstance(outcome, Done), outcome
    bench.runner.drain()


def trigger_of_trail(bench: Bench) -> Price | None:
    """Return where the venue's own trailing order stands."""
    found = [o for o in bench.venue.open_orders() if o.origin is Origin.TRAILING_STOP]
    return found[0].trigger.price if found and found[0].trigger else None


ONE = Rate.of(1)
