"""Changes of the account and of a position's margin, from domain values to outcomes of the port.

What a setting is is read first: one that is as wanted already is not sent, since some endpoints
answer "not modified" and others success. The margin mode is changed on a flat account alone: the
venue itself would change it with positions too, where their margin allows it.
"""

from collections.abc import Callable

from tidegate.domain.money import Money
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import MarginMode, RejectReason, UnreadableReport
from tidegate.ports.account import PartialStop
from tidegate.ports.exchange import Done, QueryFailed, Rejected, Unknown

from .account_queries import AccountQueries
from .outcomes import done, not_modified
from .queries import StateQueries
from .replies import Answered, Refused, Reply
from .rest import Call, Lane, RestClient
from .wire.account_requests import (
    auto_add_margin_body,
    collateral_body,
    margin_body,
    margin_mode_body,
    partial_stop_body,
)
from .wire.fields import Row, Unreadable
from .wire.requests import Body, Unsendable

__all__ = ["AccountChanges"]

Outcome = Done | Rejected | Unknown


class AccountChanges:
    """Settings of one account. Any thread may call; what a venue may answer is never raised."""

    def __init__(self, rest: RestClient) -> None:
        self._rest = rest
        self._states = StateQueries(rest)
        self._account = AccountQueries(rest)

    def add_partial_stop(self, stop: PartialStop) -> Outcome:
        """Add a pair of legs; there is nothing that could stand already.

        Outcomes and errors: see :meth:`AccountPort.add_partial_stop`.
        """
        return self._done(Call.TRADING_STOP, partial_stop_body(stop), Lane.SAFETY)

    def add_margin(self, symbol: Symbol, amount: Money) -> Outcome:
        """Add to a position's margin, or take back.

        Outcomes and errors: see :meth:`AccountPort.add_margin`.
        """
        try:
            body = margin_body(symbol, amount)
        except Unsendable as error:
            return self._refused(RejectReason.INVALID_PARAMETER, str(error))
        return self._done(Call.ADD_MARGIN, body, Lane.SAFETY)

    def set_auto_add_margin(self, symbol: Symbol, *, on: bool) -> Outcome:
        """Choose whether margin is added by itself.

        Outcomes and errors: see :meth:`AccountPort.set_auto_add_margin`.
        """

        def is_set() -> bool:
            return self._states.position(symbol, lane=Lane.SAFETY).auto_add_margin is on

        body = auto_add_margin_body(symbol, on=on)
        return self._set(is_set, Call.SET_AUTO_ADD_MARGIN, body, Lane.SAFETY)

    def set_collateral(self, coin: str, *, on: bool) -> Outcome:
        """Choose whether a coin counts as margin.

        Outcomes and errors: see :meth:`AccountPort.set_collateral`.
        """

        def is_set() -> bool:
            shown = self._account.collateral(coin, lane=Lane.ORDERS)
            return any(row.coin == coin and row.is_on is on for row in shown)

        return self._set(is_set, Call.SET_COLLATERAL, collateral_body(coin, on=on), Lane.ORDERS)

    def set_margin_mode(self, mode: MarginMode) -> Outcome:
        """Set the margin mode of a flat account.

        Outcomes and errors: see :meth:`AccountPort.set_margin_mode`.
        """
        try:
            if self._states.margin_mode() is mode:
                return self._already()
            what_is_there = self._what_is_there()
        except (QueryFailed, Unreadable) as error:
            return self._refused(RejectReason.OTHER, f"not sent: {error}")
        if what_is_there:
            return self._refused(
                RejectReason.OTHER,
                f"margin mode {mode.value} is not set while there is {what_is_there}; accepted is "
                "a flat account without any order",
            )
        reply = self._rest.change(Call.SET_MARGIN_MODE, margin_mode_body(mode), lane=Lane.ORDERS)
        return self._margin_mode_outcome(reply, mode)

    def _what_is_there(self) -> str | None:
        """Return what keeps the account from being flat; what cannot be read counts."""
        unread: list[UnreadableReport] = []
        held = self._states.positions(unread.append)
        resting = self._states.open_orders(None, unread.append)
        symbols = sorted({row.symbol for row in held} | {row.symbol for row in resting})
        if symbols:
            return f"a position or an order of {', '.join(symbols)}"
        return f"what could not be read ({unread[0]})" if unread else None

    def _margin_mode_outcome(self, reply: Reply, mode: MarginMode) -> Outcome:
        outcome = done(reply, now_ms=self._rest.clock.now_ms())
        reasons = _reasons(reply)
        match outcome:
            case Done() if reasons:
                return self._refused(RejectReason.OTHER, f"margin mode {mode.value}: {reasons}")
            case Rejected() if not_modified(outcome):
                return self._shown_or(outcome, lambda: self._states.margin_mode() is mode)
            case Rejected(message=message) if reasons:
                return Rejected(
                    reason=outcome.reason,
                    code=outcome.code,
                    message=f"{message}: {reasons}",
                    time_ms=outcome.time_ms,
                )
            case _:
                return outcome

    def _set(self, is_set: Callable[[], bool], call: Call, body: Body, lane: Lane) -> Outcome:
        """Look first, send what is not so, and believe "not modified" only when it shows."""
        try:
            if is_set():
                return self._already()
        except (QueryFailed, Unreadable) as error:
            return self._refused(RejectReason.OTHER, f"not sent: {error}")
        outcome = self._done(call, body, lane)
        return self._shown_or(outcome, is_set) if not_modified(outcome) else outcome

    def _shown_or(self, outcome: Outcome, is_set: Callable[[], bool]) -> Outcome:
        try:
            return self._already() if is_set() else outcome
        except (QueryFailed, Unreadable):
            return outcome

    def _done(self, call: Call, body: Body, lane: Lane) -> Outcome:
        return done(self._rest.change(call, body, lane=lane), now_ms=self._rest.clock.now_ms())

    def _already(self) -> Done:
        return Done(time_ms=self._rest.clock.now_ms(), was_already=True)

    def _refused(self, reason: RejectReason, message: str) -> Rejected:
        now_ms = self._rest.clock.now_ms()
        return Rejected(reason=reason, code=None, message=message, time_ms=now_ms)


def _reasons(reply: Reply) -> str:
    """Return why the margin mode was not set: ``result.reasons``, empty where there are none."""
    if not isinstance(reply, Answered | Refused):
        return ""
    reasons = reply.result.get("reasons")
    if not isinstance(reasons, list):
        return ""
    rows = [Row("reason", row) for row in reasons if isinstance(row, dict)]
    return "; ".join(
        f"{row.fields.get('reasonCode', '')} {row.fields.get('reasonMsg', '')}".strip()
        for row in rows
    )
