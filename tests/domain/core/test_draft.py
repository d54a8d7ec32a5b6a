"""A decision in the making: asked once, numbered once, remembered within a bound."""

import attrs
import pytest
from tidegate.domain.core import events as ev
from tidegate.domain.core.draft import ASKED_KEPT, Draft
from tidegate.domain.core.effects import ReadPosition, TakeInventory
from tidegate.domain.orders import ClientId, Purpose, Role, Symbol

from tests.application.bench import BTC
from tests.domain.samples import BTCUSDT

from .scenes import config, opened

T0 = 1_700_000_000_000


def draft(at: int = 0) -> Draft:
    state = opened().runner.state
    bare = attrs.evolve(state, view=attrs.evolve(state.view, asked_ms={}, in_flight=frozenset()))
    return Draft(bare, config(), T0 + at)


def test_the_same_question_is_asked_once() -> None:
    made = draft(5)
    for query in (ReadPosition(symbol=BTC), TakeInventory(), ReadPosition(symbol=BTC)):
        made.ask(query)
    assert made.queries == [ReadPosition(symbol=BTC), TakeInventory()]
    assert made.view.inventory_asked_ms == T0 + 5


def test_only_an_inventory_counts_as_a_look() -> None:
    made = draft(5)
    made.ask(ReadPosition(symbol=BTC))
    assert made.view.inventory_asked_ms is None


def test_an_order_is_on_its_way_until_its_own_answer() -> None:
    made = draft()
    first, second = ClientId("a"), ClientId("b")
    made.note_sent(first)
    made.note_sent(second)
    assert made.view.in_flight == {first, second}
    made.note_answered(first)
    made.note_answered(ClientId("c"))
    assert made.view.in_flight == {second}


def test_what_was_tried_is_due_again_after_a_while_and_what_never_was_is_due_now() -> None:
    made = draft(5)
    assert (made.due_ms("x"), made.is_due("x")) == (T0 + 5, True)
    made.note_asked("x")
    assert (made.due_ms("x"), made.is_due("x")) == (T0 + 1_005, False)
    assert Draft(made.state, config(), T0 + 1_004).is_due("x") is False
    assert Draft(made.state, config(), T0 + 1_005).is_due("x") is True


def test_the_oldest_questions_are_forgotten_first() -> None:
    made = draft()
    full = {f"q{number}": T0 for number in range(ASKED_KEPT)}
    made.view = attrs.evolve(made.view, asked_ms=full)
    made.now_ms = T0 + 9
    made.note_asked("q0")
    assert len(made.view.asked_ms) == ASKED_KEPT
    assert list(made.view.asked_ms)[-1] == "q0"
    made.note_asked("new")
    assert len(made.view.asked_ms) == ASKED_KEPT
    assert "q1" not in made.view.asked_ms
    assert made.view.asked_ms["q0"] == made.view.asked_ms["new"] == T0 + 9


def test_a_draft_shows_the_state_as_it_would_be() -> None:
    made = draft()
    assert made.state.books is made.books
    assert made.state.view is made.view
    assert made.instrument(BTC) == BTCUSDT
    assert made.instrument(Symbol("ETHUSDT")) is None
    assert made.trade(Symbol("ETHUSDT")) is None


def test_an_order_of_a_trade_has_the_trades_next_number_and_an_entry_its_own_key() -> None:
    made = draft()
    trade = made.trade(BTC)
    assert trade is not None
    assert made.next_id(trade, Purpose(Role.CLOSE)) == f"tg{trade.key}-c-3"
    with pytest.raises(AssertionError, match=r"^an entry is named by its own key"):
        made.next_id(trade, Purpose(Role.ENTRY))


def test_a_change_that_leaves_is_on_its_way_and_counts_as_asked_for() -> None:
    made = draft(5)
    order = next(iter(made.books.orders.values()))
    name = order.request.client_id
    made.emit(
        ev.AmendIntended(
            key="k",
            client_id=name,
            request=order.request,
            signal=None,
            worst_price=None,
            time_ms=T0 + 5,
        )
    )
    assert made.view.in_flight == {name}
    assert made.view.asked_ms == {name: T0 + 5}
