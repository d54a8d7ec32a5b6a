"""A journal belongs to one account at one venue; a desk on another one is refused untouched."""

from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from tidegate.adapters.sqlite.state import SqliteState
from tidegate.adapters.v5server.accounts import ALWAYS
from tidegate.application.bybit_container import bybit_application
from tidegate.application.codec import encode
from tidegate.application.commands import Commands
from tidegate.application.settings import LIVE_ACKNOWLEDGEMENT, Settings
from tidegate.application.settings_bybit import BybitSettings
from tidegate.domain.core import events as ev
from tidegate.domain.mode import TradingMode, VenueKind
from tidegate.domain.money import Money
from tidegate.domain.orders import Symbol
from tidegate.domain.risk.limits import RiskLimits
from tidegate.ports.commands import DemoRequest, Where
from tidegate.ports.desk import Placed
from tidegate.ports.exchange import QueryFailed
from tidegate.ports.state import JournalMismatch

from tests.adapters.v5server.bench import Bench, account_spec
from tests.application.bench import signal
from tests.domain.samples import BTCUSDT

from .threaded_bench import (
    START_MS,
    GatedVenue,
    KeptState,
    events_of,
    make_application,
    own_threads,
    started,
)

BTC = Symbol("BTCUSDT")
KINDS = tuple(VenueKind)
ONE = {"TIDEGATE_BYBIT_KEY": "key-one", "TIDEGATE_BYBIT_SECRET": "secret-one"}
TWO = {"TIDEGATE_BYBIT_KEY": "key-two", "TIDEGATE_BYBIT_SECRET": "secret-two"}


class OwnedVenue(GatedVenue):
    """A venue that says whose account it is, unless it does not answer."""

    def __init__(self, owner: str | None) -> None:
        super().__init__((BTCUSDT,))
        self.owner = owner
        self.is_silent = False
        self.script.move(BTC, last=BTCUSDT.price_min)

    def account_id(self) -> str | None:
        if self.is_silent:
            raise QueryFailed("the venue does not answer")
        return self.owner


class OpenState(KeptState):
    """A journal that goes on after the desk that closed it."""

    def close(self) -> None:
        self._log.append("books closed")


def begun(*, venue: VenueKind = VenueKind.MEMORY, account: str | None = "1") -> OpenState:
    """Return a journal that a desk has begun there."""
    state = OpenState()
    events = (
        ev.SessionStarted(mode=TradingMode.PAPER, venue=venue, account=account),
        ev.AccountOpened(wallet=Money.of("100000"), time_ms=START_MS),
    )
    records = [encode(event, time_ms=START_MS) for event in events]
    state.append(records, expected_version=0, durable=False)
    return state


def test_the_first_start_names_the_account_and_the_next_ones_go_on() -> None:
    state = OpenState()
    for _ in range(2):
        with started(make_application(OwnedVenue("1"), state)):
            pass
    starts = [event for event in events_of(state) if isinstance(event, ev.SessionStarted)]
    assert [(event.venue, event.account) for event in starts] == [(VenueKind.MEMORY, "1")] * 2


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not VenueKind.MEMORY])
def test_a_desk_on_another_kind_of_venue_is_refused_and_nothing_is_written_or_sent(
    kind: VenueKind,
) -> None:
    state, venue = begun(venue=kind), OwnedVenue("1")
    venue.is_silent = True
    before = state.rows()
    named = f"venue '{kind.value}', account 1, and this desk is on the venue 'memory': name another"
    with pytest.raises(JournalMismatch, match=named):
        make_application(venue, state).start()
    assert state.rows() == before
    assert venue.log == ["exchange closed"]
    assert own_threads() == []


@pytest.mark.parametrize("owner", ["2", "11", None])
def test_a_desk_on_another_account_is_refused_and_nothing_is_written_or_sent(
    owner: str | None,
) -> None:
    state, venue = begun(), OwnedVenue(owner)
    before = state.rows()
    with pytest.raises(JournalMismatch, match=r"'memory', account 1, and .* 'memory'"):
        make_application(venue, state).start()
    assert state.rows() == before
    assert venue.log == ["exchange closed"]


def test_a_later_session_does_not_change_whose_journal_it_is() -> None:
    state = begun()
    other = ev.SessionStarted(mode=TradingMode.LIVE, venue=VenueKind.BYBIT_MAINNET, account="2")
    state.append([encode(other, time_ms=START_MS)], expected_version=2, durable=False)
    with started(make_application(OwnedVenue("1"), state)):
        pass
    with pytest.raises(JournalMismatch, match=r"account 1, and this desk .* account 2:"):
        make_application(OwnedVenue("2"), state).start()


def test_a_journal_of_an_earlier_release_belongs_to_the_first_account_that_goes_on() -> None:
    state = begun(account=None)
    with started(make_application(OwnedVenue("1"), state)):
        pass
    with pytest.raises(JournalMismatch, match="account 1"):
        make_application(OwnedVenue("2"), state).start()


def test_a_start_waits_for_no_answer_that_does_not_come() -> None:
    state, venue = begun(), OwnedVenue("1")
    venue.is_silent = True
    before = state.rows()
    with pytest.raises(QueryFailed, match="does not answer"):
        make_application(venue, state).start()
    assert state.rows() == before
    assert venue.log == ["exchange closed"]


def test_a_paper_session_and_its_panic_refuse_a_journal_of_another_venue(tmp_path: Path) -> None:
    commands = Commands(env={})
    where = str(tmp_path)
    opened = commands.demo(DemoRequest(bars=30, state=where))
    with closing(SqliteState(tmp_path / "journal.sqlite")) as state:
        records = [row.record for row in begun(venue=VenueKind.BYBIT_DEMO).rows()]
        state.append(records, expected_version=0, durable=False)
    opened.session.close()
    with (
        closing(commands.demo(DemoRequest(bars=30, state=where)).session) as session,
        pytest.raises(JournalMismatch, match=r"'bybit demo', account 1, and .* 'paper'"),
    ):
        session.run(lambda *_: None)
    with pytest.raises(JournalMismatch, match=r"'bybit demo', account 1, and .* 'paper'"):
        commands.panic(Where(state=where), cause="drill")
    with closing(SqliteState(tmp_path / "journal.sqlite")) as state:
        assert state.version() == 2


# On Bybit, with a venue on this machine


def on(bench: Bench, folder: Path, mode: TradingMode = TradingMode.TESTNET) -> Settings:
    return Settings(
        mode=mode,
        live_acknowledgement=LIVE_ACKNOWLEDGEMENT if mode is TradingMode.LIVE else "",
        state_path=folder / "journal.sqlite",
        limits=RiskLimits(loss_cooldown_ms=0),
        bybit=BybitSettings(
            allow_loopback=True, rest_url=bench.server.rest_url, ws_url=bench.server.ws_url
        ),
    )


def two_accounts() -> Bench:
    names = {1: ONE, 2: TWO}
    keys = {
        uid: {"key": env["TIDEGATE_BYBIT_KEY"], "secret": env["TIDEGATE_BYBIT_SECRET"]}
        for uid, env in names.items()
    }
    return Bench([account_spec(uid=uid, **named) for uid, named in keys.items()])


def orders_ever(bench: Bench) -> list[Any]:
    """Return every order that any account has seen."""
    rows = bench.server.call(
        lambda exchange: [each.venue.order_history(None, ALWAYS).rows for each in exchange.accounts]
    )
    return list(chain.from_iterable(rows))


def version(folder: Path) -> int:
    with closing(SqliteState(folder / "journal.sqlite")) as state:
        return state.version()


@pytest.mark.parametrize("mode", [TradingMode.TESTNET, TradingMode.LIVE])
def test_the_key_of_another_account_neither_starts_nor_panics_on_the_journal(
    tmp_path: Path, mode: TradingMode
) -> None:
    with two_accounts() as bench:
        bench.price("65000")
        with started(bybit_application(on(bench, tmp_path), ONE)) as desk:
            assert isinstance(desk.desk.execute(signal(), timeout_ms=20_000), Placed)
        before, sent = version(tmp_path), orders_ever(bench)
        other = "'bybit mainnet'" if mode is TradingMode.LIVE else "account 2"
        with pytest.raises(JournalMismatch, match=f"account 1, and this desk is on .*{other}"):
            bybit_application(on(bench, tmp_path, mode), TWO).start()
        env = {
            **TWO,
            "TIDEGATE_MODE": mode.value,
            "TIDEGATE_LIVE_ACKNOWLEDGEMENT": LIVE_ACKNOWLEDGEMENT,
            "TIDEGATE_STATE_PATH": str(tmp_path / "journal.sqlite"),
            "TIDEGATE_BYBIT__ALLOW_LOOPBACK": "true",
            "TIDEGATE_BYBIT__REST_URL": bench.server.rest_url,
            "TIDEGATE_BYBIT__WS_URL": bench.server.ws_url,
            "TIDEGATE_CONFIG": "/dev/null",
        }
        with pytest.raises(JournalMismatch, match=f"account 1, and this desk is on .*{other}"):
            Commands(env=env).panic(Where(), cause="drill")
        assert (version(tmp_path), orders_ever(bench)) == (before, sent)
        held = bench.server.call(lambda exchange: len(exchange.accounts.first.venue.positions()))
        assert held == 1
        with started(bybit_application(on(bench, tmp_path), ONE)) as again:
            assert not again.desk.status().books.findings


def test_the_journal_keeps_the_user_id_of_the_key(tmp_path: Path) -> None:
    with two_accounts() as bench:
        bench.price("65000")
        application = bybit_application(on(bench, tmp_path), TWO)
        with started(application):
            books = application.desk.status().books
            assert (books.venue, books.account) == (VenueKind.BYBIT_TESTNET, "2")
