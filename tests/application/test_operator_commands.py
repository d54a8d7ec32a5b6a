"""What an operator commands is decided next, whatever else waits for the writer."""

import attrs
from tidegate.domain.core.inputs import PanicRequest, PanicResetRequest, StateRequest
from tidegate.domain.mode import TradingState

from .threaded_bench import BreakableState, make_runner_bench, running, until


def test_what_an_operator_commands_waits_behind_nothing_and_keeps_its_order() -> None:
    state = BreakableState()
    bench = make_runner_bench(state_port=state)
    commands = (
        PanicRequest(cause="drill", key="0123456789abcdef"),
        StateRequest(state=TradingState.REDUCING, cause="operator"),
        PanicResetRequest(),
        StateRequest(state=TradingState.ACTIVE, cause="operator"),
    )
    report = attrs.evolve(bench.venue.account(), time_ms=1)
    with running(bench):
        state.gate.clear()
        holding = StateRequest(state=TradingState.HALTED, cause="operator")
        bench.runner.deliver(holding)
        until(lambda: holding in bench.engine.handled)
        for _ in range(100):
            bench.runner.deliver(report)
        for command in commands:
            bench.runner.deliver(command)
        state.gate.set()
        until(lambda: bench.engine.handled.count(report) == 100)
        handled = bench.engine.handled
        start = handled.index(holding) + 1
        assert tuple(handled[start : start + len(commands)]) == commands
