"""Faults of requests: which of the next ones fails, before or after it had its effect, and how.

Pure bookkeeping. Who handles a request asks :meth:`Faults.take_request` (REST) or
:meth:`Faults.take_trade` (the trade stream), and does what it is told.
"""

import enum
from collections.abc import Mapping
from types import MappingProxyType

import attrs

__all__ = [
    "Action",
    "AnswerCode",
    "CutBody",
    "Drop",
    "Faults",
    "Hang",
    "HttpStatus",
    "RequestFault",
    "SlowBody",
    "Stage",
    "Target",
    "Wire",
]


class Stage(enum.Enum):
    """Whether the request fails before its effect, or only its answer suffers."""

    BEFORE = "before"
    AFTER = "after"


@attrs.frozen
class AnswerCode:
    """Answer with a business code; ``headers`` go over those of the rate limit."""

    code: int
    message: str
    headers: Mapping[str, str] = MappingProxyType({})


@attrs.frozen
class HttpStatus:
    """Answer with an HTTP status and a body that is not the venue's envelope."""

    status: int
    body: str = ""
    content_type: str = "text/html"


@attrs.frozen
class Hang:
    """Never answer, and keep the connection open."""


@attrs.frozen
class Drop:
    """Reset the connection instead of an answer."""


@attrs.frozen
class SlowBody:
    """Answer in full, ``ms`` late."""

    ms: int


@attrs.frozen
class CutBody:
    """Send the head and a part of the body, then reset the connection."""


Action = AnswerCode | HttpStatus | Hang | Drop | SlowBody | CutBody


@attrs.frozen(kw_only=True)
class RequestFault:
    """What happens to one request."""

    stage: Stage
    action: Action


class Target(enum.Enum):
    """Which requests a fault waits for."""

    ORDERS = "requests that place, amend or cancel orders"
    REQUESTS = "requests that change something"
    QUERIES = "queries of an account"
    ANY = "every request"


class Wire(enum.Enum):
    """The way that a request comes."""

    REST = "rest"
    TRADE_STREAM = "trade stream"


_CHANGES_IN_POSITIONS = (
    "set-",
    "switch-",
    "trading-stop",
    "add-margin",
    "move-positions",
    "confirm-pending-mmr",
)
_CHANGES_IN_ACCOUNTS = ("set-", "demo-apply-money")
_ORDER_CHANGES = ("create", "amend", "cancel", "disconnected-cancel-all")


def _is_change(path: str) -> bool:
    match path.strip("/").split("/"):
        case ["v5", "position", name]:
            return name.startswith(_CHANGES_IN_POSITIONS)
        case ["v5", "account", name]:
            return name.startswith(_CHANGES_IN_ACCOUNTS)
        case _:
            return _is_order_change(path)


def _is_order_change(path: str) -> bool:
    match path.strip("/").split("/"):
        case ["v5", "order", name]:
            return name.startswith(_ORDER_CHANGES)
        case _:
            return False


def _is_query(path: str) -> bool:
    return not path.startswith("/v5/market/") and not _is_change(path)


def _fits(target: Target | str, path: str) -> bool:
    match target:
        case Target.ORDERS:
            return _is_order_change(path)
        case Target.REQUESTS:
            return _is_change(path)
        case Target.QUERIES:
            return _is_query(path)
        case Target.ANY:
            return True
        case str():
            return path == target


@attrs.define(kw_only=True)
class _Planned:
    fault: RequestFault
    target: Target | str
    wires: frozenset[Wire]
    skip: int
    left: int


@attrs.define
class _BatchPlan:
    items: frozenset[int]
    answer: AnswerCode


class Faults:
    """The faults that wait for their requests, oldest first."""

    def __init__(self) -> None:
        self._planned: list[_Planned] = []
        self._batches: list[_BatchPlan] = []
        self._batch: _BatchPlan | None = None

    def plan(
        self,
        fault: RequestFault,
        *,
        target: Target | str = Target.REQUESTS,
        wires: frozenset[Wire] = frozenset(Wire),
        skip: int = 0,
        count: int = 1,
    ) -> None:
        """Let ``fault`` happen to the next ``count`` requests that fit, after ``skip`` others.

        ``target`` is a kind of request or the exact path of one, such as ``/v5/order/create``.

        Raises:
            ValueError: ``skip`` is negative or ``count`` is below one.

        """
        if skip < 0 or count < 1:
            raise ValueError(f"skip {skip}, count {count}: skip is 0 or more, count 1 or more")
        self._planned.append(
            _Planned(fault=fault, target=target, wires=wires, skip=skip, left=count)
        )

    def take_request(self, path: str) -> RequestFault | None:
        """Return what happens to this REST request; a fault is used up by being returned."""
        return self._take(path, Wire.REST)

    def take_trade(self, operation: str) -> RequestFault | None:
        """Return what happens to this operation of the trade stream, such as ``order.create``."""
        return self._take("/v5/" + operation.replace(".", "/", 1), Wire.TRADE_STREAM)

    def _take(self, path: str, wire: Wire) -> RequestFault | None:
        for planned in self._planned:
            if wire not in planned.wires or not _fits(planned.target, path):
                continue
            if planned.skip > 0:
                planned.skip -= 1
                continue
            planned.left -= 1
            if planned.left == 0:
                self._planned.remove(planned)
            return planned.fault
        return None

    def plan_batch(self, items: frozenset[int], answer: AnswerCode) -> None:
        """Refuse the items of the next batch at these places, counted from zero.

        Raises:
            ValueError: no place at all, or one below zero.

        """
        if not items or min(items) < 0:
            raise ValueError(f"items {sorted(items)}: places from 0 up are accepted, at least one")
        self._batches.append(_BatchPlan(items, answer))

    def take_batch_item(self, index: int) -> AnswerCode | None:
        """Return the refusal of one item of a batch; item 0 begins the batch."""
        if index == 0:
            self._batch = self._batches.pop(0) if self._batches else None
        if self._batch is None or index not in self._batch.items:
            return None
        return self._batch.answer

    @property
    def waiting(self) -> int:
        """How many faults still wait for a request."""
        return sum(planned.left for planned in self._planned) + len(self._batches)

    def clear(self) -> None:
        """Forget every fault that still waits."""
        self._planned.clear()
        self._batches.clear()
        self._batch = None
