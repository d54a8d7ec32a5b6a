"""Account and position settings and the account's records, as a part of the exchange port.

A venue that lacks an operation keeps the method of this class, which raises ``NotSupported``. Where
a value was already as wanted the answer is ``Done`` with ``was_already``, and only after it was
read back.
"""

import attrs
from tidegate.domain.instrument import RiskTier
from tidegate.domain.money import ZERO_QTY, Distance, Money, Price, Qty
from tidegate.domain.orders import ProtectiveLeg, Symbol, TriggerBy
from tidegate.domain.records import (
    AccountChange,
    Borrowing,
    ClosedProfit,
    CoinBalance,
    Collateral,
    PositionMode,
)
from tidegate.domain.reports import MarginMode

from .outcomes import Capability, Done, History, NotSupported, Rejected, TimeRange, Unknown

__all__ = ["AccountPort", "PartialStop", "PositionStop"]


@attrs.frozen(kw_only=True)
class PositionStop:
    """Set or clear a position's protection. ``None`` leaves a leg as it is; zero clears it."""

    symbol: Symbol
    stop_loss: Price | None = None
    stop_loss_by: TriggerBy = TriggerBy.LAST
    take_profit: Price | None = None
    take_profit_by: TriggerBy = TriggerBy.LAST
    trailing_distance: Distance | None = None
    trailing_activation: Price | None = None


def _above_zero(instance: "PartialStop", _: object, qty: Qty) -> None:
    if qty <= ZERO_QTY:
        raise ValueError(f"partial stop of {qty} {instance.symbol}: must be above zero")


@attrs.frozen(kw_only=True)
class PartialStop:
    """One pair of legs for a part of a position; at least one leg must be given.

    A limit makes its leg a limit order at that price once it fires; ``None`` a market order.

    Raises:
        ValueError: a quantity that is not above zero, no leg at all, or a limit without its leg.

    """

    symbol: Symbol
    qty: Qty = attrs.field(validator=_above_zero)
    stop_loss: ProtectiveLeg | None = None
    take_profit: ProtectiveLeg | None = None
    stop_loss_limit: Price | None = None
    take_profit_limit: Price | None = None

    def __attrs_post_init__(self) -> None:
        if self.stop_loss is None and self.take_profit is None:
            raise ValueError(f"partial stop of {self.symbol}: a stop or a target is needed")
        for leg, limit, name in (
            (self.stop_loss, self.stop_loss_limit, "stop"),
            (self.take_profit, self.take_profit_limit, "target"),
        ):
            if leg is None and limit is not None:
                raise ValueError(f"partial stop of {self.symbol}: limit {limit} without a {name}")


class AccountPort:
    """Operations on the account. ``QueryFailed`` when a query has no usable answer."""

    def add_partial_stop(self, stop: PartialStop) -> Done | Rejected | Unknown:
        """Add a pair of legs for a part of an open position; at most 20 of each kind at a time.

        One leg that fires or is cancelled takes the other with it. No leg is ever larger than the
        position, and all end with it (Bybit V5 position/trading-stop, ``tpslMode`` "Partial").

        ``Done``: the venue shows it; ``Rejected``: refused, nothing changed; ``Unknown``: no
        answer, so read it back before anything else.

        Raises:
            NotSupported: the venue lacks it; nothing was sent.

        """
        raise NotSupported(Capability.PARTIAL_STOP)

    def set_margin_mode(self, mode: MarginMode) -> Done | Rejected | Unknown:
        """Set the account's margin mode; refused while there is a position or an order.

        ``Done``: the venue shows it; ``Rejected``: refused, nothing changed; ``Unknown``: no
        answer, so read it back before anything else.

        Raises:
            NotSupported: the venue lacks it; nothing was sent.

        """
        raise NotSupported(Capability.MARGIN_MODE)

    def position_mode(self, symbol: Symbol) -> PositionMode:
        """Return whether ``symbol`` has one position or one for each side.

        Raises:
            QueryFailed: the venue gave no usable answer.
            NotSupported: the venue lacks the query.

        """
        raise NotSupported(Capability.POSITION_MODE)

    def add_margin(self, symbol: Symbol, amount: Money) -> Done | Rejected | Unknown:
        """Add to the margin of an isolated position, or take back what was added (``amount < 0``).

        No more is added than is available, and no more taken than was added.

        ``Done``: the venue shows it; ``Rejected``: refused, nothing changed; ``Unknown``: no
        answer, so read it back before anything else.

        Raises:
            NotSupported: the venue lacks it; nothing was sent.

        """
        raise NotSupported(Capability.ADD_MARGIN)

    def set_auto_add_margin(self, symbol: Symbol, *, on: bool) -> Done | Rejected | Unknown:
        """Choose whether margin is added from what is available before a liquidation; isolated.

        ``Done``: the venue shows it; ``Rejected``: refused, nothing changed; ``Unknown``: no
        answer, so read it back before anything else.

        Raises:
            NotSupported: the venue lacks it; nothing was sent.

        """
        raise NotSupported(Capability.AUTO_ADD_MARGIN)

    def risk_tiers(self, symbol: Symbol) -> tuple[RiskTier, ...]:
        """Return the tiers of ``symbol``, smallest first; the venue itself chooses among them.

        Raises:
            QueryFailed: the venue gave no usable answer.
            NotSupported: the venue lacks the query.

        """
        raise NotSupported(Capability.RISK_TIERS)

    def balance(self, coin: str) -> CoinBalance:
        """Return one coin of the wallet; a coin that the venue does not list is ``QueryFailed``.

        Raises:
            QueryFailed: the venue lists no such coin, or gave no usable answer.
            NotSupported: the venue lacks the query.

        """
        raise NotSupported(Capability.BALANCES)

    def balances(self) -> tuple[CoinBalance, ...]:
        """Return every coin of the wallet that is not empty.

        Raises:
            QueryFailed: the venue gave no usable answer.
            NotSupported: the venue lacks the query.

        """
        raise NotSupported(Capability.BALANCES)

    def collateral(self) -> tuple[Collateral, ...]:
        """Return which coins count as margin.

        Raises:
            QueryFailed: the venue gave no usable answer.
            NotSupported: the venue lacks the query.

        """
        raise NotSupported(Capability.COLLATERAL)

    def set_collateral(self, coin: str, *, on: bool) -> Done | Rejected | Unknown:
        """Choose whether ``coin`` counts as margin.

        ``Done``: the venue shows it; ``Rejected``: refused, nothing changed; ``Unknown``: no
        answer, so read it back before anything else.

        Raises:
            NotSupported: the venue lacks it; nothing was sent.

        """
        raise NotSupported(Capability.COLLATERAL)

    def borrowings(self, coin: str | None, within: TimeRange) -> History[Borrowing]:
        """Return the interest charged within the range, ascending; ``None`` for every coin.

        Raises:
            QueryFailed: the venue gave no usable answer.
            NotSupported: the venue lacks the query.

        """
        raise NotSupported(Capability.BORROWINGS)

    def closed_profits(self, symbol: Symbol | None, within: TimeRange) -> History[ClosedProfit]:
        """Return the profit of every closing order last updated within the range, ascending.

        Raises:
            QueryFailed: the venue gave no usable answer.
            NotSupported: the venue lacks the query.

        """
        raise NotSupported(Capability.CLOSED_PROFITS)

    def account_changes(self, within: TimeRange) -> History[AccountChange]:
        """Return every change of the account's USDT within the range, ascending.

        Raises:
            QueryFailed: the venue gave no usable answer.
            NotSupported: the venue lacks the query.

        """
        raise NotSupported(Capability.ACCOUNT_CHANGES)
