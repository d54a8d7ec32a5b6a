"""How a scripted venue is set up, and the words its script uses."""

import enum

import attrs
from tidegate.domain.money import Qty, Rate
from tidegate.domain.reports import MarginMode
from tidegate.ports.exchange import Capability

__all__ = ["Arrival", "FillMode", "MemoryOptions", "RequestKind", "ScriptError"]


class ScriptError(Exception):
    """The script asked for something that no venue could do; the message says what and why."""


class FillMode(enum.Enum):
    """Who decides about fills and triggers.

    ``AT_ONCE``: an order fills as soon as the scripted prices reach it, up to the scripted size;
    triggers fire by themselves. ``SCRIPTED``: nothing fills or fires unless the script says so.
    """

    AT_ONCE = "at once"
    SCRIPTED = "scripted"


class Arrival(enum.Enum):
    """What became of a request whose answer never came.

    ``REACHED``: it took effect, the answer was lost. ``LOST``: it never arrived. ``LATE``: it is
    still on its way and takes effect when the script lets it arrive.
    """

    REACHED = "reached"
    LOST = "lost"
    LATE = "late"


class RequestKind(enum.Enum):
    """The requests that change something, to aim a scripted fault at one of them.

    A fault of a batch meets the whole of it. One that is aimed at ``PLACE``, ``AMEND`` or
    ``CANCEL`` meets the next such order, also when it travels in a batch.
    """

    PLACE = "place"
    AMEND = "amend"
    CANCEL = "cancel"
    PLACE_BATCH = "place batch"
    AMEND_BATCH = "amend batch"
    CANCEL_BATCH = "cancel batch"
    CANCEL_ALL = "cancel all"
    POSITION_STOP = "position stop"
    LEVERAGE = "leverage"
    PARTIAL_STOP = "partial stop"
    ACCOUNT = "a setting of the account or of a position's margin"


@attrs.frozen(kw_only=True)
class MemoryOptions:
    """Settings of a scripted venue.

    ``leverage`` is what every symbol starts with. ``depth`` is the size in base coin that one order
    finds at the best price where the script gives no size. The two maxima are per symbol (Bybit V5
    order/create: 500 active orders, 10 conditional orders). ``start_ms`` is the venue's first time.
    """

    fill_mode: FillMode = FillMode.AT_ONCE
    margin_mode: MarginMode = MarginMode.ISOLATED
    leverage: Rate = attrs.field(factory=lambda: Rate.of(10))
    depth: Qty = attrs.field(factory=lambda: Qty.of(1_000_000))
    supported: frozenset[Capability] = frozenset(Capability)
    batch_size_max: int = 10
    not_found_final_ms: int = 0
    active_orders_max: int = 500
    conditional_orders_max: int = 10
    start_ms: int = 1_700_000_000_000
