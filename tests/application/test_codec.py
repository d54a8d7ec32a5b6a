"""Events as text: every kind survives, and nothing strange is taken for an event."""

import json
from pathlib import Path
from typing import get_args

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tidegate.application.codec import (
    EVENT_TAGS,
    decode,
    decode_books,
    encode,
    encode_books,
)
from tidegate.domain.account_settings import (
    AccountSetting,
    AutoMarginSetting,
    CollateralSetting,
    LeverageSetting,
    MarginModeSetting,
    MarginSetting,
)
from tidegate.domain.core import events as ev
from tidegate.domain.core.state import Books
from tidegate.domain.equity import BY_LEDGER
from tidegate.domain.mode import TradingMode, VenueKind
from tidegate.domain.money import Distance, Money, Price, Qty, Rate
from tidegate.domain.orders import OrderKind, TimeInForce
from tidegate.domain.reports import MarginMode
from tidegate.domain.signal import (
    Entry,
    ExactQty,
    KellyFraction,
    MarginAtLeverage,
    Notional,
    RiskFraction,
    SizingMethod,
    StopAtPrice,
    StopAtr,
    StopPercent,
    StopRoi,
    StopSpec,
    VolatilityTarget,
)
from tidegate.ports.state import Record, StateCorrupt

from tests.application.bench import BTC
from tests.domain.core.scenes import opened

from .event_samples import samples

PINNED = Path(__file__).with_name("journal_shapes.json")
SAMPLES = samples()
KINDS = sorted(SAMPLES, key=lambda kind: kind.__name__)
AMOUNTS = st.decimals(
    min_value="-1e12", max_value="1e12", allow_nan=False, allow_infinity=False, places=18
)


def shape(value: object) -> object:
    """Return the keys of an encoded body, with the kind of each value."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in sorted(value.items())}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "null" if value is None else type(value).__name__


def test_every_event_has_exactly_one_tag() -> None:
    assert set(EVENT_TAGS) == set(get_args(ev.Event))
    assert len(set(EVENT_TAGS.values())) == len(EVENT_TAGS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_event_of_every_kind_comes_back_as_it_was(kind: type) -> None:
    event = SAMPLES[kind]
    record = encode(event, time_ms=7)
    assert record.time_ms == 7
    assert decode(record) == event


def test_the_released_shapes_have_not_changed() -> None:
    """A new shape needs a new tag: a journal written before must stay readable."""
    now = {
        EVENT_TAGS[kind]: shape(json.loads(encode(event, time_ms=0).body))
        for kind, event in SAMPLES.items()
    }
    pinned = json.loads(PINNED.read_text(encoding="utf-8"))
    assert sorted(now) == sorted(pinned)
    for tag, known in pinned.items():
        assert now[tag] == known, f"{tag} changed its shape: give the new one a new tag"


ACCOUNT_SETTINGS: tuple[AccountSetting, ...] = (
    LeverageSetting(symbol=BTC, leverage=Rate.of("2.5")),
    MarginModeSetting(mode=MarginMode.ISOLATED),
    MarginSetting(symbol=BTC, amount=Money.of("-5.25")),
    AutoMarginSetting(symbol=BTC, is_on=True),
    CollateralSetting(coin="BTC", is_on=False),
)


@pytest.mark.parametrize("setting", ACCOUNT_SETTINGS, ids=str)
def test_every_setting_of_the_account_comes_back_as_it_was(setting: AccountSetting) -> None:
    event = ev.SettingIntended(key="k", setting=setting, note=None, time_ms=5)
    assert decode(encode(event, time_ms=5)) == event
    books = Books(settings={"k": setting})
    assert decode_books(encode_books(books)) == books


@settings(deadline=None, max_examples=60)
@given(AMOUNTS, AMOUNTS)
def test_amounts_survive_to_the_last_digit(one: object, other: object) -> None:
    equity = Money.of(str(one))
    event = ev.EquityMarked(equity=equity, time_ms=1)
    assert decode(encode(event, time_ms=1)) == event
    moved = ev.Excursion(symbol=BTC, profit=Money.of(str(other)))
    assert decode(encode(moved, time_ms=1)) == moved


STOPS: tuple[StopSpec | None, ...] = (
    None,
    StopAtPrice(Price.of("64000.10")),
    StopPercent(Rate.of("0.02")),
    StopRoi(Rate.of("0.1")),
    StopAtr(Rate.of("1.5"), Distance.of("250")),
)
SIZES: tuple[SizingMethod, ...] = (
    Notional(Money.of("100")),
    MarginAtLeverage(Money.of("50")),
    RiskFraction(Rate.of("0.01")),
    VolatilityTarget(Rate.of("0.01"), Distance.of("250")),
    KellyFraction(Rate.of("0.5"), Rate.of("2"), Rate.of("0.5"), Rate.of("0.02")),
    ExactQty(Qty.of("0.001")),
)


@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: type(stop).__name__)
@pytest.mark.parametrize("sizing", SIZES, ids=lambda sizing: type(sizing).__name__)
def test_every_way_to_size_and_to_stop_survives(
    stop: StopSpec | None, sizing: SizingMethod
) -> None:
    entry = SAMPLES[ev.EntryIntended]
    assert isinstance(entry, ev.EntryIntended)
    event = attrs.evolve(entry, signal=attrs.evolve(entry.signal, stop=stop, sizing=sizing))
    back = decode(encode(event, time_ms=1))
    assert back == event


def record(kind: type = ev.PanicReset, **changes: object) -> Record:
    good = encode(SAMPLES[kind], time_ms=0)
    body = {**json.loads(good.body), **changes}
    return attrs.evolve(good, body=json.dumps(body))


def test_a_start_names_the_account_and_one_of_before_named_none() -> None:
    named = ev.SessionStarted(
        mode=TradingMode.LIVE, venue=VenueKind.BYBIT_MAINNET, account="24617703"
    )
    assert decode(encode(named, time_ms=1)) == named
    body = '{"mode": "live", "venue": "bybit mainnet"}'
    before = decode(Record(kind="session_started.v1", body=body, time_ms=1))
    assert before == attrs.evolve(named, account=None)


@pytest.mark.parametrize(("was", "now"), [(True, TimeInForce.POST_ONLY), (False, None)])
def test_an_entry_of_before_said_post_only_and_means_a_time_in_force(
    was: bool, now: TimeInForce | None
) -> None:
    event = SAMPLES[ev.EntryIntended]
    assert isinstance(event, ev.EntryIntended)
    body = json.loads(encode(event, time_ms=1).body)
    body["signal"]["entry"] = {"kind": "limit", "price": "64000", "post_only": was}
    for added in ("time_in_force", "trigger", "take_profit"):
        del body["ticket"][added]
    back = decode(Record(kind="entry_intended.v1", body=json.dumps(body), time_ms=1))
    wanted = Entry(kind=OrderKind.LIMIT, price=Price.of("64000"), time_in_force=now)
    assert isinstance(back, ev.EntryIntended)
    assert back.signal == attrs.evolve(event.signal, entry=wanted)
    unsaid = attrs.evolve(event.ticket, time_in_force=None)
    assert back == attrs.evolve(event, signal=back.signal, ticket=unsaid)


def test_a_stop_move_refused_before_says_of_no_answer_that_it_is_lost() -> None:
    body = '{"message": "no", "price": "64000", "symbol": "BTCUSDT"}'
    before = decode(Record(kind="stop_move_refused.v1", body=body, time_ms=1))
    assert before == ev.StopMoveRefused(symbol=BTC, price=Price.of("64000"), message="no")


def test_an_unknown_tag_is_refused_by_name() -> None:
    with pytest.raises(StateCorrupt, match=r"panic_reset\.v9"):
        decode(attrs.evolve(record(), kind="panic_reset.v9"))


def test_an_extra_key_is_refused_by_name() -> None:
    with pytest.raises(StateCorrupt, match=r"panic_reset\.v1.*surprise"):
        decode(record(surprise=1))


def test_a_missing_key_is_refused_by_name() -> None:
    with pytest.raises(StateCorrupt, match=r"panic_reset\.v1.*time_ms"):
        decode(attrs.evolve(record(), body="{}"))


@pytest.mark.parametrize("body", ["", "{", "[]", "1", "null", '"text"'])
def test_a_body_that_is_no_object_is_refused(body: str) -> None:
    with pytest.raises(StateCorrupt, match=r"panic_reset\.v1"):
        decode(attrs.evolve(record(), body=body))


@pytest.mark.parametrize("amount", [1.5, 7, None, "ten", [], True])
def test_an_amount_that_is_not_decimal_text_is_refused(amount: object) -> None:
    with pytest.raises(StateCorrupt, match=r"day_rolled\.v1"):
        decode(record(ev.DayRolled, equity=amount))


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity", "sNaN"])
def test_an_amount_that_is_not_finite_is_refused(amount: str) -> None:
    with pytest.raises(StateCorrupt, match=r"day_rolled\.v1"):
        decode(record(ev.DayRolled, equity=amount))


def test_books_survive_a_snapshot() -> None:
    books = opened().runner.state.books
    assert decode_books(encode_books(books)) == books


def test_a_snapshot_of_another_release_is_left_aside() -> None:
    assert decode_books('{"format": "another", "books": {}}') is None


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", "7"])
def test_a_broken_snapshot_is_refused(text: str) -> None:
    with pytest.raises(StateCorrupt, match="snapshot"):
        decode_books(text)


def test_a_snapshot_that_does_not_fit_is_refused() -> None:
    body = json.loads(encode_books(opened().runner.state.books))
    body["books"]["surprise"] = 1
    with pytest.raises(StateCorrupt, match="surprise"):
        decode_books(json.dumps(body))


@pytest.mark.parametrize("number", ["NaN", "sNaN", "Infinity", 0, 0.5, None, "1e9999"])
def test_a_number_of_a_snapshot_that_is_no_finite_text_is_refused(number: object) -> None:
    body = json.loads(encode_books(opened().runner.state.books))
    body["books"]["tally"]["daily"]["squares"] = number
    with pytest.raises(StateCorrupt, match="squares"):
        decode_books(json.dumps(body))


def test_a_mark_of_before_its_ground_was_written_is_the_ledgers() -> None:
    body = '{"equity":"10250.5","time_ms":7}'
    assert decode(Record(kind="equity_marked.v1", body=body, time_ms=7)) == ev.EquityMarked(
        equity=Money.of("10250.5"), time_ms=7, anchor=BY_LEDGER
    )
