"""One of several processes on one account: takes signals from its input, and tells what became.

A line of its input is a number; the signal follows from it. A line of its output is JSON.
"""

import json
import random
import sys
from collections.abc import Mapping
from typing import Any

from dependency_injector import providers
from tidegate.application.bybit_container import BybitContainer
from tidegate.application.lifecycle import Application
from tidegate.application.runner import WriterStopped
from tidegate.application.settings import Settings, TimingSettings
from tidegate.application.settings_bybit import BybitSettings
from tidegate.application.settings_state import StateBackend, StateSettings
from tidegate.domain.mode import TradingMode
from tidegate.domain.money import Price, Qty, Rate
from tidegate.domain.orders import Symbol
from tidegate.domain.signal import ExactQty, RungSpec, Signal, StopAtPrice
from tidegate.ports.desk import OpenOutcome, Refused
from tidegate.ports.exchange import VenueError
from tidegate.ports.state import Fenced

from tests.acceptance.storm import INSTRUMENTS, LIMITS, PRICES
from tests.adapters.v5server.bench import KEY, SECRET
from tests.application.bench import signal

__all__ = ["CLOSE_SHARE", "settings_of", "wish"]

CLOSE_SHARE = 0.04
"""How many of the signals are followed by the close of a position, which frees the limit again."""
_WAIT_MS = 60_000
_SEED = 20


def wish(number: int) -> Signal:
    """Return the signal of a number."""
    draw = random.Random(_SEED * 100_000 + number)  # noqa: S311 - a repeatable storm, no secret
    spec = draw.choice(INSTRUMENTS)
    last = float(PRICES[spec.symbol])
    steps = max(1, int(draw.uniform(300, 2_500) / last / float(spec.qty_step.value)))
    return signal(
        f"signal-{number}",
        symbol=spec.symbol,
        sizing=ExactQty(Qty(spec.qty_step.value * steps)),
        stop=StopAtPrice(Price.of(f"{last * 0.97:.0f}")),
        ladder=(RungSpec(Rate.of(2)),) if draw.random() < 0.1 else (),
    )


def settings_of(given: Mapping[str, Any]) -> Settings:
    """Return the settings of one process."""
    return Settings(
        mode=TradingMode.TESTNET,
        symbol=Symbol(given["symbol"]),
        limits=LIMITS,
        timings=TimingSettings(ask_again_ms=3_000, close_retry_ms=500),
        state=StateSettings(
            backend=StateBackend.POSTGRES,
            dsn=given["dsn"],
            journal="account",
            shared=True,
            writer=given["name"],
            lease_ms=given["lease_ms"],
            send_within_ms=given["send_within_ms"],
            wait_ms_max=60_000,
        ),
        bybit=BybitSettings(
            allow_loopback=True,
            rest_url=given["rest_url"],
            ws_url=given["ws_url"],
            recv_window_ms=3_000,
            history_lag_ms=0,
            order_timeout_ms=10_000,
            query_timeout_ms=10_000,
            stream_start_ms=30_000,
            poll_down_ms=2_000,
            poll_up_ms=10_000,
            public_silence_ms_max=600_000,  # prices stand still
        ),
    )


def _built(settings: Settings) -> Application:
    env = {"TIDEGATE_BYBIT_KEY": KEY, "TIDEGATE_BYBIT_SECRET": SECRET}
    parts = BybitContainer(settings=settings, env=env)
    with parts.preflight.override(providers.Object(None)):
        return parts.application()


def _tell(**told: object) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def _kind(outcome: OpenOutcome) -> str:
    if isinstance(outcome, Refused) and outcome.fault is not None:
        return f"Refused: {outcome.fault}"
    if isinstance(outcome, Refused):
        rules = sorted({breach.rule.name for breach in outcome.breaches})
        return f"Refused: {' '.join(rules)}"
    return type(outcome).__name__


def _work(application: Application) -> None:
    for line in sys.stdin:
        number = int(line)
        try:
            outcome = _kind(application.desk.execute(wish(number), timeout_ms=_WAIT_MS))
            draw = random.Random(_SEED * 200_000 + number)  # noqa: S311 - the same each time
            if draw.random() < CLOSE_SHARE:
                symbol = draw.choice(INSTRUMENTS).symbol
                application.desk.close_position(symbol, timeout_ms=_WAIT_MS)
        except VenueError as error:
            # Eight processes may ask more than the venue lets one account ask in a second.
            outcome = f"VenueError: {error}"
        _tell(number=number, outcome=outcome)


def main() -> int:
    """Run until the input ends; a process that lost its lease says so and exits with 3."""
    application = _built(settings_of(json.loads(sys.argv[1])))
    application.start()
    _tell(ready=True)
    try:
        _work(application)
    except WriterStopped:
        fault = application.failure
        _tell(stopped=type(fault).__name__, text=str(fault))
        application.stop()
        return 3 if isinstance(fault, Fenced) else 4
    # One that stalled may find its input at the end when it goes on, and its lease lost.
    application.stop()
    fault = application.failure
    _tell(ended=True, fault=None if fault is None else repr(fault))
    return 3 if isinstance(fault, Fenced) else 0


if __name__ == "__main__":
    raise SystemExit(main())
