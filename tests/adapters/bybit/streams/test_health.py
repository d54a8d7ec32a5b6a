"""One state over several streams."""

from tidegate.adapters.bybit.streams.health import Health
from tidegate.domain.reports import StreamState

UP, DOWN = StreamState.UP, StreamState.DOWN


def _health() -> tuple[Health, list[StreamState]]:
    told: list[StreamState] = []
    health = Health(lambda state, _: told.append(state))
    health.need("a")
    health.need("b")
    return health, told


def test_up_is_told_when_every_stream_is_up() -> None:
    health, told = _health()
    health.up("a")
    assert (told, health.wait_up(1)) == ([], False)
    health.up("b")
    assert (told, health.wait_up(1)) == ([UP], True)


def test_down_is_told_once_when_any_is_down_and_up_when_the_last_is_back() -> None:
    health, told = _health()
    health.up("a")
    health.up("b")
    health.down("a", "cut")
    health.down("b", "cut")
    assert (told, health.wait_up(1)) == ([UP, DOWN], False)
    health.up("a")
    assert told == [UP, DOWN]
    health.up("b")
    assert (told, health.wait_up(1)) == ([UP, DOWN, UP], True)


def test_a_first_attempt_that_fails_is_an_outage_and_opening_is_none() -> None:
    health, told = _health()
    assert told == []
    health.down("a", "refused")
    assert told == [DOWN]


def test_a_stream_that_is_needed_later_is_no_outage_while_it_opens() -> None:
    health, told = _health()
    health.up("a")
    health.up("b")
    health.need("c")
    assert (told, health.wait_up(1)) == ([UP], False)
    health.up("c")
    assert (told, health.wait_up(1)) == ([UP], True)


def test_the_cause_names_the_stream() -> None:
    causes: list[str] = []
    health = Health(lambda _, cause: causes.append(cause))
    health.down("private stream", "no pong")
    assert causes == ["private stream: no pong"]


def test_a_start_that_is_overdue_is_an_outage_of_what_is_not_up_yet() -> None:
    health, told = _health()
    health.up("a")
    health.overdue("late")
    assert told == [DOWN]
    assert health.is_up("a")
    health.up("b")
    assert told == [DOWN, UP]
    health.overdue("late")
    assert told == [DOWN, UP]
