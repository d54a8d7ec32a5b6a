"""A position as a caller reads it: one shape by whatever way it came, with its source and age."""

import enum

import attrs
from tidegate.domain.money import Distance, Money, Price, Qty, Rate
from tidegate.domain.orders import Side, Symbol
from tidegate.domain.reports import PositionReport

__all__ = ["CloseReport", "PortfolioSnapshot", "PositionSnapshot", "Source", "share", "snapshot_of"]


class Source(enum.Enum):
    """Where a value comes from."""

    STREAM = "stream"
    REST = "rest"


def share(part: Money, whole: Money) -> Rate | None:
    """Return a part of a whole, ``None`` where there is no whole to be a part of."""
    return part / whole if whole.sign > 0 else None


@attrs.frozen(kw_only=True)
class PositionSnapshot:
    """One position at a fresh mark. Money is USDT, ``qty`` is signed, zero when flat.

    ``unrealised`` is the price profit at ``mark``, before fees. ``profit_of_entry`` is that profit
    over the entry value and ``profit_of_margin`` over the initial margin, both ``None`` where there
    is nothing to divide by. ``age_ms`` is since the venue stamped the report: on a stream a
    position is told when it changes, so an old report may be the present one. ``mark_age_ms`` is
    that of the mark.
    """

    symbol: Symbol
    side: Side | None
    qty: Qty
    entry_price: Price | None
    mark: Price
    notional: Money
    unrealised: Money
    profit_of_entry: Rate | None
    profit_of_margin: Rate | None
    leverage: Rate
    liquidation_price: Price | None
    stop_loss: Price | None
    take_profit: Price | None
    trailing_distance: Distance | None
    initial_margin: Money
    maintenance_margin: Money
    is_ours: bool
    source: Source
    time_ms: int
    age_ms: int
    mark_source: Source
    mark_age_ms: int

    @property
    def is_flat(self) -> bool:
        """Whether nothing is held."""
        return self.side is None


@attrs.frozen(kw_only=True)
class Marked:
    """A mark price, where it comes from and how old it is in milliseconds."""

    mark: Price
    source: Source
    age_ms: int


def snapshot_of(
    report: PositionReport, marked: Marked, *, source: Source, is_ours: bool, now_ms: int
) -> PositionSnapshot:
    """Turn the venue's report of a position into the snapshot: the one way, for every transport."""
    side = None if report.qty.sign == 0 else (Side.BUY if report.qty.sign > 0 else Side.SELL)
    cost = Money.of(0) if report.entry_price is None else report.entry_price * report.qty
    unrealised = Money.of(0) if side is None else marked.mark * report.qty - cost
    return PositionSnapshot(
        symbol=report.symbol,
        side=side,
        qty=report.qty,
        entry_price=report.entry_price,
        mark=marked.mark,
        notional=marked.mark * abs(report.qty),
        unrealised=unrealised,
        profit_of_entry=share(unrealised, abs(cost)),
        profit_of_margin=share(unrealised, report.initial_margin),
        leverage=report.leverage,
        liquidation_price=report.liquidation_price,
        stop_loss=report.stop_loss,
        take_profit=report.take_profit,
        trailing_distance=report.trailing_distance,
        initial_margin=report.initial_margin,
        maintenance_margin=report.maintenance_margin,
        is_ours=is_ours,
        source=source,
        time_ms=report.time_ms,
        age_ms=max(0, now_ms - report.time_ms),
        mark_source=marked.source,
        mark_age_ms=marked.age_ms,
    )


@attrs.frozen(kw_only=True)
class PortfolioSnapshot:
    """The account: every position, and the sums over them. Money is USDT.

    ``equity`` is the wallet plus the unrealised profit at fresh marks. ``exposure`` is the sum of
    the unsigned notionals, ``exposure_of_equity`` that over equity, ``None`` without any equity.
    ``source`` and ``age_ms`` are those of the balances.
    """

    positions: tuple[PositionSnapshot, ...]
    wallet: Money
    available: Money
    equity: Money
    unrealised: Money
    exposure: Money
    exposure_of_equity: Rate | None
    initial_margin: Money
    maintenance_margin: Money
    source: Source
    time_ms: int
    age_ms: int


@attrs.frozen(kw_only=True)
class CloseReport:
    """What became of closing one symbol. ``qty_before`` is signed, zero where nothing was held.

    ``qty_left`` is what the venue shows afterwards, ``None`` where it could not be asked.
    ``trouble`` says why that is so, or why nothing was closed. ``orders_left`` are the orders of
    ours that it still shows. ``net`` is the result of the trade in USDT after fees and funding,
    ``None`` while it is not closed.
    """

    symbol: Symbol
    qty_before: Qty
    qty_left: Qty | None
    orders_left: tuple[str, ...]
    net: Money | None
    trouble: str | None = None

    @property
    def is_flat(self) -> bool:
        """Whether the venue itself shows that nothing is held and nothing of ours can fill."""
        return self.qty_left is not None and self.qty_left.sign == 0 and not self.orders_left
