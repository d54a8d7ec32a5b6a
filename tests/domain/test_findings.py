"""A finding's id says its kind, and each kind says what is done about it."""

import pytest
from tidegate.domain.findings import CORRECTION_OF, Correction, Finding, FindingKind, kind_of


@pytest.mark.parametrize(
    ("finding_id", "kind"),
    [
        ("position_qty:BTCUSDT", FindingKind.POSITION_QTY),
        ("orphan_order:tgaaaa", FindingKind.ORPHAN_ORDER),
        ("wallet", FindingKind.WALLET),
        ("unreadable:order", FindingKind.UNREADABLE),
        ("history:1700", FindingKind.HISTORY),
        ("by_hand:stop:BTCUSDT", FindingKind.BY_HAND),
        ("closed_profit:v-1", FindingKind.CLOSED_PROFIT),
        ("walleted", FindingKind.OTHER),
        ("", FindingKind.OTHER),
    ],
)
def test_the_kind_is_the_first_part_of_the_id(finding_id: str, kind: FindingKind) -> None:
    assert kind_of(finding_id) is kind


def test_every_kind_has_a_correction_and_foreign_orders_are_left_alone() -> None:
    assert set(CORRECTION_OF) == set(FindingKind)
    assert CORRECTION_OF[FindingKind.FOREIGN_ORDER] is Correction.LEFT_ALONE
    assert CORRECTION_OF[FindingKind.ORPHAN_ORDER] is Correction.CANCELLED


def test_two_findings_are_the_same_by_their_figure_or_else_by_their_text() -> None:
    one = Finding(
        finding_id="wallet", kind=FindingKind.WALLET, symbol=None, text="a", blocks_entries=True
    )
    assert one.sameness == "a"
    assert one.correction is Correction.STATE_TRANSFERS
    figured = Finding(
        finding_id="wallet",
        kind=FindingKind.WALLET,
        symbol=None,
        text="a",
        blocks_entries=True,
        figure="5",
    )
    assert figured.sameness == "5"
