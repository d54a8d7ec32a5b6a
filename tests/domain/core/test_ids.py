"""Client order ids tell whose order it is, of which trade, and why it exists."""

import pytest
from tidegate.domain.core.ids import KEY_LENGTH, client_id, is_ours, key_of
from tidegate.domain.orders import ClientId, Purpose, Role

KEY = "abcdefgh01234567"


@pytest.mark.parametrize(
    ("purpose", "sequence", "name"),
    [
        (Purpose(Role.ENTRY), 0, "tgabcdefgh01234567-e-0"),
        (Purpose(Role.STOP), 1, "tgabcdefgh01234567-s-1"),
        (Purpose(Role.TAKE_PROFIT, 2), 3, "tgabcdefgh01234567-t2-3"),
        (Purpose(Role.CLOSE), 4, "tgabcdefgh01234567-c-4"),
        (Purpose(Role.PANIC), 12, "tgabcdefgh01234567-p-12"),
    ],
)
def test_an_id_is_the_key_the_role_and_the_number(
    purpose: Purpose, sequence: int, name: str
) -> None:
    assert client_id(KEY, purpose, sequence) == name
    assert is_ours(ClientId(name))
    assert key_of(ClientId(name)) == KEY


def test_a_key_of_another_length_names_nothing() -> None:
    assert len(KEY) == KEY_LENGTH
    with pytest.raises(AssertionError, match="key 'short' has 5 characters, not 16"):
        client_id("short", Purpose(Role.ENTRY), 0)


@pytest.mark.parametrize(
    "name",
    [
        None,
        "",
        "tg",
        f"tg{KEY}",
        f"tg{KEY}xe-0",
        f"xx{KEY}-e-0",
        "placed-by-hand-in-the-web-page-1",
    ],
)
def test_an_id_of_any_other_form_is_not_ours(name: str | None) -> None:
    assert not is_ours(None if name is None else ClientId(name))


def test_the_shortest_id_that_can_be_told_is_the_key_and_its_dash() -> None:
    assert is_ours(ClientId(f"tg{KEY}-"))


def test_of_a_foreign_id_no_key_is_read() -> None:
    with pytest.raises(AssertionError, match="by-hand is not an id of ours"):
        key_of(ClientId("by-hand"))
