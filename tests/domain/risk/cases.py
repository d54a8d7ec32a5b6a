"""One plan that every rule lets through, and how to change one thing about it.

BTC at 10000, equity 10000 USDT: round numbers, so that each limit can be worked by hand.
"""

from collections.abc import Mapping
from typing import Any, TypeVar, cast

import attrs
from tidegate.domain.instrument import Instrument, InstrumentStatus, RiskTier
from tidegate.domain.mode import TradingMode, TradingState, VenueKind
from tidegate.domain.money import Distance, Money, Price, Qty, Rate
from tidegate.domain.orders import (
    ClientId,
    OrderKind,
    OrderRequest,
    ProtectiveLeg,
    Purpose,
    Role,
    Side,
    Symbol,
)
from tidegate.domain.reports import MarginMode
from tidegate.domain.risk.judge import evaluate
from tidegate.domain.risk.limits import RiskLimits
from tidegate.domain.risk.snapshot import Proposal, RiskSnapshot
from tidegate.domain.risk.verdict import Breach, Missing, Passed, Rule, Verdict

T = TypeVar("T")

NOW_MS = 1_700_000_000_000
BTC = Symbol("BTCUSDT")
ETH = Symbol("ETHUSDT")
SOL = Symbol("SOLUSDT")


def money(text: str) -> Money:
    return Money.of(text)


def price(text: str) -> Price:
    return Price.of(text)


def qty(text: str) -> Qty:
    return Qty.of(text)


def rate(text: str) -> Rate:
    return Rate.of(text)


def tier(notional_max: str, leverage_max: str, maintenance: str, deduction: str) -> RiskTier:
    return RiskTier(
        notional_max=money(notional_max),
        maintenance_rate=rate(maintenance),
        initial_rate=rate("1") / rate(leverage_max),
        leverage_max=rate(leverage_max),
        deduction=money(deduction),
    )


# The deduction of a tier is the one before plus limit_before x (rate - rate_before):
# 200000 x 0.005 = 1000, 1000 + 400000 x 0.01 = 5000.
INSTRUMENT = Instrument(
    symbol=BTC,
    base_coin="BTC",
    quote_coin="USDT",
    status=InstrumentStatus.TRADING,
    tick=Distance.of("0.5"),
    price_min=price("0.5"),
    price_max=price("1000000"),
    qty_step=qty("0.01"),
    qty_min=qty("0.02"),
    qty_max_limit=qty("200"),
    qty_max_market=qty("100"),
    notional_min=money("5"),
    leverage_min=rate("1"),
    leverage_max=rate("50"),
    leverage_step=rate("0.01"),
    funding_interval_minutes=480,
    funding_rate_min=rate("-0.01"),
    funding_rate_max=rate("0.01"),
    price_band_x=rate("0.01"),
    price_band_y=rate("0.05"),
    tiers=(
        tier("200000", "50", "0.005", "0"),
        tier("400000", "25", "0.01", "1000"),
        tier("800000", "10", "0.02", "5000"),
    ),
)

PROPOSAL = Proposal(
    signal_id="breakout-1",
    symbol=BTC,
    side=Side.BUY,
    qty=qty("0.5"),
    price=price("10000"),
    reference_price=price("10000"),
    stop=price("9900"),
    worst_loss_per_unit=money("120"),
    leverage=rate("5"),
    reward_to_risk_net=rate("1.5"),
    liquidation_price=price("8000"),
    initial_margin_per_unit=money("2000"),
    maintenance_margin_per_unit=money("50"),
    orders_to_send=3,
)

SNAPSHOT = RiskSnapshot(
    now_ms=NOW_MS,
    mode=TradingMode.PAPER,
    venue=VenueKind.PAPER,
    trading_state=TradingState.ACTIVE,
    is_panicked=False,
    instrument=INSTRUMENT,
    market_time_ms=NOW_MS - 100,
    mark=price("10000"),
    stream_down_since_ms=None,
    streams_needed=True,
    has_unsettled_findings=False,
    margin_mode=MarginMode.CROSS,
    wallet=money("10000"),
    equity=money("10000"),
    available=money("9000"),
    initial_margin=money("1000"),
    maintenance_margin=money("100"),
    day_opening_equity=money("10000"),
    day_profit=money("0"),
    high_water_equity=money("10000"),
    exposure_total=money("5000"),
    exposure_symbol=money("2000"),
    trade_loss=money("0"),
    symbols_open=frozenset({BTC, ETH}),
    symbol_side=Side.BUY,
    pending_orders=4,
    orders_last_second=2,
    orders_last_minute=20,
    orders_today=100,
    signal_seen=False,
    last_loss_ms=NOW_MS - 3_600_000,
    stops_in_window=1,
    symbol_losses_in_row=0,
    symbol_last_loss_ms=NOW_MS - 3_600_000,
)

LIMITS = RiskLimits()

ORDER = OrderRequest(
    client_id=ClientId("k1-e0"),
    symbol=BTC,
    side=Side.BUY,
    qty=qty("0.5"),
    kind=OrderKind.MARKET,
    purpose=Purpose(Role.ENTRY),
    stop_loss=ProtectiveLeg(price=price("9900")),
)


def changed(value: T, changes: Mapping[str, object]) -> T:
    """Return a copy with the named fields replaced; which ones is known only at run time."""
    anything: Any = value
    return cast(T, attrs.evolve(anything, **changes))


@attrs.frozen(kw_only=True)
class Case:
    """A plan, a desk and the limits; ``with_`` changes whichever of them has the named field."""

    proposal: Proposal = PROPOSAL
    snapshot: RiskSnapshot = SNAPSHOT
    limits: RiskLimits = LIMITS

    def with_(self, **changes: object) -> "Case":
        parts = {}
        left = dict(changes)
        for name in ("proposal", "snapshot", "limits"):
            part = getattr(self, name)
            mine = {key: left.pop(key) for key in attrs.fields_dict(type(part)) if key in left}
            parts[name] = changed(part, mine)
        assert not left, f"no such field: {sorted(left)}"
        return Case(**parts)

    def with_spec(self, **changes: object) -> "Case":
        return self.with_(instrument=changed(INSTRUMENT, changes))

    def verdict(self, rule: Rule) -> Verdict:
        found = [v for v in self.verdicts if v.rule is rule]
        assert len(found) == 1, f"{rule} answered {len(found)} times"
        return found[0]

    def breach(self, rule: Rule) -> Breach:
        found = self.verdict(rule)
        assert isinstance(found, Breach), found
        return found

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        return evaluate(self.proposal, self.snapshot, self.limits).verdicts

    @property
    def largest(self) -> Qty | None:
        return evaluate(self.proposal, self.snapshot, self.limits).largest

    @property
    def failing(self) -> tuple[Rule, ...]:
        return tuple(v.rule for v in self.verdicts if isinstance(v, Breach | Missing))


BASE = Case()


@attrs.frozen
class Row:
    """``passing`` and ``failing`` change one thing; the rest is the evidence of the failure."""

    rule: Rule
    passing: tuple[dict[str, object], ...]
    failing: dict[str, object]
    observed: str
    limit: str
    largest: Qty | None = None
    smallest: Qty | None = None

    def __str__(self) -> str:
        return f"{self.rule.value}: {self.observed}"


def check(row: Row) -> None:
    """Assert that a row holds: what passes, what does not, and every piece of evidence."""
    for changes in row.passing:
        assert BASE.with_(**changes).verdict(row.rule) == Passed(rule=row.rule), changes
    breach = BASE.with_(**row.failing).breach(row.rule)
    assert breach.observed == row.observed
    assert breach.limit == row.limit
    assert breach.largest == row.largest
    assert breach.smallest == row.smallest
    assert breach.remedy
