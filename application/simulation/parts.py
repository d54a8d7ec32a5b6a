"""The parts of a simulated world: its venue, its disk, and how its desk is set up."""

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import attrs
from tidegate.adapters.catalogue import BTCUSDT, NON_VIP_FEES
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.mode import TradingMode, VenueKind
from tidegate.domain.money import Money, Price, Rate
from tidegate.domain.orders import Symbol
from tidegate.domain.risk.limits import RiskLimits

from .disk import Disk, FileDisk, MemoryDisk
from .network import FINAL_MS, HISTORY_LAG_MS, Network
from .plan import Plan, Store
from .script import OPENING_PRICE
from .timeline import Timeline
from .venue import SimulatedVenue

__all__ = ["EXPOSURE_MAX", "config_of", "make_disk", "make_venue", "symbols_of"]

EXPOSURE_MAX = Rate.of("0.9")
WALLET = Money.of("100000")


def symbols_of(plan: Plan) -> tuple[Symbol, ...]:
    """Return what is traded: one symbol or two."""
    return (Symbol("BTCUSDT"), Symbol("XBTUSDT"))[: plan.symbols]


def make_venue(symbols: Sequence[Symbol], timeline: Timeline, network: Network) -> SimulatedVenue:
    """Return a venue with an account and prices."""
    venue = SimulatedVenue(
        instruments={name: attrs.evolve(BTCUSDT, symbol=name) for name in symbols},
        fees=NON_VIP_FEES,
        wallet=WALLET,
        timeline=timeline,
        network=network,
    )
    for name in symbols:
        venue.script.move(name, last=Price.of(OPENING_PRICE))
    return venue


def make_disk(plan: Plan, undo: ExitStack) -> Disk:
    """Return the disk of a plan; ``undo`` releases it."""
    if plan.store is Store.MEMORY:
        return MemoryDisk()
    folder = undo.enter_context(tempfile.TemporaryDirectory(prefix="tidegate-simulation-"))
    disk = FileDisk(Path(folder))
    undo.callback(disk.close)
    return disk


def config_of(plan: Plan) -> CoreConfig:
    """Return the settings of the desk: limits that bind now and then, and short times."""
    return CoreConfig(
        mode=TradingMode.PAPER,
        venue=VenueKind.MEMORY,
        limits=RiskLimits(
            exposure_max=EXPOSURE_MAX,
            loss_cooldown_ms=1_000,
            stops_in_window_max=10,
            symbol_losses_in_row_max=10,
            day_loss_max=Rate.of("0.5"),
            drawdown_max=Rate.of("0.5"),
            market_age_ms_max=60_000,
            stream_grace_ms=2_000,
        ),
        not_found_final_ms=FINAL_MS,
        history_lag_ms=HISTORY_LAG_MS,
        hold_back_ms=5_000,
        poll_down_ms=1_000,
        poll_up_ms=2_500,
        streams_needed=plan.streams_needed,
    )
