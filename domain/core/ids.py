"""Client order ids: unique by the trade's key, telling the role, at most 36 characters.

``tg`` + key (16) + ``-`` + role letter + rung + ``-`` + sequence within the trade. The key comes
from the key port; nothing is derived from a clock.
"""

from tidegate.domain.orders import ClientId, Purpose, Role

__all__ = ["KEY_LENGTH", "client_id", "is_ours", "key_of"]

PREFIX = "tg"
KEY_LENGTH = 16
_LETTERS = {
    Role.ENTRY: "e",
    Role.STOP: "s",
    Role.TAKE_PROFIT: "t",
    Role.CLOSE: "c",
    Role.PANIC: "p",
}


def client_id(key: str, purpose: Purpose, sequence: int) -> ClientId:
    """Name the ``sequence``-th order of the trade ``key``."""
    assert len(key) == KEY_LENGTH, f"key {key!r} has {len(key)} characters, not {KEY_LENGTH}"
    rung = "" if purpose.rung is None else str(purpose.rung)
    return ClientId(f"{PREFIX}{key}-{_LETTERS[purpose.role]}{rung}-{sequence}")


def is_ours(order_id: ClientId | None) -> bool:
    """Tell whether an id has the form that :func:`client_id` gives."""
    if order_id is None or not order_id.startswith(PREFIX):
        return False
    head = len(PREFIX) + KEY_LENGTH
    return len(order_id) > head and order_id[head] == "-"


def key_of(order_id: ClientId) -> str:
    """Return the trade key inside one of our ids."""
    assert is_ours(order_id), f"{order_id} is not an id of ours"
    return order_id[len(PREFIX) : len(PREFIX) + KEY_LENGTH]
