"""Drawn examples are many, and count for no coverage: no tracer slows them down."""

import sys

from hypothesis import given, settings
from hypothesis import strategies as st


@settings(max_examples=2)
@given(st.none())
def test_no_tracer_follows_a_drawn_example(drawn: None) -> None:
    assert sys.gettrace() is drawn
