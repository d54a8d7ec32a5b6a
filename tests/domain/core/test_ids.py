"""Client order ids tell whose order it is, of which trade, and why it exists."""

import pytest
from tidegate.domain.core.ids import KEY_LENGTH, TAG_LENGTH, client_id, is_named, key_of, tag_of
from tidegate.domain.core.state import Books
from tidegate.domain.orders import ClientId, Purpose, Role

KEY = "abcdefgh01234567"
ENTRY = Purpose(Role.ENTRY)


@pytest.mark.parametrize(
    ("purpose", "sequence", "end"),
    [
        (Purpose(Role.ENTRY), 0, "-e-0"),
        (Purpose(Role.STOP), 1, "-s-1"),
        (Purpose(Role.TAKE_PROFIT, 2), 3, "-t2-3"),
        (Purpose(Role.CLOSE), 4, "-c-4"),
        (Purpose(Role.PANIC), 12, "-p-12"),
    ],
)
@pytest.mark.parametrize("tag", ["", "zz09"])
def test_an_id_is_the_tag_the_key_the_role_and_the_number(
    purpose: Purpose, sequence: int, end: str, tag: str
) -> None:
    name = f"tg{tag}{KEY}{end}"
    assert client_id(KEY, purpose, sequence, tag=tag) == name
    assert tag_of(ClientId(name)) == tag
    assert is_named(ClientId(name))
    assert key_of(ClientId(name)) == KEY


def test_the_longest_id_has_36_characters() -> None:
    name = client_id(KEY, Purpose(Role.TAKE_PROFIT, 12), 999_999_999, tag="abcd")
    assert len(name) == 36


def test_a_key_or_a_tag_of_another_length_names_nothing() -> None:
    assert (len(KEY), TAG_LENGTH) == (KEY_LENGTH, 4)
    with pytest.raises(AssertionError, match="key 'short' has 5 characters, not 16"):
        client_id("short", ENTRY, 0)
    for tag in ("abc", "abcde"):
        with pytest.raises(AssertionError, match=f"tag '{tag}' has {len(tag)} characters, not 4"):
            client_id(KEY, ENTRY, 0, tag=tag)


@pytest.mark.parametrize(
    "name",
    [
        None,
        "",
        "tg",
        f"tg{KEY}",
        f"tg{KEY}xe-0",
        f"tgabc{KEY}-e-0",
        f"tgabcde{KEY}-e-0",
        f"tg{KEY[1:]}-e-0",
        f"xx{KEY}-e-0",
        "placed-by-hand-in-the-web-page-1",
    ],
)
def test_an_id_of_any_other_form_is_of_no_desk(name: str | None) -> None:
    order_id = None if name is None else ClientId(name)
    assert tag_of(order_id) is None
    assert not is_named(order_id)
    assert not Books(tag="abcd").is_ours(order_id)
    assert not Books().is_ours(order_id)


def test_the_shortest_id_that_can_be_told_is_the_key_and_its_dash() -> None:
    assert is_named(ClientId(f"tg{KEY}-"))


def test_of_an_id_of_another_form_no_key_is_read() -> None:
    with pytest.raises(AssertionError, match="by-hand is no id of a desk"):
        key_of(ClientId("by-hand"))


@pytest.mark.parametrize(
    ("books", "tag", "ours"),
    [
        (Books(tag="aaaa", has_untagged=False), "aaaa", True),
        (Books(tag="aaaa", has_untagged=False), "bbbb", False),
        (Books(tag="aaaa", has_untagged=False), "", False),
        (Books(tag="aaaa", has_untagged=True), "", True),
        (Books(tag="aaaa", has_untagged=True), "bbbb", False),
        (Books(), "", True),
        (Books(), "bbbb", False),
    ],
)
def test_ours_is_what_carries_the_tag_of_the_journal(books: Books, tag: str, ours: bool) -> None:
    assert books.is_ours(client_id(KEY, ENTRY, 0, tag=tag)) is ours


def test_the_books_name_orders_with_their_tag() -> None:
    assert Books(tag="aaaa").client_id(KEY, ENTRY, 7) == f"tgaaaa{KEY}-e-7"
