"""Whatever the venue sends, reading it gives a value or one typed error, and nothing else."""

import random
from collections.abc import Callable, Mapping

import orjson
import pytest
from tidegate.adapters.bybit.wire.envelope import envelope
from tidegate.adapters.bybit.wire.executions import execution_or_funding
from tidegate.adapters.bybit.wire.fields import Row, Unreadable
from tidegate.adapters.bybit.wire.instruments import instrument, risk_tiers
from tidegate.adapters.bybit.wire.markets import bar_of_stream, ticker
from tidegate.adapters.bybit.wire.orders import order_report
from tidegate.adapters.bybit.wire.positions import position_report
from tidegate.adapters.bybit.wire.records import account_change, api_key, closed_profit
from tidegate.adapters.bybit.wire.wallets import account_report
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import MarginMode

from tests.domain.samples import TIERS as DOMAIN_TIERS

from .rows import (
    EXECUTION,
    FUNDING,
    INSTRUMENT,
    LOG,
    ORDER,
    PNL,
    POSITION,
    QUERY_API,
    TICKER,
    TIERS,
    WALLET,
    Json,
)

SEED = 20_260_724
EACH = 50_000 // 16
STOP: Json = {**ORDER, "triggerPrice": "1", "triggerDirection": 2, "createType": ""}
CANCELLED: Json = {**ORDER, "orderStatus": "Cancelled", "cancelType": "CancelByUser"}
BAR: Json = {
    "start": 1_670_608_800_000,
    "end": 1_670_612_399_999,
    "open": "17071",
    "close": "17055.5",
    "high": "17073",
    "low": "17027",
    "volume": "268611",
    "confirm": False,
}
ANSWER: Json = {"retCode": 0, "retMsg": "OK", "result": {}, "retExtInfo": {}, "time": 1}

READERS: Mapping[str, tuple[Json, Callable[[Json], object]]] = {
    "order": (ORDER, order_report),
    "conditional order": (STOP, order_report),
    "cancelled order": (CANCELLED, order_report),
    "execution": (EXECUTION, execution_or_funding),
    "funding": (FUNDING, execution_or_funding),
    "position": (POSITION, lambda row: position_report(row, time_ms=0)),
    "wallet, cross": (WALLET, lambda r: account_report(r, mode=MarginMode.CROSS, time_ms=0)),
    "wallet, isolated": (
        WALLET,
        lambda row: account_report(row, mode=MarginMode.ISOLATED, time_ms=0),
    ),
    "instrument": (INSTRUMENT, lambda row: instrument(row, tiers=DOMAIN_TIERS)),
    "tiers": ({"list": TIERS}, lambda row: risk_tiers(row.get("list"))),
    "ticker": (TICKER, lambda row: ticker(row, time_ms=0)),
    "bar": (BAR, lambda row: bar_of_stream(Symbol("BTCUSDT"), row)),
    "closed profit": (PNL, closed_profit),
    "log entry": (LOG, account_change),
    "api key": (QUERY_API, api_key),
    "answer": (ANSWER, envelope),
}

_JUNK: tuple[object, ...] = (
    None,
    "",
    "0",
    "0.00",
    "-1",
    "1e5",
    "1e99",
    "1e-99",
    "1e999999999",
    "9" * 39,
    "9" * 5_000,
    "." * 40,
    "NaN",
    "-Infinity",
    "sNaN",
    "0x10",
    "1,5",
    "UNKNOWN",
    "Buy",
    True,
    False,
    0,
    1,
    -1,
    2**63,
    10**300,
    1.5,
    1e308,
    [],
    {},
    ["a", 1],
    [{}],
    [None],
    {"list": []},
)


def _mutated(row: Json, chance: random.Random) -> Json:
    """Return a copy with one or two fields lost, added, exchanged, replaced or misspelt."""
    changed: Json = orjson.loads(orjson.dumps(row))
    for _ in range(chance.choice((1, 1, 2))):
        place = _some_object(changed, chance)
        if place:
            _mutate(place, chance.choice(sorted(place)), chance)
    return changed


def _some_object(row: Json, chance: random.Random) -> Json:
    """Return the row, or sometimes an object inside it."""
    inside: list[Json] = []
    for value in row.values():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                inside.append(item)
    return chance.choice(inside) if inside and chance.random() < 0.5 else row


def _mutate(place: Json, name: str, chance: random.Random) -> None:
    match chance.randrange(6):
        case 0:
            del place[name]
        case 1:
            place["somethingNew"] = chance.choice(_JUNK)
        case 2:
            place[name] = place[chance.choice(sorted(place))]
        case 3 if isinstance(place[name], str):
            text = str(place[name])
            at = chance.randrange(len(text) + 1)
            place[name] = text[:at] + chance.choice("09.-eE x\0\u0661") + text[at:]
        case _:
            place[name] = chance.choice(_JUNK)


@pytest.mark.parametrize("name", sorted(READERS))
def test_a_mutated_message_is_read_or_unreadable(name: str) -> None:
    row, read = READERS[name]
    chance = random.Random(f"{SEED} {name}")  # noqa: S311  (a seed that repeats)
    read(row)
    accepted, texts = 0, [""]
    for _ in range(EACH):
        changed = _mutated(row, chance)
        try:
            read(changed)
            accepted += 1
        except Unreadable as error:
            texts.append(str(error))
    assert max(map(len, texts)) < 500
    assert 0.05 < accepted / EACH < 0.95, f"{accepted} of {EACH} were accepted"


@pytest.mark.parametrize("junk", _JUNK, ids=lambda junk: repr(junk)[:20])
def test_what_is_no_object_is_unreadable(junk: object) -> None:
    if isinstance(junk, dict):
        assert Row.of("junk", junk).fields == junk
        return
    with pytest.raises(Unreadable, match="junk: the row"):
        Row.of("junk", junk)
