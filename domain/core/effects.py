"""What the adapters must do, as one closed union. Effects are run after the journal write."""

import attrs
from tidegate.domain.account_settings import AccountSetting
from tidegate.domain.money import Price, Qty, Rate
from tidegate.domain.orders import ClientId, ProtectiveLeg, Reduction, Symbol, VenueOrderId
from tidegate.domain.protection import ProtectionChange
from tidegate.domain.risk.approval import Approved

__all__ = [
    "AmendOrder",
    "ApplySetting",
    "Cancel",
    "Effect",
    "FindOrder",
    "Place",
    "ReadActivity",
    "ReadInstrument",
    "ReadPosition",
    "ReadRecords",
    "SetLeverage",
    "SetProtection",
    "SetStop",
    "TakeInventory",
]


@attrs.frozen(kw_only=True)
class Place:
    """Send an order. ``urgent`` orders (closes, panic) take lanes of their own."""

    order: Approved | Reduction
    urgent: bool


@attrs.frozen(kw_only=True)
class Cancel:
    """Cancel one order, ours by client id, foreign by venue id."""

    symbol: Symbol
    client_id: ClientId | None
    venue_id: VenueOrderId | None


@attrs.frozen(kw_only=True)
class AmendOrder:
    """Change a resting order of ours; ``None`` leaves a value as it is, a leg at zero clears.

    ``urgent`` ones are of orders that only reduce: they do not wait behind entries. A
    ``conditional`` order is one with a trigger, which no batch can change (Bybit V5
    order/batch-amend).
    """

    symbol: Symbol
    client_id: ClientId
    qty: Qty | None = None
    price: Price | None = None
    trigger_price: Price | None = None
    stop_loss: ProtectiveLeg | None = None
    take_profit: ProtectiveLeg | None = None
    urgent: bool = False
    conditional: bool = False


@attrs.frozen(kw_only=True)
class SetLeverage:
    """Set the leverage of a symbol."""

    symbol: Symbol
    leverage: Rate


@attrs.frozen(kw_only=True)
class ApplySetting:
    """Change a setting of the account, and read it back."""

    key: str
    setting: AccountSetting


@attrs.frozen(kw_only=True)
class SetStop:
    """Set the stop of a position for its whole size."""

    symbol: Symbol
    price: Price


@attrs.frozen(kw_only=True)
class SetProtection:
    """Change the protection of a position; ``key`` names the recorded change that it carries."""

    symbol: Symbol
    key: str
    change: ProtectionChange


@attrs.frozen(kw_only=True)
class FindOrder:
    """Ask the live and the history query for one order.

    Where both know nothing of it, executions since ``since_ms`` are read as well, unless it is
    ``None``. It is no part of what is asked: with and without it the question is the same.
    """

    symbol: Symbol
    client_id: ClientId
    since_ms: int | None = attrs.field(default=None, eq=False)


@attrs.frozen(kw_only=True)
class ReadPosition:
    """Ask for one position, to read its stop back."""

    symbol: Symbol


@attrs.frozen(kw_only=True)
class ReadInstrument:
    """Ask for the specification of a symbol that is held and not known."""

    symbol: Symbol


@attrs.frozen(kw_only=True)
class ReadActivity:
    """Ask for executions and funding since a time, and for open orders, positions and account.

    ``unreadable_count`` is how many unreadable messages had come when this was asked, and
    ``stream_changes`` how often the streams had gone up or down. ``wanted`` is the last
    reconciliation that was asked for. ``is_alone`` means that nothing is under way meanwhile.
    """

    since_ms: int
    unreadable_count: int = 0
    stream_changes: int = 0
    wanted: int = 0
    is_alone: bool = False


@attrs.frozen(kw_only=True)
class ReadRecords:
    """Ask for the venue's closed profits since a time. ``wanted`` as in a reading of activity.

    ``changes_since_ms`` asks for the changes of the wallet too, unless it is ``None``.
    """

    since_ms: int
    wanted: int = 0
    changes_since_ms: int | None = None


@attrs.frozen(kw_only=True)
class TakeInventory:
    """Ask for all positions and open orders, for panic."""


Effect = (
    Place
    | Cancel
    | AmendOrder
    | SetLeverage
    | SetStop
    | ApplySetting
    | SetProtection
    | FindOrder
    | ReadPosition
    | ReadInstrument
    | ReadActivity
    | ReadRecords
    | TakeInventory
)
