"""One-way mode is what an answer says, and never what a missing answer leaves open."""

import pytest
from tidegate.adapters.bybit.preflight_account import look_at_position_mode
from tidegate.adapters.bybit.preflight_rules import PreflightRules
from tidegate.domain.mode import VenueKind
from tidegate.domain.orders import Symbol
from tidegate.ports.exchange import QueryFailed

from .socket_stub import SocketStub, ok
from .test_transport import client
from .wire.rows import POSITION

RULES = PreflightRules(kind=VenueKind.BYBIT_TESTNET, symbols=frozenset({Symbol("SOLUSDT")}))


@pytest.mark.parametrize("result", [{}, {"list": None}, {"list": {}}, {"list": ["x"]}])
def test_an_answer_without_a_list_of_rows_is_no_one_way_mode(result: object) -> None:
    with SocketStub(lambda peer: peer.serve(ok(result))) as stub:
        rest = client(stub.url)
        with pytest.raises(QueryFailed, match="SOLUSDT"):
            look_at_position_mode(rest, RULES)
        rest.close()


@pytest.mark.parametrize(("index", "is_ok"), [(0, True), (1, False), (2, False)])
def test_the_index_of_a_position_tells_the_mode(index: int, is_ok: bool) -> None:
    rows = [{**POSITION, "positionIdx": index}]
    with SocketStub(lambda peer: peer.serve(ok({"list": rows}))) as stub:
        rest = client(stub.url)
        found = look_at_position_mode(rest, RULES)
        rest.close()
    assert found.is_ok is is_ok
    assert found.stops_start is not is_ok
