"""The small parts of the command line: figures, what is typed, JSON, signal handlers."""

import enum
import signal
import threading

import attrs
import pytest
import typer
from tidegate.adapters.cli import figures, parsing
from tidegate.adapters.cli.exits import Exit
from tidegate.adapters.cli.machine import as_line, plain
from tidegate.adapters.cli.signals import Stopper, stop_on_signals
from tidegate.domain.mode import TradingState
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import Side
from tidegate.domain.signal import StopAtPrice, StopPercent


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (figures.money(Money.of("1234567.891")), "1,234,567.89"),
        (figures.money(Money.of("-0.001")), "0.00"),
        (figures.money(None), "-"),
        (figures.signed(Money.of("12")), "+12.00"),
        (figures.signed(Money.of("-12")), "-12.00"),
        (figures.signed(Money.of("0")), "0.00"),
        (figures.percent(Rate.of("0.12345")), "12.34 %"),
        (figures.percent(Rate.of("-0.00001")), "0.00 %"),
        (figures.signed_r(Rate.of("1.5")), "+1.50 R"),
        (figures.ratio(None), "-"),
        (figures.price(Price.of("65000.10")), "65000.10"),
        (figures.price(Price.of("65000"), 1), "65000.0"),
        (figures.price(Price.of("0.00000001")), "0.00000001"),
        (figures.price(Money.of("10") / Qty.of("3")), "3.33333333"),
        (figures.price(Money.of("10.0000000000") / Qty.of("4")), "2.50"),
        (figures.qty(Qty.of("0.010"), "BTC"), "0.010 BTC"),
        (figures.count(1, "entry", "entries"), "1 entry"),
        (figures.count(1200, "fill"), "1,200 fills"),
        (figures.moment(1_499_137_200_000), "2017-07-04 03:00"),
        (figures.duration(59_999), "0 min"),
        (figures.duration(3_600_000), "1 h 0 min"),
        (figures.duration(90_000_000), "1 d 1 h"),
        (figures.duration(None), "-"),
    ],
)
def test_figures_are_rounded_for_the_eye(written: str, expected: str) -> None:
    assert written == expected


def test_what_is_typed_becomes_exact_values() -> None:
    assert parsing.rate("1.5%") == Rate.of("0.015")
    assert parsing.rate("0.1") == Rate.of("0.1")
    assert parsing.stop("64000") == parsing.StopText(StopAtPrice(Price.of("64000")))
    assert parsing.stop("2 %") == parsing.StopText(StopPercent(Rate.of("0.02")))
    assert parsing.side("SHORT") is Side.SELL
    assert parsing.symbol("btcusdt") == "BTCUSDT"
    assert parsing.parameters(["a=1", "b = x=y"]) == {"a": "1", "b": "x=y"}


@pytest.mark.parametrize("parts", range(1, 12))
def test_equal_parts_of_a_ladder_add_up_to_the_whole(parts: int) -> None:
    text = ",".join(str(number + 1) for number in range(parts))
    fractions = [rung.close_fraction for rung in parsing.rungs(text).rungs]
    assert sum(fractions, start=Rate.of(0)) == Rate.of(1)
    assert max(fractions) - min(fractions) < Rate.of("0.0011")


@pytest.mark.parametrize("text", ["1:", "1:200%", "0:50%", "a:50%", "", "1,,2", "nan", "1:50%,2"])
def test_a_ladder_that_cannot_be_read_is_a_usage_error(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="accepted"):
        parsing.rungs(text)


class _Colour(enum.Enum):
    RED = "red"


@attrs.frozen
class _Thing:
    amount: Money
    colours: frozenset[_Colour]
    by_side: dict[Side, int]
    none: None = None


def test_json_has_amounts_and_members_as_text() -> None:
    thing = _Thing(Money.of("1E+2"), frozenset({_Colour.RED}), {Side.BUY: 1})
    expected = '{"amount":"100","colours":["red"],"by_side":{"buy":1},"none":null}'
    assert as_line(thing) == expected
    assert plain(TradingState.HALTED) == "halted"


@pytest.mark.parametrize("value", [0.5, object(), b"x"])
def test_what_has_no_exact_form_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="no form in JSON"):
        plain(value)


def test_the_first_signal_stops_the_second_exits_and_the_handlers_come_back() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    stops: list[str] = []
    with stop_on_signals() as stopper:
        signal.raise_signal(signal.SIGTERM)
        assert stopper.received is signal.SIGTERM
        stopper.attach(lambda: stops.append("stopped"))
        assert stops == ["stopped"]
        with pytest.raises(SystemExit) as caught:
            signal.raise_signal(signal.SIGINT)
        assert caught.value.code == 130
    assert {number: signal.getsignal(number) for number in before} == before


def test_a_signal_that_comes_while_another_is_noted_is_not_lost() -> None:
    """Python may run a handler within any call of another handler, such as that of a lookup."""
    stops: list[str] = []
    stopper = Stopper()
    stopper.attach(lambda: stops.append("stopped"))

    class Interrupted(int):
        def __hash__(self) -> int:
            stopper.on_signal(signal.SIGTERM, None)
            return hash(int(self))

    stopper.on_signal(Interrupted(signal.SIGINT), None)
    assert stops == ["stopped"], "each of the two was taken for the first"
    with pytest.raises(SystemExit):
        stopper.on_signal(signal.SIGTERM, None)


def test_no_handler_is_installed_outside_the_main_thread() -> None:
    seen: list[object] = []

    def work() -> None:
        with stop_on_signals():
            seen.append(signal.getsignal(signal.SIGINT))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


def test_every_exit_code_has_a_meaning() -> None:
    assert all(code.meaning for code in Exit)
