"""Faults of the next requests, by hand: lost, refused, late, cut, answered with nonsense."""

from collections.abc import Mapping
from types import MappingProxyType

from .control_base import ControlBase
from .faults import (
    Action,
    AnswerCode,
    CutBody,
    Drop,
    Hang,
    HttpStatus,
    RequestFault,
    SlowBody,
    Stage,
    Target,
    Wire,
)

__all__ = ["RequestControl"]

BAD_GATEWAY = "<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>"

NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class RequestControl(ControlBase):
    """Plans what happens to the next requests, over REST and on the trade stream alike.

    ``target`` is the kind of request, or the exact path of one such as ``/v5/order/create``;
    ``count`` is how many suffer. Faults wait in the order in which they were planned.
    """

    def lose_next_request(
        self, target: Target | str = Target.REQUESTS, count: int = 1, hangs: bool = False
    ) -> None:
        """Let the next request have no effect and no answer: a reset, or silence (``hangs``)."""
        self._plan(Stage.BEFORE, Hang() if hangs else Drop(), target, count)

    def lose_next_answer(
        self, target: Target | str = Target.REQUESTS, count: int = 1, hangs: bool = False
    ) -> None:
        """Let the next request have its effect and no answer."""
        self._plan(Stage.AFTER, Hang() if hangs else Drop(), target, count)

    def lose_next_trade_ack(self, count: int = 1) -> None:
        """Let the next operation of the trade stream have its effect and no answer."""
        fault = RequestFault(stage=Stage.AFTER, action=Hang())
        self._call(
            lambda exchange: exchange.faults.plan(
                fault, target=Target.ORDERS, wires=frozenset({Wire.TRADE_STREAM}), count=count
            )
        )

    def refuse_next(
        self,
        code: int,
        message: str,
        target: Target | str = Target.REQUESTS,
        count: int = 1,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> None:
        """Refuse the next request with a code and a text; it has no effect."""
        self._plan(Stage.BEFORE, AnswerCode(code, message, dict(headers)), target, count)

    def fail_next_query(self, count: int = 1) -> None:
        """Answer the next query of an account with a page of a proxy (HTTP 502)."""
        self._plan(Stage.BEFORE, HttpStatus(502, BAD_GATEWAY), Target.QUERIES, count)

    def answer_http_next(
        self,
        status: int,
        body: str = "",
        target: Target | str = Target.REQUESTS,
        count: int = 1,
        has_effect: bool = False,
    ) -> None:
        """Answer the next request with an HTTP status and a body that is not the envelope."""
        stage = Stage.AFTER if has_effect else Stage.BEFORE
        self._plan(stage, HttpStatus(status, body), target, count)

    def delay_next_answer(
        self, ms: int, target: Target | str = Target.REQUESTS, count: int = 1
    ) -> None:
        """Let the next request have its effect at once and its answer ``ms`` late."""
        self._plan(Stage.AFTER, SlowBody(ms), target, count)

    def cut_next_answer(self, target: Target | str = Target.REQUESTS, count: int = 1) -> None:
        """Reset the connection in the middle of the next answer; the request has its effect."""
        self._plan(Stage.AFTER, CutBody(), target, count)

    def refuse_batch_items(
        self,
        items: frozenset[int],
        code: int = 110007,
        message: str = "ab not enough for new order",
    ) -> None:
        """Refuse these items of the next batch, counted from zero; the others are done."""
        self._call(lambda exchange: exchange.faults.plan_batch(items, AnswerCode(code, message)))

    def clear_faults(self) -> None:
        """Forget every planned fault of requests."""
        self._call(lambda exchange: exchange.faults.clear())

    def faults_waiting(self) -> int:
        """Return how many faults still wait for a request."""
        return self._call(lambda exchange: exchange.faults.waiting)

    def _plan(self, stage: Stage, action: Action, target: Target | str, count: int) -> None:
        fault = RequestFault(stage=stage, action=action)
        self._call(lambda exchange: exchange.faults.plan(fault, target=target, count=count))
