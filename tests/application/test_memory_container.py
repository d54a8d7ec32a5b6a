"""A desk in memory: the same desk, on a venue that touches nothing."""

from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from tidegate.application.memory_container import MemoryContainer
from tidegate.application.modes import ModeMismatch
from tidegate.application.settings import LIVE_ACKNOWLEDGEMENT, Settings
from tidegate.domain.mode import TradingMode
from tidegate.domain.money import Price
from tidegate.domain.orders import Symbol
from tidegate.ports.desk import Closing, Placed

from tests.application.bench import signal

BTC = Symbol("BTCUSDT")


def container(mode: TradingMode) -> MemoryContainer:
    ack = LIVE_ACKNOWLEDGEMENT if mode is TradingMode.LIVE else ""
    settings = Settings(mode=mode, live_acknowledgement=ack)
    return MemoryContainer(settings=settings, price=Price.of("65000"))


@pytest.mark.parametrize("mode", [TradingMode.MEMORY, TradingMode.PAPER])
def test_a_desk_in_memory_trades_from_signal_to_flat(mode: TradingMode) -> None:
    parts = container(mode)
    application = parts.application()
    application.start()
    try:
        outcome = application.desk.open_with_rr(signal())
        assert isinstance(outcome, Placed), outcome
        assert parts.venue().position(BTC).qty == outcome.ticket.qty
        application.desk.close_position(BTC)
        assert parts.venue().positions() == ()
    finally:
        application.stop()


@pytest.mark.parametrize("mode", [TradingMode.DEMO, TradingMode.TESTNET, TradingMode.LIVE])
def test_no_other_mode_is_built_on_it(mode: TradingMode) -> None:
    with pytest.raises(ModeMismatch, match=f"{mode.value}.*memory"):
        container(mode).application()


def test_a_close_that_an_entrys_fill_outruns_closes_what_it_opened() -> None:
    parts = container(TradingMode.MEMORY)
    application = parts.application()
    application.start()
    try:
        parts.venue().script.delay_messages()
        outcome = application.desk.execute(signal())
        assert isinstance(outcome, Placed), outcome
        assert parts.venue().position(BTC).qty == outcome.ticket.qty
        with ThreadPoolExecutor(1) as operator:
            closing = operator.submit(application.desk.close_position, BTC, timeout_ms=20_000)
            wait([closing], timeout=0.3)
            parts.venue().script.release()
            assert closing.result(30) == Closing(symbol=BTC, qty=outcome.ticket.qty)
        assert parts.venue().positions() == ()
    finally:
        application.stop()
