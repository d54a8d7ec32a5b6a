"""Client order ids: unique by the trade's key, telling the role, at most 36 characters.

``tg`` + the journal's tag (4) + key (16) + ``-`` + role letter + rung + ``-`` + sequence within the
trade. The key comes from the key port; nothing is derived from a clock. The tag tells the orders of
one journal from those of another desk on the same account; a journal that was begun before there
were tags has ids without one.
"""

from tidegate.domain.orders import ClientId, Purpose, Role

__all__ = ["KEY_LENGTH", "TAG_LENGTH", "client_id", "is_named", "key_of", "tag_of"]

PREFIX = "tg"
KEY_LENGTH = 16
TAG_LENGTH = 4
_LETTERS = {
    Role.ENTRY: "e",
    Role.STOP: "s",
    Role.TAKE_PROFIT: "t",
    Role.CLOSE: "c",
    Role.EXIT: "x",
    Role.PANIC: "p",
}


def client_id(key: str, purpose: Purpose, sequence: int, *, tag: str = "") -> ClientId:
    """Name the ``sequence``-th order of the trade ``key``; ``tag`` is empty where there is none.

    Inside the core use ``Books.client_id``, which knows the journal's tag.
    """
    assert len(key) == KEY_LENGTH, f"key {key!r} has {len(key)} characters, not {KEY_LENGTH}"
    assert len(tag) in {0, TAG_LENGTH}, f"tag {tag!r} has {len(tag)} characters, not {TAG_LENGTH}"
    rung = "" if purpose.rung is None else str(purpose.rung)
    return ClientId(f"{PREFIX}{tag}{key}-{_LETTERS[purpose.role]}{rung}-{sequence}")


def tag_of(order_id: ClientId | None) -> str | None:
    """Return the tag inside an id, empty for one without; ``None`` for an id of another form."""
    if order_id is None or not order_id.startswith(PREFIX):
        return None
    dash = order_id.find("-")
    lead = dash - len(PREFIX) - KEY_LENGTH
    return order_id[len(PREFIX) : len(PREFIX) + lead] if lead in {0, TAG_LENGTH} else None


def is_named(order_id: ClientId | None) -> bool:
    """Tell whether an id has the form that :func:`client_id` gives, whatever journal it is of."""
    return tag_of(order_id) is not None


def key_of(order_id: ClientId) -> str:
    """Return the trade key inside an id."""
    tag = tag_of(order_id)
    assert tag is not None, f"{order_id} is no id of a desk"
    head = len(PREFIX) + len(tag)
    return order_id[head : head + KEY_LENGTH]
