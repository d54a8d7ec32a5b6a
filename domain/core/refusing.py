"""How a request of an operator is refused: with every reason, and on the record."""

from tidegate.domain.limits_venue import VenueFault
from tidegate.domain.orders import ClientId, Symbol
from tidegate.domain.risk.judge import Refused

from .draft import Draft
from .events import RequestRefused

__all__ = ["refuse_request", "words_of"]


def refuse_request(
    draft: Draft,
    key: str,
    why: str | Refused,
    *,
    symbol: Symbol | None = None,
    client_id: ClientId | None = None,
) -> None:
    """Record that what was asked under ``key`` is refused, by a fault in words or by the judge."""
    judged = None if isinstance(why, str) else why
    draft.emit(
        RequestRefused(
            key=key,
            symbol=symbol,
            client_id=client_id,
            fault=why if isinstance(why, str) else None,
            breaches=() if judged is None else judged.breaches,
            missing=() if judged is None else judged.missing,
            largest=None if judged is None else judged.largest,
            time_ms=draft.now_ms,
        )
    )


def words_of(faults: tuple[VenueFault, ...]) -> str:
    """Say what the venue would not take: each value, its limit, and what would be accepted."""
    texts = (f"{f.rule.value} {f.observed}; limit: {f.limit}; {f.remedy}" for f in faults)
    return "; ".join(texts)
