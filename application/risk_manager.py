"""Questions about risk, with no side effects: what is left, what would pass, where it stands.

A question about a symbol that the desk does not know, or whose price is old, asks the venue for it;
what it says serves the question alone, and the desk's own state stays as it is.
"""

import attrs
from tidegate.domain.core.draft import Draft
from tidegate.domain.core.events import EntryIntended, SignalRefused
from tidegate.domain.core.ids import KEY_LENGTH
from tidegate.domain.core.inputs import OpenRequest, SpecsLoaded
from tidegate.domain.core.opening import largest_for, plan_input
from tidegate.domain.core.snapshots import risk_snapshot
from tidegate.domain.core.state import State
from tidegate.domain.core.step import step
from tidegate.domain.costs import break_even_price
from tidegate.domain.grid import price_down, price_up
from tidegate.domain.instrument import Instrument
from tidegate.domain.money import ZERO_MONEY, Money, Price, Qty, Rate
from tidegate.domain.orders import Side, Symbol, TimeInForce
from tidegate.domain.planning import Fault, Plan, PlanInput, make_plan
from tidegate.domain.position import Position
from tidegate.domain.risk.queries import (
    LeverageDecision,
    RiskOverview,
    check_leverage,
    overview,
    remaining_exposure,
)
from tidegate.domain.risk.snapshot import RiskSnapshot
from tidegate.domain.signal import Signal
from tidegate.domain.ticket import Ticket, TicketRung
from tidegate.ports.desk import Refused
from tidegate.ports.exchange import VenueError

from .inline_runner import Runner

__all__ = ["Allowed", "NoLevels", "RiskManager", "TradeLevels"]

_NO_SIGNAL = ""
_NO_SYMBOL = Symbol("")
_DRY_KEY = "0" * KEY_LENGTH


@attrs.frozen(kw_only=True)
class Allowed:
    """The signal would pass every rule now; ``ticket`` is what would be sent. Nothing was."""

    ticket: Ticket


@attrs.frozen(kw_only=True)
class TradeLevels:
    """Where a signal would enter, be stopped and take profit, by the present prices.

    ``break_even`` is where all of it would leave at exactly zero with both fees paid, on the tick
    that is no loss. ``reward_to_risk_net`` is after all costs, ``None`` without targets.
    """

    side: Side
    qty: Qty
    entry: Price
    entry_worst: Price
    stop: Price | None
    rungs: tuple[TicketRung, ...]
    break_even: Price
    liquidation: Price | None
    reward_to_risk_net: Rate | None
    notes: tuple[str, ...]


@attrs.frozen(kw_only=True)
class NoLevels:
    """No plan can be made of the signal; ``fault`` says what is wrong, and the remedy."""

    fault: str


class RiskManager:
    """Reads the frozen state; may be called from any thread and never waits for the writer."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def check(self, signal: Signal) -> Allowed | Refused:
        """Judge a signal as the desk would now, dry: with every rule that fails, nothing sent.

        Between this answer and a call of ``execute`` the market and the desk move on: only the
        judgement of the send itself decides.

        ``Allowed`` holds the ticket that would be sent; ``Refused`` names every rule that fails,
        what is not known, and the largest size that would pass.
        """
        engine = self._runner.engine
        asked = OpenRequest(signal=signal, key=_DRY_KEY)
        state, untold = self._knowing(signal.symbol)
        made = step(state, asked, engine.config, engine.clock.now_ms())
        for event in made.events:
            match event:
                case EntryIntended():
                    return Allowed(ticket=event.ticket)
                case SignalRefused():
                    return Refused(
                        breaches=event.breaches,
                        missing=event.missing,
                        fault=None if event.fault is None else _with_cause(event.fault, untold),
                        largest=event.largest,
                    )
                case _:
                    continue
        raise AssertionError(f"signal {signal.signal_id} was neither approved nor refused")

    def trade_levels(self, signal: Signal) -> TradeLevels | NoLevels:
        """Return stop, ladder and break-even of a signal, whatever the rules say of it.

        ``TradeLevels`` has prices in quote currency and quantities in base coin; ``NoLevels`` says
        what is wrong with the signal.
        """
        engine = self._runner.engine
        (state, untold), now_ms = self._knowing(signal.symbol), engine.clock.now_ms()
        draft = Draft(state, engine.config, now_ms)
        seen = risk_snapshot(state, signal.symbol, signal.signal_id, engine.config, now_ms)
        given = plan_input(draft, signal, seen)
        if isinstance(given, str):
            return NoLevels(fault=_with_cause(given, untold))
        plan = make_plan(signal, given)
        if isinstance(plan, Fault):
            return NoLevels(fault=str(plan))
        return _levels(plan, given)

    def account(self) -> RiskOverview:
        """Return the account's risk at a glance: equity, exposure, losses, margins and rates."""
        return self.overview(_NO_SYMBOL)

    def overview(self, symbol: Symbol) -> RiskOverview:
        """Return the account's risk at a glance, seen from ``symbol``."""
        limits = self._runner.engine.config.limits
        return overview(self._snapshot(symbol, _NO_SIGNAL), limits)

    def remaining_exposure(self, symbol: Symbol) -> Money:
        """Return how much more notional (USDT) the account may take on."""
        limits = self._runner.engine.config.limits
        return remaining_exposure(self._snapshot(symbol, _NO_SIGNAL), limits)

    def largest_position(self, signal: Signal) -> Qty:
        """Return the largest quantity (base coin) with which ``signal`` would be approved now.

        What size it asks for itself does not matter. Zero where none would: :meth:`check` says why,
        and its refusals name the same quantity.
        """
        engine = self._runner.engine
        state, _ = self._knowing(signal.symbol)
        return largest_for(state, signal, engine.config, engine.clock.now_ms())

    def check_leverage(
        self, symbol: Symbol, asked: Rate, notional: Money = ZERO_MONEY
    ) -> LeverageDecision:
        """Grant, cap or deny a leverage for a position of ``notional`` USDT.

        Raises:
            VenueError: the specification is not known here, and the venue gave none.

        """
        known = self._runner.state.view.instruments.get(symbol)
        spec: Instrument = self._runner.port.instrument(symbol) if known is None else known
        return check_leverage(asked, spec, self._runner.engine.config.limits, notional)

    # What a question is asked of

    def _snapshot(self, symbol: Symbol, signal_id: str) -> RiskSnapshot:
        engine = self._runner.engine
        now_ms = engine.clock.now_ms()
        return risk_snapshot(self._runner.state, symbol, signal_id, engine.config, now_ms)

    def _knowing(self, symbol: Symbol) -> tuple[State, VenueError | None]:
        """Return the desk's state with what the venue says of a symbol, where that is not fresh.

        What it does not say stays unknown; the error is returned, so that the answer can say why.
        """
        state, engine, port = self._runner.state, self._runner.engine, self._runner.port
        now_ms, config = engine.clock.now_ms(), engine.config
        try:
            if symbol not in state.view.instruments:
                loaded = SpecsLoaded(
                    instrument=port.instrument(symbol), fees=self._runner.fee_rates(symbol)
                )
                state = step(state, loaded, config, now_ms).state
            ticker = state.view.tickers.get(symbol)
            if ticker is None or now_ms - ticker.time_ms > config.limits.market_age_ms_max:
                state = step(state, port.ticker(symbol), config, now_ms).state
        except VenueError as error:
            return state, error
        return state, None


def _with_cause(fault: str, untold: VenueError | None) -> str:
    """Add why the venue said nothing to a fault, as a send does."""
    return fault if untold is None else f"{fault} (the venue: {untold})"


def _levels(plan: Plan, given: PlanInput) -> TradeLevels:
    side, tick, fees = plan.signal.side, given.instrument.tick, given.costs.fees
    is_maker = plan.signal.entry.time_in_force is TimeInForce.POST_ONLY
    held = plan.qty.times(side.sign)
    exact = break_even_price(
        position=Position(qty=held, cost=plan.entry * held),
        realised=ZERO_MONEY,
        fees_paid=plan.entry * plan.qty * (fees.maker if is_maker else fees.taker),
        funding_paid=ZERO_MONEY,
        taker=fees.taker,
    )
    return TradeLevels(
        side=side,
        qty=plan.qty,
        entry=plan.entry,
        entry_worst=plan.entry_worst,
        stop=plan.stop,
        rungs=tuple(
            TicketRung(
                number=rung.number,
                price=rung.price,
                qty=rung.qty,
                reward_to_risk=rung.reward_to_risk,
            )
            for rung in plan.ladder.rungs
        ),
        break_even=price_up(exact, tick) if side is Side.BUY else price_down(exact, tick),
        liquidation=plan.liquidation,
        reward_to_risk_net=plan.proposal.reward_to_risk_net,
        notes=tuple(str(note) for note in plan.ladder.notes),
    )
