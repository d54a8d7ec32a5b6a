"""The checks that need no key: connection, clock, instrument, public stream."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Protocol

from tidegate.domain.instrument import Instrument, InstrumentStatus
from tidegate.domain.orders import Symbol
from tidegate.ports.preflight import Check, Finding, PreflightPort

from .preflight_asking import ask, guarded, skipped
from .preflight_rules import PreflightRules
from .rest import Call, RestClient

__all__ = [
    "MarketPreflight",
    "MarketProbe",
    "look_at_clock",
    "look_at_connection",
    "look_at_instruments",
    "stream_finding",
]

_STREAM_SAYS: Mapping[Check, str] = MappingProxyType(
    {
        Check.PRIVATE_STREAM: "connected, authenticated, subscribed",
        Check.PUBLIC_STREAM: "connected, subscribed, prices came",
    }
)
_FIREWALL = "see whether a firewall lets WebSockets out"


class MarketProbe(Protocol):
    """Opens the public stream for a moment; returns why it did not work in time, or ``None``."""

    def public(self, timeout_ms: int) -> str | None:
        """Subscribe to the symbols' prices and wait for fresh ones."""


class MarketPreflight(PreflightPort):
    """The checks of a desk that only reads the market; what needs a failed one is skipped."""

    def __init__(
        self,
        *,
        client: RestClient,
        instrument: Callable[[Symbol], Instrument],
        rules: PreflightRules,
        probe: MarketProbe,
    ) -> None:
        self._client = client
        self._read = instrument
        self._rules = rules
        self._probe = probe

    def run(self, *, is_fixing: bool = False) -> tuple[Finding, ...]:
        """See :meth:`PreflightPort.run`; there is nothing that fixing could change."""
        del is_fixing
        client, rules = self._client, self._rules
        connection = guarded(Check.CONNECTION, lambda: look_at_connection(client, rules))
        if not connection.is_ok:
            behind = (Check.CLOCK, Check.INSTRUMENT, Check.PUBLIC_STREAM)
            return (connection, *(skipped(check, Check.CONNECTION) for check in behind))
        clock = guarded(Check.CLOCK, lambda: look_at_clock(client, rules))
        instrument = guarded(Check.INSTRUMENT, lambda: look_at_instruments(self._read, rules))
        return connection, clock, instrument, self._stream(instrument)

    def _stream(self, instrument: Finding) -> Finding:
        if not instrument.is_ok:
            return skipped(Check.PUBLIC_STREAM, Check.INSTRUMENT)
        trouble = self._probe.public(self._rules.stream_start_ms)
        return stream_finding(Check.PUBLIC_STREAM, trouble, remedy=_FIREWALL)


def look_at_connection(client: RestClient, rules: PreflightRules) -> Finding:
    """See whether the venue answers at all.

    Raises:
        AskRefused: it answered with an error.
        QueryFailed: it gave no usable answer.

    """
    ask(client, Call.TIME)
    return Finding(check=Check.CONNECTION, is_ok=True, what=f"{rules.kind.value} answers")


def look_at_clock(client: RestClient, rules: PreflightRules) -> Finding:
    """Measure how far this machine's clock is from the venue's, to half a round trip."""
    client.clock.forget()
    lead_ms = -client.sync_clock()
    limit_ms = rules.clock_offset_ms_max
    side = "ahead of" if lead_ms > 0 else "behind"
    what = f"this machine's clock is {abs(lead_ms):,} ms {side} the venue's"
    if abs(lead_ms) <= limit_ms:
        return Finding(check=Check.CLOCK, is_ok=True, what=what)
    return Finding(
        check=Check.CLOCK,
        is_ok=False,
        what=f"{what}, at most {limit_ms:,} ms are accepted",
        remedy="synchronise the machine's clock (NTP), or raise bybit.clock_offset_ms_max",
    )


def look_at_instruments(read: Callable[[Symbol], Instrument], rules: PreflightRules) -> Finding:
    """Read each symbol's specification as the desk will: complete, and open for trading."""
    specs = [read(symbol) for symbol in sorted(rules.symbols)]
    shut = [s for s in specs if s.status is not InstrumentStatus.TRADING]
    if not shut:
        names = ", ".join(spec.symbol for spec in specs)
        return Finding(check=Check.INSTRUMENT, is_ok=True, what=f"{names} trading")
    said = ", ".join(f"{spec.symbol} is {spec.status.value}" for spec in shut)
    return Finding(
        check=Check.INSTRUMENT,
        is_ok=False,
        what=f"{said}: the venue opens no position there",
        remedy="trade another symbol (setting: symbol)",
    )


def stream_finding(check: Check, trouble: str | None, *, remedy: str) -> Finding:
    """Say whether a stream worked; ``trouble`` is why it did not."""
    if trouble is None:
        return Finding(check=check, is_ok=True, what=_STREAM_SAYS[check])
    return Finding(check=check, is_ok=False, what=trouble, remedy=remedy)
