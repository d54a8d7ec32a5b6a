"""How the checks before trading ask the venue, and how a failed question becomes a finding."""

from collections.abc import Callable, Mapping

from tidegate.ports.exchange import QueryFailed, VenueError
from tidegate.ports.preflight import Check, Finding, Severity

from .replies import Answered, Refused
from .rest import Call, Lane, RestClient, why_not

__all__ = ["AskRefused", "ask", "guarded", "skipped", "text_of", "unanswered"]


_SIGNED_TEXT = "origin_string"


class AskRefused(QueryFailed):
    """The venue answered a question with a code of its own other than 0.

    What the venue repeats of the signed text is left out: the API key is part of it.
    """

    def __init__(self, code: int, message: str) -> None:
        shown = message.partition(_SIGNED_TEXT)[0].strip()
        super().__init__(f"{shown or 'no text'} (code {code})")
        self.code = code


def ask(client: RestClient, call: Call, params: Mapping[str, object] | None = None) -> Answered:
    """Return the answer to a request that trades nothing.

    Raises:
        AskRefused: the venue answered with another code than 0.
        QueryFailed: there was no usable answer.

    """
    reply = client.change(call, params or {}, lane=Lane.READS)
    match reply:
        case Answered():
            return reply
        case Refused():
            raise AskRefused(reply.code, reply.message)
        case _:
            raise QueryFailed(why_not(reply))


def guarded(check: Check, look: Callable[[], Finding]) -> Finding:
    """Return what ``look`` finds; a question without a usable answer is a finding too."""
    try:
        return look()
    except VenueError as error:
        return unanswered(check, error)


def unanswered(check: Check, error: VenueError) -> Finding:
    """Return that a check could not be made, and why."""
    return Finding(
        check=check,
        is_ok=False,
        what=f"the venue gave no usable answer: {error}",
        remedy="try again; if it stays so, look at the venue's status page",
    )


def skipped(check: Check, because: Check) -> Finding:
    """Return that a check was not made, because an earlier one failed."""
    return Finding(
        check=check,
        is_ok=False,
        severity=Severity.SKIPPED,
        what=f"not looked at: {because.value} failed",
        remedy=f"mend {because.value} first",
    )


def text_of(row: Mapping[str, object], name: str) -> str:
    """Return a field as text, empty where it is absent."""
    value = row.get(name)
    return "" if value is None else str(value)
