"""Scripted faults of requests and queries, used up in the order in which they were scripted."""

import attrs
from tidegate.domain.reports import RejectReason
from tidegate.ports.exchange import QueryFailed

from .options import Arrival, RequestKind

__all__ = ["Faults", "Refusal"]


@attrs.frozen(kw_only=True)
class Refusal:
    """Why the venue refuses a request; ``code`` is the venue's number (Bybit V5 ``retCode``)."""

    reason: RejectReason
    code: int | None
    message: str


@attrs.frozen
class _Planned:
    aim: RequestKind | None
    fault: Refusal | Arrival


@attrs.frozen
class _PlannedItems:
    places: frozenset[int]
    refusal: Refusal


@attrs.define
class Faults:
    """What goes wrong next."""

    _requests: list[_Planned] = attrs.field(factory=list)
    _batches: list[_PlannedItems] = attrs.field(factory=list)
    _failing_queries: int = 0

    def plan(self, fault: Refusal | Arrival, aim: RequestKind | None) -> None:
        """Let the next request (of kind ``aim``, if given) meet ``fault``."""
        self._requests.append(_Planned(aim, fault))

    def take(self, kind: RequestKind) -> Refusal | Arrival | None:
        """Use up and return the first fault that a request of ``kind`` meets.

        A ``Refusal`` is the answer; an ``Arrival`` says that request or answer is lost; ``None``:
        no fault.
        """
        for planned in self._requests:
            if planned.aim in (None, kind):
                self._requests.remove(planned)
                return planned.fault
        return None

    def plan_items(self, places: frozenset[int], refusal: Refusal) -> None:
        """Let the orders at these places of the next batch that is answered meet ``refusal``."""
        self._batches.append(_PlannedItems(places, refusal))

    def take_items(self) -> dict[int, Refusal]:
        """Use up and return what the orders of one batch meet, by their place."""
        if not self._batches:
            return {}
        planned = self._batches.pop(0)
        return dict.fromkeys(planned.places, planned.refusal)

    def fail_queries(self, count: int) -> None:
        """Let the next ``count`` queries fail; zero ends an earlier plan."""
        self._failing_queries = count

    def query(self, name: str) -> None:
        """Count one query.

        Raises:
            QueryFailed: when the script lets this one fail.

        """
        if self._failing_queries > 0:
            self._failing_queries -= 1
            raise QueryFailed(f"{name}: no answer from the venue (scripted)")
