"""Settings: every choice that a user can make, with its default and unit.

They come from a TOML file and from the environment; see :mod:`.settings_loading`. Secrets are not
among them. The fields' own docstrings are the reference page, so that the two cannot differ.
"""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType

import attrs
import platformdirs
from tidegate.adapters.paper.config import PaperConfig
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.costs import Costs
from tidegate.domain.day import DayBoundary
from tidegate.domain.instrument import FeeRates
from tidegate.domain.mode import TradingMode, VenueKind
from tidegate.domain.money import ZERO_MONEY, Money, Rate
from tidegate.domain.orders import Symbol
from tidegate.domain.protection import ManualChanges, NakedPositions
from tidegate.domain.risk.limits import RiskLimits

from .bounds import DeskBounds
from .settings_bybit import BybitSettings
from .settings_state import StateSettings

__all__ = [
    "LIVE_ACKNOWLEDGEMENT",
    "CapacitySettings",
    "CostSettings",
    "ProtectionSettings",
    "Settings",
    "StrategySettings",
    "TimingSettings",
    "default_config_path",
    "default_state_folder",
    "journal_in",
    "venue_store_in",
]

LIVE_ACKNOWLEDGEMENT = "REAL MONEY"
_APP = "tidegate"
_BAR_MINUTES = (1, 3, 5, 15, 30, 60, 120, 240, 360, 720, 1_440, 10_080)
"""The bar lengths of Bybit V5 market/kline; months have no fixed length."""
_BOUNDS = DeskBounds()
_SHAREABLE = (TradingMode.DEMO, TradingMode.TESTNET, TradingMode.LIVE)
_CORE = CoreConfig(mode=TradingMode.PAPER, venue=VenueKind.PAPER)


def default_config_path() -> Path:
    """Return where the settings file is looked for when none is named."""
    return platformdirs.user_config_path(_APP) / "tidegate.toml"


def default_state_folder(mode: TradingMode) -> Path:
    """Return the folder that holds journal and venue store when none is named.

    Each mode has one of its own: a journal belongs to one venue.
    """
    return platformdirs.user_state_path(_APP) / mode.value


def journal_in(folder: Path) -> Path:
    """Return the journal's path in a state folder."""
    return folder / "journal.sqlite"


def venue_store_in(folder: Path) -> Path:
    """Return the path of the paper venue's store in a state folder."""
    return folder / "venue.sqlite"


@attrs.frozen(kw_only=True)
class CostSettings:
    """What a trade is expected to cost. Sizes and reward-to-risk allow for it; see the ticket."""

    taker_fee: Rate = attrs.field(factory=lambda: Rate(Decimal("0.00055")))
    """Fee of an execution that takes liquidity, as a fraction of its value (Bybit, no VIP level).

    The paper venue charges it; live trading asks the venue."""
    maker_fee: Rate = attrs.field(factory=lambda: Rate(Decimal("0.0002")))
    """Fee of an execution that adds liquidity; negative for a rebate."""
    entry_slippage: Rate = _CORE.entry_slippage
    """How far from the decision price a market entry is expected to fill at worst."""
    stop_slippage: Rate = _CORE.stop_slippage
    """How far beyond its trigger a stop is expected to fill at worst."""

    @property
    def fees(self) -> FeeRates:
        """Return the two fees as the venue states them."""
        return FeeRates(taker=self.taker_fee, maker=self.maker_fee)

    @property
    def costs(self) -> Costs:
        """Return what a plan is made with."""
        return Costs(
            fees=self.fees, entry_slippage=self.entry_slippage, stop_slippage=self.stop_slippage
        )


@attrs.frozen(kw_only=True)
class TimingSettings:
    """How long the desk waits, in milliseconds."""

    stop_verify_ms: int = _CORE.stop_verify_ms
    """How long the venue may take to show the wanted stop before the position is closed."""
    close_retry_ms: int = _CORE.close_retry_ms
    """How long to wait before a close that left a rest is sent again."""
    mass_cancel_wait_ms: int = _CORE.mass_cancel_wait_ms
    """How long an operator's cancel of every order goes on before it reports what is left."""
    panic_inventories_max: int = _CORE.panic_inventories_max
    """How many looks at the whole account in vain, ``close_retry_ms`` apart, make a panic report
    what it could not close: a count. It goes on all the same."""
    hold_back_ms: int = _CORE.hold_back_ms
    """How long a booking waits, after an outage of the streams, for older ones that the venue's
    history does not show yet."""
    stop_wait_ms: int = _BOUNDS.stop_wait_ms
    """How long a stop of the desk waits for requests that hang; the next start finds their ends."""
    spec_life_ms: int = _BOUNDS.spec_life_ms
    """How long a specification is taken for the venue's present one; one hour unless it is said. It
    is asked for again in the background before; where that fails, it serves for another hour."""
    ask_again_ms: int = _CORE.ask_again_ms
    """How long to wait between two questions for an order of unknown outcome."""
    not_found_final_ms: int = _CORE.not_found_final_ms
    """When "not found" is believed: receive window + clock lead + history lag of the venue.

    0 for the paper venue, whose history has no lag. On Bybit it is never less than the sum of the
    settings there."""


@attrs.frozen(kw_only=True)
class CapacitySettings:
    """How much the desk holds and remembers at most. The venue and the journal have the rest."""

    finished_kept: int = _CORE.finished_kept
    """How many ended orders are remembered, so that a late execution finds its order."""
    signals_remembered: int = _CORE.signals_remembered
    """How many of the last signals are known at least, so that none is taken twice."""
    executions_remembered: int = _CORE.executions_remembered
    """How many of the last executions are known at least, so that none is booked twice."""
    inbox_max: int = _BOUNDS.inbox_max
    """How many messages may wait for the desk before entries are halted; none is ever dropped."""
    lane_max: int = _BOUNDS.lane_max
    """How many requests may wait behind one that hangs, for each kind of them; one more is refused,
    and entries are halted."""
    listener_max: int = _BOUNDS.listener_max
    """How many events may wait for one listener, such as a page; one more is lost to it, and the
    number is counted."""


def _bar_minutes(_: object, field: "attrs.Attribute[int]", value: int) -> None:
    if value not in _BAR_MINUTES:
        accepted = ", ".join(map(str, _BAR_MINUTES))
        raise ValueError(f"{field.name} is {value}; accepted: {accepted}")


@attrs.frozen(kw_only=True)
class ProtectionSettings:
    """What happens to the protection of a position when somebody else had a hand in it."""

    manual_changes: ManualChanges = _CORE.manual_changes
    """What to do when somebody changes the stop, take-profit, trailing stop or leverage of a
    position of ours at the venue. ``safer`` adopts what takes risk away (a tighter stop, a lower
    leverage, a take-profit) and reverts what adds some; ``adopt`` also adopts what adds risk, as
    far as the rules allow it to an operator; ``revert`` restores what was wanted."""
    naked_positions: NakedPositions = _CORE.naked_positions
    """What to do with a position without a stop on the venue. ``report``: ours get their stop back,
    foreign ones are reported and left alone; ``protect``: foreign ones get a stop too; ``close``:
    either is closed."""
    naked_stop: Rate = _CORE.naked_stop
    """How far from the mark price the stop of a foreign position is put, as a fraction of it.

    Halfway to the liquidation price where that lies nearer."""


@attrs.frozen(kw_only=True)
class StrategySettings:
    """Which strategy trades, and with which parameters."""

    name: str = "tidegate.adapters.strategies.donchian:DonchianBreakout"
    """The strategy as ``module:Class``. The module is imported: name only code that you trust."""
    params: Mapping[str, object] = attrs.field(factory=lambda: MappingProxyType({}))
    """Keyword arguments of the class, in the table ``[strategy.params]``."""
    bar_minutes: int = attrs.field(default=60, validator=_bar_minutes)
    """Length in minutes of the bars that a live strategy decides on: one of those that Bybit has. A
    session on recorded data takes the bars as they are."""
    bar_grace_ms: int = 2_000
    """How long after a bar's close the venue may take to tell it before it is asked for."""
    late_ms_max: int = 60_000
    """How long after a bar's close an entry may still follow from it. Exits are never too late."""


@attrs.frozen(kw_only=True)
class Settings:
    """All settings. Money is USDT, rates are fractions or percentages, times are milliseconds.

    Raises:
        ValueError: mode live without its literal acknowledgement, or a journal shared by desks
            whose venues are not.

    """

    mode: TradingMode = TradingMode.PAPER
    """Where orders go: nowhere (memory), to the simulated venue (paper), to Bybit's demo account or
    test net, or to its main net with real money (live). The venue that is built must agree."""
    live_acknowledgement: str = ""
    """Must be the literal ``REAL MONEY`` when the mode is live, and nothing else means it."""
    symbol: Symbol = attrs.field(factory=lambda: Symbol("BTCUSDT"))
    """The symbol that is traded."""
    seed: int = 0
    """Source of every id and of every random choice in a simulation: same data and seed, same run.
    """
    wallet: Money = attrs.field(factory=lambda: Money(Decimal(10_000)))
    """Opening balance of the paper venue, USDT. A store that was begun with another is refused."""
    state_path: Path = attrs.field(
        default=attrs.Factory(
            lambda self: journal_in(default_state_folder(self.mode)), takes_self=True
        ),
        metadata={"default": "`journal.sqlite` in the mode's folder in the user's state folder"},
    )
    """The journal: one SQLite file, unless ``state.backend`` says otherwise."""
    venue_path: Path = attrs.field(
        default=attrs.Factory(
            lambda self: venue_store_in(default_state_folder(self.mode)), takes_self=True
        ),
        metadata={"default": "`venue.sqlite` in the mode's folder in the user's state folder"},
    )
    """The paper venue's own store: one SQLite file."""
    state: StateSettings = attrs.field(factory=StateSettings)
    """Where the journal is kept."""
    instruments_path: Path | None = None
    """A TOML file with specifications of instruments that do not ship; see the catalogue."""
    day_offset_minutes: int = 0
    """When a trading day begins, in minutes after midnight UTC; negative on the evening before."""
    limits: RiskLimits = attrs.field(factory=RiskLimits)
    """The risk limits."""
    costs: CostSettings = attrs.field(factory=CostSettings)
    """Expected fees and slippage."""
    timings: TimingSettings = attrs.field(factory=TimingSettings)
    """How long the desk waits."""
    capacity: CapacitySettings = attrs.field(factory=CapacitySettings)
    """How much the desk holds and remembers."""
    protection: ProtectionSettings = attrs.field(factory=ProtectionSettings)
    """Changes by hand, and positions without a stop."""
    strategy: StrategySettings = attrs.field(factory=StrategySettings)
    """The strategy."""
    paper: PaperConfig = attrs.field(factory=PaperConfig)
    """The market model of the paper venue; its seed is always the one above."""
    bybit: BybitSettings = attrs.field(factory=BybitSettings)
    """The connection to Bybit."""

    def __attrs_post_init__(self) -> None:
        if self.mode is TradingMode.LIVE and self.live_acknowledgement != LIVE_ACKNOWLEDGEMENT:
            raise ValueError(
                f"mode live risks real money and live_acknowledgement is "
                f"{self.live_acknowledgement!r}; accepted: the literal {LIVE_ACKNOWLEDGEMENT!r}, "
                "or another mode"
            )
        if self.state.shared and self.mode not in _SHAREABLE:
            accepted = ", ".join(mode.value for mode in _SHAREABLE)
            raise ValueError(
                f"state.shared is true and mode is {self.mode.value}, whose venue is in this "
                f"process; accepted: mode {accepted}, or state.shared false"
            )
        object.__setattr__(self, "paper", attrs.evolve(self.paper, seed=self.seed))

    @property
    def day(self) -> DayBoundary:
        """Return when a trading day begins."""
        return DayBoundary(self.day_offset_minutes)

    @property
    def bounds(self) -> DeskBounds:
        """Return the bounds of a desk with threads."""
        return DeskBounds(
            inbox_max=self.capacity.inbox_max,
            lane_max=self.capacity.lane_max,
            listener_max=self.capacity.listener_max,
            stop_wait_ms=self.timings.stop_wait_ms,
            spec_life_ms=self.timings.spec_life_ms,
        )

    def core_config(self, venue: VenueKind) -> CoreConfig:
        """Return the core's settings for a desk on ``venue``: the one that was built."""
        timings, costs, capacity = self.timings, self.costs, self.capacity
        shared = self.state if self.state.shared else None
        return CoreConfig(
            mode=self.mode,
            venue=venue,
            limits=self.limits,
            day=self.day,
            entry_slippage=costs.entry_slippage,
            stop_slippage=costs.stop_slippage,
            stop_verify_ms=timings.stop_verify_ms,
            close_retry_ms=timings.close_retry_ms,
            mass_cancel_wait_ms=timings.mass_cancel_wait_ms,
            panic_inventories_max=timings.panic_inventories_max,
            hold_back_ms=timings.hold_back_ms,
            finished_kept=capacity.finished_kept,
            signals_remembered=capacity.signals_remembered,
            executions_remembered=capacity.executions_remembered,
            ask_again_ms=timings.ask_again_ms,
            not_found_final_ms=timings.not_found_final_ms,
            send_within_ms=0 if shared is None else shared.send_within_ms,
            report_lag_ms=0 if shared is None else shared.report_lag_ms,
            closed_profit_lag_ms=self.bybit.closed_profit_lag_ms,
            closed_profit_tolerance=self.bybit.closed_profit_tolerance,
            manual_changes=self.protection.manual_changes,
            naked_positions=self.protection.naked_positions,
            naked_stop=self.protection.naked_stop,
            wallet_tolerance=self.bybit.wallet_tolerance,
            wallet_moved=self.bybit.wallet_moved if _is_bybit(venue) else ZERO_MONEY,
        )


def _is_bybit(venue: VenueKind) -> bool:
    return venue not in (VenueKind.MEMORY, VenueKind.PAPER)
