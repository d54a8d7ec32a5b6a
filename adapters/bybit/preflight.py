"""The check list of an account on Bybit: asked of the venue itself, before anything is sent.

It orders, moves and closes nothing. Every answer is read defensively: what the venue does not say
in a form that is known is a finding with a remedy.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Protocol

from tidegate.ports.exchange import ExchangePort, NotSupported, QueryFailed, VenueError
from tidegate.ports.preflight import Check, Finding, PreflightPort, Severity

from .preflight_account import (
    judge_account,
    judge_balance,
    judge_margin_mode,
    look_at_disconnect,
    look_at_limit_price,
    look_at_position_mode,
)
from .preflight_asking import AskRefused, ask, guarded, skipped, unanswered
from .preflight_key import judge_key
from .preflight_market import (
    MarketProbe,
    look_at_clock,
    look_at_connection,
    look_at_instruments,
    stream_finding,
)
from .preflight_rules import PreflightRules
from .replies import Answered
from .rest import Call, RestClient
from .wire.fields import Unreadable
from .wire.records import api_key

__all__ = ["BybitPreflight", "StreamProbe"]

_CLOCK_CODES = frozenset({10002, -1})
_KEY_REMEDIES: Mapping[int, str] = MappingProxyType(
    {
        10003: "look at the key, and whether it belongs to this environment: demo, test net and "
        "main net each have keys of their own",
        10004: "look at the secret: the signature made with it is not accepted",
        10005: "grant the key contract orders and positions",
        10010: "add this machine's address to those that the key is bound to",
        33004: "the key has expired: make a new one",
    }
)
_BEHIND_KEY = frozenset(
    {
        Check.PERMISSIONS,
        Check.WITHDRAWAL,
        Check.KEY_LIFE,
        Check.ACCOUNT,
        Check.MARGIN_MODE,
        Check.POSITION_MODE,
        Check.FEES,
        Check.BALANCE,
        Check.LIMIT_PRICE,
        Check.RATE_LIMITS,
        Check.DISCONNECT,
        Check.PRIVATE_STREAM,
    }
)
_WITHOUT_STREAMS = (
    "see whether a firewall lets WebSockets out; bybit.streams false does without them"
)


class StreamProbe(MarketProbe, Protocol):
    """Opens a stream for a moment; returns why it did not work in time, ``None`` when it did."""

    def private(self, timeout_ms: int) -> str | None:
        """Authenticate and subscribe to the account's topics."""


class BybitPreflight(PreflightPort):
    """The checks that only the venue can answer, in order; a failed one skips what needs it.

    ``venue`` is the adapter that is going to trade: what it cannot read here it could not read
    later. ``client`` asks what is no part of the exchange port.
    """

    def __init__(
        self,
        *,
        client: RestClient,
        venue: ExchangePort,
        rules: PreflightRules,
        probe: StreamProbe,
    ) -> None:
        self._client = client
        self._venue = venue
        self._rules = rules
        self._probe = probe

    def run(self, *, is_fixing: bool = False) -> tuple[Finding, ...]:
        """See :meth:`PreflightPort.run`; settings, store and the presence of keys are not here."""
        client, rules = self._client, self._rules
        connection = guarded(Check.CONNECTION, lambda: look_at_connection(client, rules))
        if not connection.is_ok:
            order = list(Check)
            behind = order[order.index(Check.CONNECTION) + 1 :]
            return (connection, *(skipped(check, Check.CONNECTION) for check in behind))
        clock = guarded(Check.CLOCK, lambda: look_at_clock(client, rules))
        found = [connection, clock, *self._key()]
        valid = next(finding for finding in found if finding.check is Check.KEYS_VALID)
        found += self._account(is_fixing=is_fixing) if valid.is_ok else self._without_account()
        found += self._streams(has_key=valid.is_ok)
        order = list(Check)
        return tuple(sorted(found, key=lambda finding: order.index(finding.check)))

    def _key(self) -> Iterator[Finding]:
        try:
            answer = ask(self._client, Call.API_KEY)
        except AskRefused as error:
            yield _invalid(error)
        except VenueError as error:
            yield unanswered(Check.KEYS_VALID, error)
        else:
            yield Finding(check=Check.KEYS_VALID, is_ok=True, what="the venue knows the API key")
            yield from self._granted(answer)
            yield _rate_limits(answer)

    def _granted(self, answer: Answered) -> Iterator[Finding]:
        try:
            key = api_key(answer.result)
        except Unreadable as error:
            for check in (Check.PERMISSIONS, Check.WITHDRAWAL, Check.KEY_LIFE):
                yield unanswered(check, QueryFailed(str(error)))
        else:
            yield from judge_key(key, self._rules, self._client.clock.now_ms())

    def _account(self, *, is_fixing: bool) -> list[Finding]:
        client, rules = self._client, self._rules
        return [
            *self._account_info(),
            guarded(Check.POSITION_MODE, lambda: look_at_position_mode(client, rules)),
            guarded(Check.INSTRUMENT, self._instrument),
            guarded(Check.FEES, self._fees),
            guarded(Check.BALANCE, lambda: judge_balance(self._venue.account(), rules)),
            guarded(
                Check.LIMIT_PRICE, lambda: look_at_limit_price(client, rules, is_fixing=is_fixing)
            ),
            guarded(
                Check.DISCONNECT, lambda: look_at_disconnect(client, rules, is_fixing=is_fixing)
            ),
        ]

    def _without_account(self) -> list[Finding]:
        left = [skipped(check, Check.KEYS_VALID) for check in Check if check in _BEHIND_KEY]
        return [*left, guarded(Check.INSTRUMENT, self._instrument)]

    def _account_info(self) -> list[Finding]:
        try:
            row = ask(self._client, Call.ACCOUNT_INFO).result
        except VenueError as error:
            return [unanswered(Check.ACCOUNT, error), skipped(Check.MARGIN_MODE, Check.ACCOUNT)]
        return [judge_account(row), judge_margin_mode(row)]

    def _instrument(self) -> Finding:
        return look_at_instruments(self._venue.instrument, self._rules)

    def _fees(self) -> Finding:
        try:
            rates = {s: self._venue.fee_rates(s) for s in sorted(self._rules.symbols)}
        except NotSupported:
            what = "the venue has no query for them: those of the settings ([costs]) count"
            return Finding(check=Check.FEES, is_ok=True, what=what)
        said = ", ".join(f"{s} taker {r.taker}, maker {r.maker}" for s, r in rates.items())
        return Finding(check=Check.FEES, is_ok=True, what=said)

    def _streams(self, *, has_key: bool) -> Iterator[Finding]:
        for check, open_it in (
            (Check.PRIVATE_STREAM, self._probe.private),
            (Check.PUBLIC_STREAM, self._probe.public),
        ):
            if check is Check.PRIVATE_STREAM and not has_key:
                continue
            if not self._rules.with_streams:
                what = "not used (bybit.streams is false): everything is asked over REST"
                yield Finding(check=check, is_ok=True, what=what)
                continue
            trouble = open_it(self._rules.stream_start_ms)
            yield stream_finding(check, trouble, remedy=_WITHOUT_STREAMS)


def _invalid(error: AskRefused) -> Finding:
    if error.code in _CLOCK_CODES:
        remedy = "synchronise the machine's clock (NTP): the venue takes no request of this time"
    else:
        remedy = _KEY_REMEDIES.get(error.code, "look at the key in the account's API management")
    return Finding(
        check=Check.KEYS_VALID,
        is_ok=False,
        what=f"the venue does not accept the API key: {error}",
        remedy=remedy,
    )


def _rate_limits(answer: Answered) -> Finding:
    limits = answer.limits
    if limits is not None and limits.limit > 0:
        what = f"stated by the venue: {limits.limit} questions about the key a second"
        return Finding(check=Check.RATE_LIMITS, is_ok=True, what=what)
    return Finding(
        check=Check.RATE_LIMITS,
        is_ok=False,
        severity=Severity.WARNING,
        what="the venue's answers do not state the limit that they count against",
        remedy="none needed: the documented default limits are kept instead",
    )
