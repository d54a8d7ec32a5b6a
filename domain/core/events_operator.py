"""Events about what an operator asked: refusals, changes, rungs given up, mass cancels."""

import attrs
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import ClientId, OrderRequest, Symbol
from tidegate.domain.risk.verdict import Breach, Missing
from tidegate.domain.signal import Signal

__all__ = [
    "AmendIntended",
    "AmendRejected",
    "AmendSettled",
    "CancelRequested",
    "MassCancelEnded",
    "MassCancelStarted",
    "RequestRefused",
    "RungsDropped",
]


@attrs.frozen(kw_only=True)
class RequestRefused:
    """What was asked under ``key`` was refused, and nothing was sent; changes no books.

    ``fault`` says why, or ``breaches`` and ``missing`` name every rule that failed. ``largest`` is
    the largest quantity that would have passed, ``None`` where size was not the matter.
    """

    key: str
    symbol: Symbol | None
    client_id: ClientId | None
    fault: str | None
    breaches: tuple[Breach, ...] = ()
    missing: tuple[Missing, ...] = ()
    largest: Qty | None = None
    time_ms: int


@attrs.frozen(kw_only=True)
class AmendIntended:
    """A change of a resting order, recorded before it is sent.

    ``request`` is the order as it is wanted. For an entry ``signal`` is the plan that stands behind
    it from then on and ``worst_price`` the worst fill allowed for; both are ``None`` for an exit.
    """

    key: str
    client_id: ClientId
    request: OrderRequest
    signal: Signal | None
    worst_price: Price | None
    time_ms: int


@attrs.frozen(kw_only=True)
class AmendRejected:
    """The venue refused a change; what the order is, its record says."""

    client_id: ClientId
    message: str


@attrs.frozen(kw_only=True)
class AmendSettled:
    """The venue's record showed what a changed order is; ``shown_ms`` is the time of the record."""

    client_id: ClientId
    request: OrderRequest
    shown_ms: int
    time_ms: int


@attrs.frozen(kw_only=True)
class CancelRequested:
    """An operator asked that the orders ``client_ids`` end; changes no books by itself."""

    key: str
    client_ids: tuple[ClientId, ...]
    time_ms: int


@attrs.frozen(kw_only=True)
class RungsDropped:
    """An operator gave up rungs of a ladder: they are not placed again."""

    symbol: Symbol
    numbers: tuple[int, ...]
    time_ms: int


@attrs.frozen(kw_only=True)
class MassCancelStarted:
    """An operator's cancel of every order began; ``symbol`` is ``None`` for the whole account."""

    key: str
    symbol: Symbol | None
    with_stops: bool
    time_ms: int


@attrs.frozen(kw_only=True)
class MassCancelEnded:
    """It ended; ``remaining`` names what is still open and should not be."""

    key: str
    remaining: tuple[str, ...]
    time_ms: int
