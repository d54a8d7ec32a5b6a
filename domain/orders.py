"""What an order is: side, kind, trigger, protection, purpose and the request sent to a venue."""

import enum
from typing import NewType

import attrs

from .money import ZERO_QTY, Price, Qty, Rate

__all__ = [
    "ClientId",
    "OrderKind",
    "OrderRequest",
    "ProtectiveLeg",
    "Purpose",
    "Reduction",
    "Role",
    "Side",
    "Symbol",
    "TimeInForce",
    "Trigger",
    "TriggerBy",
    "TriggerDirection",
    "VenueOrderId",
]

Symbol = NewType("Symbol", str)
ClientId = NewType("ClientId", str)
VenueOrderId = NewType("VenueOrderId", str)

CLIENT_ID_LENGTH_MAX = 36
_CLIENT_ID_ALPHABET = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_")


class Side(enum.Enum):
    """Direction of an order; ``BUY`` also names a long position and ``SELL`` a short one."""

    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> "Side":
        """Return the side that reduces a position of this side."""
        return Side.SELL if self is Side.BUY else Side.BUY

    @property
    def sign(self) -> int:
        """Return +1 for buy, -1 for sell."""
        return 1 if self is Side.BUY else -1


class OrderKind(enum.Enum):
    """Market or limit; a trigger makes either conditional (stop-market, stop-limit)."""

    MARKET = "market"
    LIMIT = "limit"


class TimeInForce(enum.Enum):
    """How long an order may rest."""

    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    POST_ONLY = "post_only"


class TriggerBy(enum.Enum):
    """Which price fires a trigger."""

    LAST = "last"
    MARK = "mark"
    INDEX = "index"


class TriggerDirection(enum.Enum):
    """Whether the price must rise to the trigger or fall to it."""

    RISES_TO = "rises_to"
    FALLS_TO = "falls_to"


@attrs.frozen(kw_only=True)
class Trigger:
    """The condition that turns a conditional order into a live one."""

    price: Price
    direction: TriggerDirection
    by: TriggerBy = TriggerBy.LAST

    def fires_at(self, price: Price) -> bool:
        """Tell whether ``price`` (of the kind named by ``by``) fires this trigger."""
        if self.direction is TriggerDirection.RISES_TO:
            return price >= self.price
        return price <= self.price


@attrs.frozen(kw_only=True)
class ProtectiveLeg:
    """A take-profit or stop-loss that travels inside an order and closes at market when fired."""

    price: Price
    by: TriggerBy = TriggerBy.LAST


class Role(enum.Enum):
    """Why an order exists; the letter appears in its client id.

    ``CLOSE`` is the desk's own way to flat, ``EXIT`` an operator's reducing order of any family.
    """

    ENTRY = "entry"
    STOP = "stop"
    TAKE_PROFIT = "take_profit"
    CLOSE = "close"
    EXIT = "exit"
    PANIC = "panic"


@attrs.frozen
class Purpose:
    """The role of an order and, for a take-profit, its rung counted from 1."""

    role: Role
    rung: int | None = None

    def __str__(self) -> str:
        return self.role.value if self.rung is None else f"{self.role.value} {self.rung}"


def _client_id_fits(_: object, __: object, value: ClientId) -> None:
    if not 1 <= len(value) <= CLIENT_ID_LENGTH_MAX or not _CLIENT_ID_ALPHABET.issuperset(value):
        raise ValueError(
            f"client id {value!r}: 1 to {CLIENT_ID_LENGTH_MAX} characters of 0-9 A-Z a-z - _"
        )


@attrs.frozen(kw_only=True)
class OrderRequest:
    """An order as it is sent: quantity in base coin, prices in quote currency, all on the grid.

    A market order has no ``price``; ``slippage_max`` bounds how far from the best price it may
    fill, as a fraction (Bybit V5 order/create, ``slippageTolerance``). Construction refuses
    combinations that no venue can mean.

    Raises:
        ValueError: a client id that the venue would not take, a quantity that is not above zero, a
            limit order without a price or a market order with one or post-only, or legs on a
            reduce-only order.

    """

    client_id: ClientId = attrs.field(validator=_client_id_fits)
    symbol: Symbol
    side: Side
    qty: Qty
    kind: OrderKind
    purpose: Purpose
    price: Price | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    close_on_trigger: bool = False
    trigger: Trigger | None = None
    stop_loss: ProtectiveLeg | None = None
    take_profit: ProtectiveLeg | None = None
    slippage_max: Rate | None = None

    def __attrs_post_init__(self) -> None:
        if self.qty <= ZERO_QTY:
            raise ValueError(f"quantity {self.qty} of {self.client_id}: must be above zero")
        if (self.kind is OrderKind.LIMIT) != (self.price is not None):
            raise ValueError(
                f"{self.kind.value} order {self.client_id} with price {self.price}: "
                "a limit order needs a price, a market order takes none"
            )
        if self.reduce_only and (self.stop_loss is not None or self.take_profit is not None):
            raise ValueError(
                f"reduce-only order {self.client_id} carries a take-profit or stop-loss: "
                "the venue allows them on opening orders only"
            )
        if self.kind is OrderKind.MARKET and self.time_in_force is TimeInForce.POST_ONLY:
            raise ValueError(f"market order {self.client_id} cannot be post-only")


def _only_reduces(_: object, __: object, order: OrderRequest) -> None:
    if not order.reduce_only:
        raise ValueError(
            f"order {order.client_id} is not reduce-only: only `judge` may approve an order "
            "that can add to a position"
        )


@attrs.frozen
class Reduction:
    """An order that can only reduce or close a position; it needs no approval."""

    order: OrderRequest = attrs.field(validator=_only_reduces)
