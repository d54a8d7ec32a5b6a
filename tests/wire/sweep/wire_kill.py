"""Kills a desk's process from outside, by what crosses the wire: a request, an answer, a push.

A request that kills is not passed on, so the venue never gets it; an answer or push that kills is
not passed on either, so the venue has acted and the desk never learns of it from there.
"""

import os
import signal
from collections import Counter
from collections.abc import Sequence

from tests.wire.tap import Conversation, Push, Request

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
        self._seen: dict[tuple[int, bool], tuple[int, int]] = {}
        self.passed: Counter[str] = Counter()
        self.pid: int | None = None
        self.has_killed = False

    def __call__(self, conversation: Conversation, is_sent: bool) -> bool:
        """Count what is whole by now, and kill at the point. Nothing passes after that."""
        if self.has_killed:
            return False
        for place in self._new_places(conversation, is_sent=is_sent):
            self.passed[place] += 1
            if place == self._place and self.passed[place] == self._ordinal:
                self._kill()
        return not self.has_killed

    def _new_places(self, conversation: Conversation, *, is_sent: bool) -> Sequence[str]:
        requests, answers, pushes = conversation.exchanges()
        key = (id(conversation), is_sent)
        first, second = self._seen.get(key, (0, 0))
        if is_sent:
            self._seen[key] = (len(requests), 0)
            return [f"request {name}" for one in requests[first:] if (name := _name(one))]
        heard = [push for push in pushes if not push.is_sent]
        self._seen[key] = (len(answers), len(heard))
        named = [f"answer {name}" for one in answers[first:] if (name := _name(one.request))]
        return [*named, *_topics(heard[second:])]

    def _kill(self) -> None:
        assert self.pid is not None, "nobody lives"
        os.kill(self.pid, signal.SIGKILL)
        self.has_killed = True

    def revive(self) -> None:
        """Let everything pass again, for the next life."""
        self._place, self.has_killed, self.pid = None, False, None


def _topics(pushes: Sequence[Push]) -> Sequence[str]:
    told = [push.json for push in pushes if push.path == _PRIVATE]
    return [f"push {str(push['topic']).split('.')[0]}" for push in told if "topic" in push]


def _name(request: Request) -> str | None:
    name = _PATHS.get(request.path)
    if name != "create":
        return name
    return "create reducing" if request.json.get("reduceOnly") else "create entry"
