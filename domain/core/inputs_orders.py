"""What an operator asks of single orders, and how the venue answers a change."""

import attrs
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import ClientId, ProtectiveLeg, Symbol, TimeInForce
from tidegate.domain.triggers import TriggerSpec

from .effects import AmendOrder

__all__ = [
    "AmendAnswered",
    "AmendRequest",
    "CancelRequest",
    "MassCancelRequest",
    "ReduceRequest",
]


@attrs.frozen(kw_only=True)
class ReduceRequest:
    """Reduce the position of a symbol by an order of any family, under the key ``key``.

    ``qty`` is in base coin and capped at the position; ``None`` is all of it. Without a ``price``
    the order goes at market. ``close_on_trigger`` lets the venue make room for it when it fires.
    In HALTED only an operator may reduce.
    """

    key: str
    symbol: Symbol
    qty: Qty | None = None
    price: Price | None = None
    time_in_force: TimeInForce | None = None
    trigger: TriggerSpec | None = None
    close_on_trigger: bool = False
    by_operator: bool = True


@attrs.frozen(kw_only=True)
class AmendRequest:
    """Change a resting order of ours; ``None`` leaves a value as it is.

    ``qty`` is the new total in base coin. A leg at price zero is taken away.
    """

    key: str
    client_id: ClientId
    qty: Qty | None = None
    price: Price | None = None
    trigger_price: Price | None = None
    stop_loss: ProtectiveLeg | None = None
    take_profit: ProtectiveLeg | None = None


@attrs.frozen(kw_only=True)
class CancelRequest:
    """Cancel one order of ours, or all of ours, of one symbol where it is given."""

    key: str
    client_id: ClientId | None = None
    symbol: Symbol | None = None


@attrs.frozen(kw_only=True)
class MassCancelRequest:
    """Cancel every order of a symbol or of the account, foreign ones too.

    What protects a position stays, unless ``with_stops`` asks for it by name.
    """

    key: str
    symbol: Symbol | None = None
    with_stops: bool = False


@attrs.frozen(kw_only=True)
class AmendAnswered:
    """The request ``asked`` was answered, or broke: ``refusal`` is set where it had no effect.

    Whatever it is, only the order's record says what the order is now.
    """

    asked: AmendOrder
    refusal: str | None
