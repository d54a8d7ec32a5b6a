"""Questions about risk, with no side effects: what is left, what would pass, where it stands."""

from tidegate.domain.core.opening import proposal_for
from tidegate.domain.core.snapshots import risk_snapshot
from tidegate.domain.instrument import Instrument
from tidegate.domain.money import ZERO_MONEY, ZERO_QTY, Money, Qty, Rate
from tidegate.domain.orders import Symbol
from tidegate.domain.risk.queries import (
    LeverageDecision,
    RiskOverview,
    check_leverage,
    largest_position,
    overview,
    remaining_exposure,
)
from tidegate.domain.risk.snapshot import RiskSnapshot
from tidegate.domain.signal import Signal

from .runner import Runner

__all__ = ["RiskManager"]

_NO_SIGNAL = ""


class RiskManager:
    """Reads the frozen state; may be called from any thread and never waits for the writer."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def _snapshot(self, symbol: Symbol, signal_id: str) -> RiskSnapshot:
        engine = self._runner.engine
        now_ms = engine.clock.now_ms()
        return risk_snapshot(self._runner.state, symbol, signal_id, engine.config, now_ms)

    def overview(self, symbol: Symbol) -> RiskOverview:
        """Return the account's risk at a glance, seen from ``symbol``."""
        limits = self._runner.engine.config.limits
        return overview(self._snapshot(symbol, _NO_SIGNAL), limits)

    def remaining_exposure(self, symbol: Symbol) -> Money:
        """Return how much more notional (USDT) the account may take on."""
        limits = self._runner.engine.config.limits
        return remaining_exposure(self._snapshot(symbol, _NO_SIGNAL), limits)

    def largest_position(self, signal: Signal) -> Qty:
        """Return the largest quantity with which ``signal`` would pass every rule now."""
        engine = self._runner.engine
        now_ms = engine.clock.now_ms()
        proposal = proposal_for(self._runner.state, signal, engine.config, now_ms)
        if proposal is None:
            return ZERO_QTY
        snapshot = self._snapshot(signal.symbol, signal.signal_id)
        return largest_position(proposal, snapshot, engine.config.limits)

    def check_leverage(
        self, symbol: Symbol, asked: Rate, notional: Money = ZERO_MONEY
    ) -> LeverageDecision:
        """Grant, cap or deny a leverage for a position of ``notional`` USDT."""
        spec: Instrument = self._runner.port.instrument(symbol)
        return check_leverage(asked, spec, self._runner.engine.config.limits, notional)
