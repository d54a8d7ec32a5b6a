"""What each number among the settings may be, beyond its type."""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

import attrs
from tidegate.adapters.paper.config import PaperConfig
from tidegate.domain.day import OFFSET_MINUTES_MAX
from tidegate.domain.history import STOPS_KEPT
from tidegate.domain.money import Amount
from tidegate.domain.risk.limits import RiskLimits

from .settings import (
    CapacitySettings,
    CostSettings,
    ProtectionSettings,
    Settings,
    StrategySettings,
    TimingSettings,
)
from .settings_bybit import BybitSettings
from .settings_state import StateSettings

__all__ = ["NOT_SETTINGS", "RANGES", "Range", "range_of"]

NOT_SETTINGS: Mapping[type, tuple[str, ...]] = MappingProxyType({PaperConfig: ("seed",)})
"""Fields that follow from another setting: the paper venue takes the seed of all."""


@attrs.frozen(kw_only=True)
class Range:
    """From ``low`` to ``high``, each ``None`` where there is no bound; both belong to it.

    Unless ``is_open``: then neither does. ``example`` helps where a mistake is likely.
    """

    low: Decimal | None = None
    high: Decimal | None = None
    is_open: bool = False
    example: str = ""

    def holds(self, value: object) -> bool:
        """Tell whether an amount or a whole number lies within; anything else is not judged."""
        number = value.value if isinstance(value, Amount) else value
        if isinstance(number, bool) or not isinstance(number, Decimal | int):
            return True
        above = self.low is None or (number > self.low if self.is_open else number >= self.low)
        below = self.high is None or (number < self.high if self.is_open else number <= self.high)
        return above and below

    @property
    def bounds(self) -> str:
        """Write both bounds."""
        if self.high is None:
            return f"above {self.low}" if self.is_open else f"{self.low} or more"
        if self.is_open:
            return f"above {self.low} and below {self.high}"
        return f"{self.low} to {self.high}"

    def __str__(self) -> str:
        return f"{self.bounds} ({self.example})" if self.example else self.bounds


_ZERO, _ONE = Decimal(0), Decimal(1)
_NOT_NEGATIVE = Range(low=_ZERO)
_POSITIVE = Range(low=_ZERO, is_open=True)
_COUNT = Range(low=_ONE)
_KEPT = Range(low=Decimal(32), high=Decimal(1_000_000), example="a count")
_FRACTION = Range(low=_ZERO, high=_ONE, example="a fraction: 0.02 or 2% is two per cent")
_BELOW_ONE = Range(low=Decimal(-1), high=_ONE, is_open=True, example="such as 0.0005")
_SHARE = Range(low=_ZERO, high=Decimal("0.5"), example="such as 0.001 or 0.1%")

_LIMITS: Mapping[str, Range] = {
    "market_age_ms_max": _NOT_NEGATIVE,
    "clock_lead_ms_max": _NOT_NEGATIVE,
    "stream_grace_ms": _NOT_NEGATIVE,
    "day_loss_max": _FRACTION,
    "drawdown_max": _FRACTION,
    "balance_min": _NOT_NEGATIVE,
    "notional_viable_min": _NOT_NEGATIVE,
    "position_notional_max": _POSITIVE,
    "exposure_max": _POSITIVE,
    "risk_per_trade_max": _FRACTION,
    "leverage_max": Range(low=_ONE),
    "positions_max": _COUNT,
    "concentration_max": _POSITIVE,
    "initial_margin_rate_max": _FRACTION,
    "maintenance_margin_rate_max": _FRACTION,
    "liquidation_distance_min": _FRACTION,
    "price_deviation_max": _FRACTION,
    "orders_per_second_max": _COUNT,
    "orders_per_minute_max": _COUNT,
    "orders_per_day_max": _COUNT,
    "pending_orders_max": _COUNT,
    "loss_cooldown_ms": _NOT_NEGATIVE,
    "stops_in_window_max": Range(low=_ZERO, high=Decimal(STOPS_KEPT - 1)),
    "stops_window_ms": _NOT_NEGATIVE,
    "symbol_losses_in_row_max": _NOT_NEGATIVE,
    "symbol_lock_ms": _NOT_NEGATIVE,
    "reward_to_risk_net_min": _NOT_NEGATIVE,
}

_WAIT = Range(low=_ONE, high=Decimal(60_000), example="milliseconds")
_BYBIT: Mapping[str, Range] = MappingProxyType(
    {
        "recv_window_ms": Range(low=_ONE, high=Decimal(60_000), example="5000 is the venue's own"),
        "connect_timeout_ms": _WAIT,
        "order_timeout_ms": _WAIT,
        "query_timeout_ms": _WAIT,
        "history_lag_ms": _NOT_NEGATIVE,
        "clock_offset_ms_max": Range(low=_ONE, high=Decimal(999), example="milliseconds"),
        "stream_start_ms": _WAIT,
        "ping_interval_ms": Range(low=Decimal(10), high=Decimal(300_000), example="milliseconds"),
        "pong_wait_ms": _WAIT,
        "public_silence_ms_max": Range(
            low=Decimal(10), high=Decimal(600_000), example="milliseconds"
        ),
        "price_age_ms_max": _WAIT,
        "poll_up_ms": Range(low=Decimal(100), high=Decimal(3_600_000), example="milliseconds"),
        "poll_down_ms": Range(low=Decimal(100), high=Decimal(60_000), example="milliseconds"),
        "reconcile_every_ms": Range(
            low=Decimal(100), high=Decimal(86_400_000), example="milliseconds"
        ),
        "closed_profit_lag_ms": _NOT_NEGATIVE,
        "closed_profit_tolerance": _NOT_NEGATIVE,
        "reconnect_delay_ms_min": _WAIT,
        "reconnect_delay_ms_max": Range(low=_ONE, high=Decimal(600_000), example="milliseconds"),
        "balance_min": _NOT_NEGATIVE,
        "wallet_tolerance": _NOT_NEGATIVE,
        "wallet_moved": Range(
            low=Decimal(-1_000_000_000), high=Decimal(1_000_000_000), example="USDT"
        ),
        "key_days_left_min": _NOT_NEGATIVE,
        "disconnect_cancel_s": Range(
            low=_ZERO, high=Decimal(300), example="0, or 3 to 300 seconds"
        ),
    }
)

RANGES: Mapping[type, Mapping[str, Range]] = MappingProxyType(
    {
        Settings: {
            "seed": _NOT_NEGATIVE,
            "wallet": _NOT_NEGATIVE,
            "day_offset_minutes": Range(
                low=Decimal(-OFFSET_MINUTES_MAX), high=Decimal(OFFSET_MINUTES_MAX)
            ),
        },
        RiskLimits: _LIMITS,
        ProtectionSettings: {
            "naked_stop": Range(low=_ZERO, high=_ONE, is_open=True, example="0.05 or 5%"),
        },
        CostSettings: {
            "taker_fee": _SHARE,
            "maker_fee": _BELOW_ONE,
            "entry_slippage": _SHARE,
            "stop_slippage": _SHARE,
        },
        TimingSettings: {
            "stop_verify_ms": _NOT_NEGATIVE,
            "close_retry_ms": _NOT_NEGATIVE,
            "mass_cancel_wait_ms": _NOT_NEGATIVE,
            "panic_inventories_max": _COUNT,
            "hold_back_ms": _NOT_NEGATIVE,
            "stop_wait_ms": _NOT_NEGATIVE,
            "spec_life_ms": _COUNT,
            "ask_again_ms": _NOT_NEGATIVE,
            "not_found_final_ms": _NOT_NEGATIVE,
        },
        CapacitySettings: {
            "finished_kept": _KEPT,
            "signals_remembered": _KEPT,
            "executions_remembered": _KEPT,
            "inbox_max": _KEPT,
            "lane_max": _KEPT,
            "listener_max": _KEPT,
        },
        StrategySettings: {
            "bar_minutes": Range(
                low=_ONE,
                high=Decimal(10_080),
                example="1, 3, 5, 15, 30, 60, 120, 240, 360, 720, 1440 or 10080",
            ),
            "bar_grace_ms": _NOT_NEGATIVE,
            "late_ms_max": _NOT_NEGATIVE,
        },
        BybitSettings: _BYBIT,
        StateSettings: {
            "wait_ms_max": Range(low=_ONE, high=Decimal(600_000), example="milliseconds"),
            "lease_ms": Range(low=Decimal(1_000), high=Decimal(600_000), example="milliseconds"),
            "send_within_ms": Range(low=Decimal(100), high=Decimal(60_000), example="milliseconds"),
            "report_lag_ms": Range(low=_ZERO, high=Decimal(60_000), example="milliseconds"),
        },
        PaperConfig: {
            "spread_ticks": _NOT_NEGATIVE,
            "slippage": _SHARE,
            "participation": _FRACTION,
            "latency_ms": _NOT_NEGATIVE,
            "leverage_default": Range(low=_ONE),
            "mark_age_ms_max": _NOT_NEGATIVE,
        },
    }
)


def range_of(kind: type, name: str) -> Range | None:
    """Return what the field ``name`` of ``kind`` may be, ``None`` where its type says it all."""
    return RANGES.get(kind, {}).get(name)
