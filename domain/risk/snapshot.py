"""What the rules look at: one immutable snapshot of desk, account and market, and one proposal."""

import attrs
from tidegate.domain.equity import Anchor
from tidegate.domain.instrument import Instrument
from tidegate.domain.liquidation import ANY_SIZE, AnySize, LiquidationTerms
from tidegate.domain.mode import TradingMode, TradingState, VenueKind
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import Side, Symbol
from tidegate.domain.reports import MarginMode

__all__ = ["Proposal", "RiskSnapshot"]


@attrs.frozen(kw_only=True)
class Proposal:
    """A whole plan to be judged as one: entry, stop and ladder.

    ``price`` is where the entry is expected to fill at worst, ``reference_price`` what the caller
    asked for (limit price or decision price). ``worst_loss_per_unit`` is the loss of one base coin
    at the stop with both fees and slippage; ``reward_to_risk_net`` is ``None`` without targets.
    ``liquidation_price`` is that of the whole position, with what is held and in flight, ``None``
    where the venue could never liquidate; ``liquidation_terms`` say it for other sizes. Margins
    are those of this order alone, per base coin, in USDT. The initial one is all that the order
    locks: margin, opening fee and fee to close (Bybit help centre, "Order Cost").
    """

    signal_id: str
    symbol: Symbol
    side: Side
    qty: Qty
    price: Price
    reference_price: Price
    stop: Price | None
    worst_loss_per_unit: Money | None
    leverage: Rate
    reward_to_risk_net: Rate | None
    liquidation_price: Price | None
    initial_margin_per_unit: Money
    maintenance_margin_per_unit: Money
    orders_to_send: int
    liquidation_terms: LiquidationTerms | AnySize = ANY_SIZE

    def of_size(self, qty: Qty) -> "Proposal":
        """Return the plan with another quantity (base coin), liquidated where that one would be."""
        terms = self.liquidation_terms
        if isinstance(terms, AnySize) or qty.sign <= 0:
            return attrs.evolve(self, qty=qty)
        return attrs.evolve(self, qty=qty, liquidation_price=terms.at(qty))

    @property
    def notional(self) -> Money:
        """Return quantity times expected price, USDT."""
        return self.price * self.qty


@attrs.frozen(kw_only=True)
class RiskSnapshot:
    """The desk at one moment. ``None`` means not known: that is a refusal, never a pass.

    Exposures are unsigned notionals in USDT at mark, with orders in flight at their worst fill.
    ``maintenance_margin`` is the account's once all of these have filled, USDT.
    ``trade_loss`` is what the symbol's position and its entries in flight lose at their stops,
    costs included, in USDT; zero when flat.
    ``day_profit`` counts realised profit, fees, funding and open positions at mark since the day
    began. ``orders_last_*`` count orders already sent. Times are UTC milliseconds.
    """

    now_ms: int
    mode: TradingMode
    venue: VenueKind
    trading_state: TradingState
    is_panicked: bool
    instrument: Instrument | None
    market_time_ms: int | None
    mark: Price | None
    stream_down_since_ms: int | None
    streams_needed: bool
    has_unsettled_findings: bool
    margin_mode: MarginMode | None
    wallet: Money | None
    equity: Money | None
    available: Money | None
    initial_margin: Money | None
    maintenance_margin: Money | None
    day_opening_equity: Money | None
    day_profit: Money | None
    high_water_equity: Money | None
    exposure_total: Money
    exposure_symbol: Money
    trade_loss: Money | None
    symbols_open: frozenset[Symbol]
    symbol_side: Side | None
    pending_orders: int
    orders_last_second: int
    orders_last_minute: int
    orders_today: int
    signal_seen: bool
    last_loss_ms: int | None
    stops_in_window: int
    symbol_losses_in_row: int
    symbol_last_loss_ms: int | None
    high_water_anchor: Anchor | None = None
    equity_anchor: Anchor | None = None

    @property
    def is_fall_known(self) -> bool:
        """Tell whether equity and high-water mark stand on the same ground: else no fall is one."""
        mark, sample = self.high_water_anchor, self.equity_anchor
        return mark is None or sample is None or sample.agrees_with(mark)
