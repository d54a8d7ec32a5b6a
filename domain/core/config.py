"""How the core is set up. Every value has a default, a unit and a reason."""

from decimal import Decimal

import attrs
from tidegate.domain.day import DayBoundary
from tidegate.domain.mode import TradingMode, VenueKind
from tidegate.domain.money import Money, Rate
from tidegate.domain.protection import ManualChanges, NakedPositions
from tidegate.domain.risk.limits import RiskLimits

from .state import EXECUTIONS_REMEMBERED, FINISHED_KEPT, SIGNALS_REMEMBERED

__all__ = ["CoreConfig"]


@attrs.frozen(kw_only=True)
class CoreConfig:
    """Settings of the pure core. Times are milliseconds, rates are fractions."""

    mode: TradingMode
    venue: VenueKind
    limits: RiskLimits = attrs.field(factory=RiskLimits)
    day: DayBoundary = attrs.field(factory=DayBoundary)
    entry_slippage: Rate = attrs.field(factory=lambda: Rate(Decimal("0.0005")))
    """How far from the decision price a market entry is expected to fill at worst."""
    stop_slippage: Rate = attrs.field(factory=lambda: Rate(Decimal("0.001")))
    """How far beyond its trigger a stop is expected to fill at worst."""
    stop_verify_ms: int = 5_000
    """How long the venue may take to show the wanted stop before the position is closed."""
    panic_inventories_max: int = 100
    """How many answers in vain, a while apart, make a panic report what it could not close.
    A question without an answer is not one of them."""
    mass_cancel_wait_ms: int = 30_000
    """How long an operator's cancel of every order goes on before it reports what is left."""
    close_retry_ms: int = 1_000
    """How long to wait before a close that left a rest is sent again."""
    ask_again_ms: int = 1_000
    """How long to wait between two questions for an order of unknown outcome."""
    not_found_final_ms: int = 0
    """When "not found" is believed: receive window + clock lead + history lag of the venue."""
    send_within_ms: int = 0
    """How long after its intent another process may still send an order: "not found" is believed
    that much later. 0 where no other process writes to the journal."""
    report_lag_ms: int = 0
    """How far what another process wrote may be ahead of the reports that reach this one."""
    poll_down_ms: int | None = 2_000
    """How often the venue's activity is read while a stream is down; ``None`` for never."""
    poll_up_ms: int | None = None
    """How often it is read while streams are up or not used; ``None`` where none can be missed."""
    history_lag_ms: int = 0
    """How far the venue's history may lag behind its streams."""
    hold_back_ms: int = 10_000
    """How long a booking waits, after an outage, for older ones that the history was not seen to
    have yet."""
    reconcile_every_ms: int | None = None
    """How often everything is compared with the venue, whatever is held; ``None`` for never."""
    closed_profit_lag_ms: int = 60_000
    """How old a closing order must be before its record at the venue is missed."""
    closed_profit_tolerance: Money = attrs.field(factory=lambda: Money(Decimal("0.01")))
    """How far a closing order's profit may be from the venue's: rounding, in USDT."""
    streams_needed: bool = False
    """Whether entries need a healthy stream."""
    wallet_tolerance: Money = attrs.field(factory=lambda: Money(Decimal("0.1")))
    """How far the venue's wallet may be from the ledger's: rounding, in USDT."""
    wallet_moved: Money = attrs.field(factory=lambda: Money(Decimal(0)))
    """Deposits less withdrawals by hand since the journal was begun, in USDT."""
    manual_changes: ManualChanges = ManualChanges.SAFER
    """What to do when somebody changes a position of ours at the venue."""
    naked_positions: NakedPositions = NakedPositions.REPORT
    """What to do with a position without a stop."""
    finished_kept: int = FINISHED_KEPT
    """How many ended orders are remembered, so that a late execution finds its order."""
    signals_remembered: int = SIGNALS_REMEMBERED
    """How many of the last signals are known at least, so that none is taken twice."""
    executions_remembered: int = EXECUTIONS_REMEMBERED
    """How many of the last executions are known at least, so that none is booked twice."""
    naked_stop: Rate = attrs.field(factory=lambda: Rate(Decimal("0.05")))
    """How far from the mark price the stop of a foreign position is put, as a fraction of it."""

    @property
    def is_shared(self) -> bool:
        """Tell whether other processes write to the same journal."""
        return self.send_within_ms > 0
