"""A bounded memory of ids."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tidegate.domain.recent import Recent


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 20), st.lists(st.text(max_size=3), max_size=120))
def test_the_last_ones_are_known_and_the_memory_is_bounded(keep: int, items: list[str]) -> None:
    recent = Recent(keep)
    distinct: list[str] = []
    for item in items:
        recent = recent.add(item)
        distinct = [*(known for known in distinct if known != item), item]
        assert len(recent.young) + len(recent.old) <= 2 * keep
        assert item in recent
    # Ids that come again take up room of their own, so only distinct runs are promised.
    if len(set(items)) == len(items):
        assert all(item in recent for item in distinct[-keep:])


def test_adding_leaves_the_value_it_came_from_as_it_was() -> None:
    first = Recent(4).add("a")
    first.add("b")
    assert "b" not in first


def test_the_oldest_is_forgotten() -> None:
    recent = Recent(2)
    for item in "abcde":
        recent = recent.add(item)
    assert "a" not in recent
    assert "e" in recent
