"""History is asked in windows and pages, and says honestly what it covers."""

import itertools
import time
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from tidegate.adapters.bybit.history import HistoryQueries
from tidegate.adapters.bybit.paging import PAGES_MAX, WINDOW_MS, windows
from tidegate.adapters.bybit.queries import StateQueries
from tidegate.adapters.bybit.rest import RestConfig
from tidegate.adapters.bybit.sender import SenderConfig
from tidegate.adapters.bybit.wire.fields import Unreadable
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Money
from tidegate.domain.orders import ClientId, Symbol
from tidegate.domain.reports import MarginMode
from tidegate.ports.exchange import QueryFailed, TimeRange

from .socket_stub import Peer, SocketStub, answer, ok
from .test_transport import client
from .wire.rows import EXECUTION, FUNDING, ORDER, POSITION, Json

ETH = Symbol("ETHUSDT")
DAY_MS = 86_400_000
NOW_MS = time.time_ns() // 1_000_000
Answer = Callable[[str, dict[str, str]], object]
PATIENT = RestConfig(queries=SenderConfig(rate_wait_ms=20_000))


def _venue(reply: Answer) -> SocketStub:
    """A venue whose answers follow from the path and the query."""

    def act(peer: Peer) -> None:
        while request := peer.read():
            parts = urlsplit(request.split(b" ")[1].decode())
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            headers = "X-Bapi-Limit: 500\r\nX-Bapi-Limit-Status: 499\r\n"
            headers += "X-Bapi-Limit-Reset-Timestamp: 1\r\n"
            peer.send(ok(reply(parts.path, query), headers=headers))

    return SocketStub(act)


def _fill(number: int, time_ms: int, **changes: object) -> Json:
    row = {**EXECUTION, "execId": f"e{number}", "execTime": str(time_ms), "seq": number}
    return {**row, **changes}


def test_a_range_is_split_without_gap_and_without_overlap() -> None:
    within = TimeRange(start_ms=5, end_ms=5 + 2 * WINDOW_MS)
    parts = list(windows(within))
    assert parts[0].start_ms == 5
    assert parts[-1].end_ms == within.end_ms
    assert all(part.end_ms - part.start_ms < WINDOW_MS for part in parts)
    for one, following in itertools.pairwise(parts):
        assert following.start_ms == one.end_ms + 1
    assert list(windows(TimeRange(start_ms=7, end_ms=7))) == [TimeRange(start_ms=7, end_ms=7)]


def test_every_window_and_page_is_asked_and_every_row_told_once() -> None:
    """The venue lists newest first, repeats a row on the border of two pages, and has cursors."""
    start_ms = NOW_MS - 20 * DAY_MS
    fills = [_fill(n, start_ms + n * 3_600_000) for n in range(400)]
    asked: list[dict[str, str]] = []

    def reply(_: str, query: dict[str, str]) -> object:
        asked.append(query)
        low, high = int(query["startTime"]), int(query["endTime"])
        assert high - low < 7 * DAY_MS
        rows = [row for row in fills[::-1] if low <= int(str(row["execTime"])) <= high]
        at = int(query.get("cursor", "page:0").partition(":")[2])
        more = f"page%3A{at + 99}" if at + 100 < len(rows) else ""
        return {"list": rows[at : at + 100], "nextPageCursor": more}

    within = TimeRange(start_ms=start_ms, end_ms=NOW_MS)
    with _venue(reply) as venue:
        rest = client(venue.url, PATIENT)
        history = HistoryQueries(rest).executions(ETH, within)
        rest.close()
    assert [row.execution_id for row in history.rows] == [f"e{n}" for n in range(400)]
    assert history.is_complete
    assert history.covers == within
    assert len({(query["startTime"], query["endTime"]) for query in asked}) == 3
    assert any("cursor" in query for query in asked)
    assert {query["limit"] for query in asked} == {"100"}


def test_a_repeated_cursor_ends_the_list() -> None:
    row = _fill(1, NOW_MS)
    count = 0

    def reply(_: str, query: dict[str, str]) -> object:
        nonlocal count
        count += 1
        return {"list": [row], "nextPageCursor": "same%2C"}

    with _venue(reply) as venue:
        rest = client(venue.url, PATIENT)
        within = TimeRange(start_ms=NOW_MS - 1_000, end_ms=NOW_MS)
        history = HistoryQueries(rest).executions(None, within)
        rest.close()
    assert len(history.rows) == 1
    assert count == 2


def test_a_list_without_an_end_is_refused_and_not_cut() -> None:
    count = 0

    def reply(_: str, query: dict[str, str]) -> object:
        nonlocal count
        count += 1
        return {"list": [], "nextPageCursor": f"c{count}"}

    with _venue(reply) as venue:
        rest = client(venue.url, PATIENT)
        rest.limiter._address.limit = 1_000_000
        with pytest.raises(QueryFailed, match=f"{PAGES_MAX} pages"):
            StateQueries(rest).open_orders(None)
        rest.close()
    assert count == PAGES_MAX


def test_fills_of_one_millisecond_keep_the_venue_s_sequence() -> None:
    rows = [_fill(number, NOW_MS) for number in (2, 3, 1)]
    with _venue(lambda *_: {"list": rows}) as venue:
        rest = client(venue.url, PATIENT)
        within = TimeRange(start_ms=NOW_MS, end_ms=NOW_MS)
        history = HistoryQueries(rest).executions(ETH, within)
        rest.close()
    assert [row.execution_id for row in history.rows] == ["e1", "e2", "e3"]


def test_funding_is_told_apart_from_fills() -> None:
    funding = {**FUNDING, "execTime": str(NOW_MS)}
    asked: list[dict[str, str]] = []

    def reply(_: str, query: dict[str, str]) -> object:
        asked.append(query)
        rows = [funding] if "execType" in query else [funding, _fill(1, NOW_MS)]
        return {"list": rows}

    with _venue(reply) as venue:
        rest = client(venue.url, PATIENT)
        history, within = HistoryQueries(rest), TimeRange(start_ms=NOW_MS - 5, end_ms=NOW_MS)
        fills = history.executions(None, within).rows
        paid = history.funding_payments(None, within).rows
        rest.close()
    assert [row.execution_id for row in fills] == ["e1"]
    assert [row.amount for row in paid] == [Money.of("0.00867")]
    assert [query.get("settleCoin") for query in asked] == ["USDT", "USDT"]
    assert asked[1]["execType"] == "Funding"


def test_what_is_older_than_the_venue_keeps_is_not_covered() -> None:
    asked: list[int] = []
    now_ms = time.time_ns() // 1_000_000

    def reply(_: str, query: dict[str, str]) -> object:
        asked.append(int(query["startTime"]))
        return {"list": []}

    within = TimeRange(start_ms=now_ms - 735 * DAY_MS, end_ms=now_ms - 720 * DAY_MS)
    with _venue(reply) as venue:
        rest = client(venue.url, PATIENT)
        history = HistoryQueries(rest).executions(ETH, within)
        rest.close()
    assert not history.is_complete
    assert history.covers.end_ms == within.end_ms
    assert abs(history.covers.start_ms - (now_ms - 730 * DAY_MS)) < 60_000
    assert min(asked) <= history.covers.start_ms


def _order(link: str, created_ms: int, updated_ms: int, status: str) -> Json:
    return {
        **ORDER,
        "orderId": f"id-{link}",
        "orderLinkId": link,
        "orderStatus": status,
        "createdTime": str(created_ms),
        "updatedTime": str(updated_ms),
    }


def test_order_history_is_complete_for_a_day_only() -> None:
    """Orders that ended without a fill are shown for 24 hours."""
    with _venue(lambda *_: {"list": []}) as venue:
        rest = client(venue.url, PATIENT)
        history = HistoryQueries(rest)
        for hours, complete in ((23, True), (25, False)):
            within = TimeRange(start_ms=NOW_MS - hours * 3_600_000, end_ms=NOW_MS)
            found = history.order_history(ETH, within)
            assert found.is_complete is complete
            assert (found.covers == within) is complete
        rest.close()


def test_an_order_that_was_made_before_the_range_and_ended_inside_is_told() -> None:
    """The venue may filter by creation; the range is one of changes."""
    start_ms = NOW_MS - 3_600_000
    orders = [
        _order("old", start_ms - DAY_MS, start_ms + 5, "Filled"),
        _order("new", start_ms + 1, start_ms + 3, "Cancelled"),
        _order("outside", start_ms - DAY_MS, start_ms - 1, "Filled"),
    ]

    def reply(_: str, query: dict[str, str]) -> object:
        low, high = int(query["startTime"]), int(query["endTime"])
        return {"list": [row for row in orders if low <= int(str(row["createdTime"])) <= high]}

    with _venue(reply) as venue:
        rest = client(venue.url, PATIENT)
        within = TimeRange(start_ms=start_ms, end_ms=NOW_MS)
        found = HistoryQueries(rest).order_history(ETH, within)
        rest.close()
    assert [row.client_id for row in found.rows] == ["new", "old"]


def test_an_order_is_looked_for_live_and_then_in_the_history() -> None:
    paths: list[str] = []

    def reply(path: str, query: dict[str, str]) -> object:
        paths.append(path)
        is_history = path.endswith("history")
        link = query["orderLinkId"]
        rows = [_order("ended", 1, 2, "Filled")] if is_history and link == "ended" else []
        return {"list": rows}

    with _venue(reply) as venue:
        rest = client(venue.url, PATIENT)
        queries = StateQueries(rest)
        ended = queries.find_order(ETH, ClientId("ended"))
        nothing = queries.find_order(ETH, ClientId("never"))
        rest.close()
    assert ended is not None
    assert ended.status is Status.FILLED
    assert nothing is None
    live, ended_ones, fills = "/v5/order/realtime", "/v5/order/history", "/v5/execution/list"
    assert paths == [live, ended_ones, live, ended_ones, fills]


def _fill_of(link: str, time_ms: int) -> Json:
    return {**EXECUTION, "execId": "e1", "orderLinkId": link, "execTime": str(time_ms)}


def _shown_for_a_week(
    shown: list[Json], fills: list[Json]
) -> Callable[[str, dict[str, str]], object]:
    """Return a venue whose history shows the last seven days where no range is given."""

    def reply(path: str, query: dict[str, str]) -> object:
        if path.endswith("execution/list"):
            return {"list": fills}
        if path.endswith("realtime"):
            return {"list": []}
        start = int(query.get("startTime", NOW_MS - 7 * DAY_MS))
        end = int(query.get("endTime", NOW_MS))
        assert end - start <= 7 * DAY_MS, "a window of at most seven days"
        return {"list": [row for row in shown if start <= int(str(row["updatedTime"])) <= end]}

    return reply


@pytest.mark.parametrize("days", [1, 8, 400])
def test_an_order_with_fills_is_found_however_old_it_is(days: int) -> None:
    then_ms = NOW_MS - days * DAY_MS
    orders = [_order("mine", then_ms - 5, then_ms, "Filled")]
    with _venue(_shown_for_a_week(orders, [_fill_of("mine", then_ms)])) as venue:
        rest = client(venue.url, PATIENT)
        found = StateQueries(rest).find_order(ETH, ClientId("mine"))
        rest.close()
    assert found is not None
    assert found.client_id == "mine"


def test_an_order_with_fills_and_without_a_record_is_not_absent() -> None:
    """Something was executed under the id: "there is none" would be the one wrong answer."""
    with _venue(_shown_for_a_week([], [_fill_of("mine", NOW_MS - 9 * DAY_MS)])) as venue:
        rest = client(venue.url, PATIENT)
        with pytest.raises(QueryFailed, match="order mine has executions"):
            StateQueries(rest).find_order(ETH, ClientId("mine"))
        rest.close()


def test_executions_of_another_order_prove_nothing() -> None:
    with _venue(_shown_for_a_week([], [_fill_of("other", NOW_MS)])) as venue:
        rest = client(venue.url, PATIENT)
        assert StateQueries(rest).find_order(ETH, ClientId("mine")) is None
        rest.close()


def test_an_order_is_not_absent_while_the_history_gives_no_answer() -> None:
    def act(peer: Peer) -> None:
        while request := peer.read():
            is_history = b"/v5/order/history" in request
            peer.send(answer(b"", status="502 Bad") if is_history else ok({"list": []}))

    with SocketStub(act) as venue:
        rest = client(venue.url)
        with pytest.raises(QueryFailed, match="502"):
            StateQueries(rest).find_order(ETH, ClientId("any"))
        rest.close()


def test_hedge_mode_is_never_taken_for_a_position() -> None:
    rows = [{**POSITION, "positionIdx": 1}, {**POSITION, "positionIdx": 2}]
    with _venue(lambda *_: {"list": rows}) as venue:
        rest = client(venue.url)
        with pytest.raises(Unreadable, match="positionIdx"):
            StateQueries(rest).position(Symbol("SOLUSDT"))
        rest.close()


def test_a_position_or_account_that_is_not_in_the_answer_is_no_flat_one() -> None:
    with _venue(lambda *_: {"list": []}) as venue:
        rest = client(venue.url)
        with pytest.raises(QueryFailed, match="no position of ETHUSDT"):
            StateQueries(rest).position(ETH)
        with pytest.raises(QueryFailed, match="no account"):
            StateQueries(rest).account(MarginMode.CROSS)
        rest.close()


@pytest.mark.parametrize("result", [{}, {"list": None}, {"list": ["x"]}, {"list": {}}])
def test_an_answer_without_its_list_is_unreadable(result: object) -> None:
    with _venue(lambda *_: result) as venue:
        rest = client(venue.url)
        with pytest.raises(Unreadable):
            StateQueries(rest).open_orders(None)
        rest.close()


def test_an_account_without_usdt_is_empty() -> None:
    with _venue(lambda *_: {"list": [{"coin": []}]}) as venue:
        rest = client(venue.url)
        assert StateQueries(rest).account(MarginMode.ISOLATED).wallet == Money.of(0)
        rest.close()


def test_an_end_far_in_the_future_is_not_asked_for_in_windows() -> None:
    """Nothing has happened there; what is kept is told whole."""
    asked: list[dict[str, str]] = []

    def reply(_: str, query: dict[str, str]) -> object:
        asked.append(query)
        return {"list": [], "nextPageCursor": ""}

    within = TimeRange(start_ms=NOW_MS - DAY_MS, end_ms=2**53)
    with _venue(reply) as venue:
        rest = client(venue.url, PATIENT)
        history = HistoryQueries(rest).executions(ETH, within)
        rest.close()
    assert len(asked) <= 2
    assert history.is_complete
    assert history.covers.start_ms == within.start_ms
    assert NOW_MS <= history.covers.end_ms < 2**53
