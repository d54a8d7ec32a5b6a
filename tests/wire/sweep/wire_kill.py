"""Kills a desk's process from outside, by what crosses the wire: a request, an answer, a push.

A request that kills is not passed on, so the venue never gets it; an answer or push that kills is
not passed on either, so the venue has acted and the desk never learns of it from there.
"""

import os
import signal
from collections import Counter
from collections.abc import Sequence

from tests.wire.tap import Conversation, Request

__all__ = ["WireKill"]

_PATHS = {
    "/v5/order/create": "create",
    "/v5/order/amend": "amend",
    "/v5/order/cancel": "cancel",
    "/v5/position/trading-stop": "trading-stop",
    "/v5/position/set-leverage": "set-leverage",
}
_PRIVATE = "/v5/private"


class WireKill:
    """The gate of a tap that ends the process ``pid`` at the ``ordinal``-th passing of a place."""

    def __init__(self, place: str | None, ordinal: int) -> None:
        self._place, self._ordinal = place, ordinal
        self._seen: dict[int, Counter[str]] = {}
        self.passed: Counter[str] = Counter()
        self.pid: int | None = None
        self.has_killed = False

    def __call__(self, conversation: Conversation, is_sent: bool) -> bool:
        """Count what is whole by now, and kill at the point. Nothing passes after that."""
        if self.has_killed:
            return False
        seen = self._seen.setdefault(id(conversation), Counter())
        now = Counter(_places(conversation, is_sent=is_sent))
        for place, count in (now - seen).items():
            before = self.passed[place]
            self.passed[place] += count
            if place == self._place and before < self._ordinal <= before + count:
                self._kill()
        seen |= now
        return not self.has_killed

    def _kill(self) -> None:
        assert self.pid is not None, "nobody lives"
        os.kill(self.pid, signal.SIGKILL)
        self.has_killed = True

    def revive(self) -> None:
        """Let everything pass again, for the next life."""
        self._place, self.has_killed, self.pid = None, False, None


def _places(conversation: Conversation, *, is_sent: bool) -> Sequence[str]:
    requests, answers, pushes = conversation.exchanges()
    if is_sent:
        return [f"request {name}" for request in requests if (name := _name(request))]
    told = [push.json for push in pushes if push.path == _PRIVATE and not push.is_sent]
    topics = [str(push["topic"]).split(".")[0] for push in told if "topic" in push]
    named = [f"answer {name}" for answer in answers if (name := _name(answer.request))]
    return [*named, *(f"push {topic}" for topic in topics)]


def _name(request: Request) -> str | None:
    name = _PATHS.get(request.path)
    if name != "create":
        return name
    return "create reducing" if request.json.get("reduceOnly") else "create entry"
