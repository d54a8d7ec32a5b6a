"""The coverage ratchet judges branches of each layer by itself, and names the worst files."""

from typing import Any

import pytest

from .coverage_gate import judge_report


def _report(**branches: tuple[int, int]) -> dict[str, Any]:
    """``domain__a=(covered, total)`` stands for the file domain/a.py."""
    return {
        "meta": {"branch_coverage": True},
        "files": {
            f"{name.replace('__', '/')}.py": {
                "executed_branches": [[line, 0] for line in range(covered)],
                "missing_branches": [[line, 0] for line in range(covered, total)],
            }
            for name, (covered, total) in branches.items()
        },
    }


def _passes(report: dict[str, Any]) -> dict[str, bool]:
    return {layer.name: layer.passes for layer in judge_report(report)}


def test_a_layer_exactly_at_its_floor_passes() -> None:
    report = _report(domain__a=(95, 100), application__a=(19, 20))
    assert _passes(report) == {"domain/": True, "application/": True}


def test_a_layer_below_its_floor_fails_though_the_other_is_full() -> None:
    report = _report(domain__a=(9_499, 10_000), application__a=(100, 100))
    assert _passes(report) == {"domain/": False, "application/": True}


def test_other_folders_do_not_lift_a_layer() -> None:
    report = _report(domain__a=(0, 10), adapters__a=(1000, 1000), application__a=(1, 1))
    assert not _passes(report)["domain/"]


def test_a_layer_that_was_not_measured_fails() -> None:
    assert not _passes(_report(domain__a=(1, 1)))["application/"]


def test_a_report_without_branches_is_refused() -> None:
    with pytest.raises(ValueError, match="no branches"):
        judge_report({"meta": {"branch_coverage": False}, "files": {}})


def test_the_file_with_the_most_untaken_branches_is_named_first() -> None:
    report = _report(domain__good=(99, 100), domain__bad=(1, 4), application__a=(1, 1))
    (domain, _) = judge_report(report)
    said = list(domain.lines())
    assert said[0] == "domain/       100/104 branches = 96.15 %, floor 95 %: ok"
    assert said[1:] == [
        "     3 not taken in domain/bad.py: 1->0, 2->0, 3->0",
        "     1 not taken in domain/good.py: 99->0",
    ]
