"""Private topics: which there are, which may stand together, and the frame that each is sent."""

from collections.abc import Collection, Iterator, Mapping
from uuid import uuid4

from .accounts import PrivatePush

__all__ = ["frames", "refusal"]

_CATEGORISED = ("order", "execution", "execution.fast", "position")
_CATEGORIES = ("linear", "inverse", "spot", "option")
_SINGLE = frozenset({"wallet", "greeks", "dcp.future", "dcp.option", "dcp.spot"})
_ALL_IN_ONE = frozenset(_CATEGORISED)
_BY_CATEGORY = frozenset(f"{name}.{kind}" for name in _CATEGORISED for kind in _CATEGORIES)

_FAST_FIELDS = (
    "category",
    "symbol",
    "execId",
    "execPrice",
    "execQty",
    "orderId",
    "isMaker",
    "orderLinkId",
    "side",
    "execTime",
    "seq",
)


def refusal(topics: Collection[str]) -> str | None:
    """Return why these cannot be subscribed to in one request; ``None`` when they can.

    All-in-one names and names with a category do not go together (Bybit V5, websocket private).
    """
    for topic in topics:
        if topic not in _ALL_IN_ONE | _BY_CATEGORY | _SINGLE:
            return f"error:handler not found,topic:{topic}"
    if _ALL_IN_ONE.intersection(topics) and _BY_CATEGORY.intersection(topics):
        return f"error:all-in-one and categorised topics in one request,topic:{','.join(topics)}"
    return None


def frames(push: PrivatePush, subscribed: Collection[str]) -> Iterator[Mapping[str, object]]:
    """Yield what a client with these topics is sent for a push, under the text it subscribed to."""
    for topic in (push.topic, f"{push.topic}.linear"):
        if topic in subscribed:
            yield _frame(topic, push, list(push.rows))
    if push.topic != "execution":
        return
    fast = [_fast(row) for row in push.rows if row["execType"] == "Trade"]
    for topic in ("execution.fast", "execution.fast.linear"):
        if fast and topic in subscribed:
            yield _frame(topic, push, fast)


def _frame(topic: str, push: PrivatePush, rows: list[dict[str, object]]) -> Mapping[str, object]:
    return {
        "id": str(uuid4()),
        "topic": topic,
        "creationTime": push.creation_ms,
        "data": rows,
    }


def _fast(row: Mapping[str, object]) -> dict[str, object]:
    """Return the row of ``execution.fast``; makers get no ``orderLinkId``."""
    fast = {name: row[name] for name in _FAST_FIELDS}
    return {**fast, "orderLinkId": ""} if row["isMaker"] else fast
