"""The tables in the documents say what the code does."""

from pathlib import Path

import attrs
import pytest
from tidegate.domain.lifecycle import TRANSITIONS
from tidegate.domain.risk.judge import RULES
from tidegate.domain.risk.limits import RiskLimits

from .blocks import ROOT
from .generate import PARTS, renewed
from .settings_text import attribute_texts
from .tables_orders import diagram, edges_of
from .tables_risk import limits_table, rules_table


@pytest.mark.parametrize("name", PARTS)
def test_the_generated_parts_are_in_step(name: str) -> None:
    document = ROOT / name
    assert document.read_text(encoding="utf-8") == renewed(document, PARTS[name]), (
        "run: python -m tests.docs.generate"
    )


def test_a_part_that_is_not_known_is_noticed(tmp_path: Path) -> None:
    document = tmp_path / "state.md"
    document.write_text("<!-- generated: nothing -->\n<!-- /generated -->\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="nothing"):
        renewed(document, PARTS["docs/state.md"])


def test_the_diagram_shows_exactly_the_transitions() -> None:
    assert edges_of(diagram()) == TRANSITIONS


def test_every_limit_is_documented_and_used_by_a_rule_or_is_a_policy() -> None:
    names = set(attribute_texts(RiskLimits))
    assert names == {field.name for field in attrs.fields(RiskLimits)}
    table = rules_table()
    unused = {name for name in names if f"`{name}`" not in table}
    assert unused == {"oversize"}


def test_every_rule_and_limit_has_a_row() -> None:
    assert len(rules_table().splitlines()) == len(RULES) + 2
    assert len(limits_table().splitlines()) == len(attribute_texts(RiskLimits)) + 2
