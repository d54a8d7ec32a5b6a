"""Reading one value of each type: what it may be, and what the error says where it is not."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType

import pytest
from tidegate.adapters.paper.store import PaperStore
from tidegate.adapters.sqlite.state import SqliteState
from tidegate.application.commands import Commands
from tidegate.application.settings import Settings, journal_in, venue_store_in
from tidegate.application.settings_loading import SettingsError, load_settings
from tidegate.application.settings_ranges import Range
from tidegate.application.settings_reading import Problem, read_settings
from tidegate.domain.history import STOPS_KEPT
from tidegate.domain.money import Money, Rate
from tidegate.domain.orders import Symbol
from tidegate.domain.risk.limits import Oversize
from tidegate.ports.commands import BadInput, PaperRequest, Where

SYMBOLS = "a list of symbols such as BTCUSDT, ETHUSDT"


@pytest.fixture(autouse=True)
def _no_settings_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "nobody"))


def problems(table: dict[str, object]) -> tuple[Problem, ...]:
    found = read_settings(table)
    assert not isinstance(found, Settings), "nothing was wrong"
    return found


def settings(table: dict[str, object]) -> Settings:
    found = read_settings(table)
    assert isinstance(found, Settings), found
    return found


class Broken(Mapping[str, object]):
    """A table that fails while it is read."""

    def __getitem__(self, key: str) -> object:
        raise OSError(f"{key} is gone")

    def __iter__(self) -> Iterator[str]:
        return iter(["mode"])

    def __len__(self) -> int:
        return 1


def test_a_fault_that_is_not_about_a_value_is_no_problem_of_the_settings() -> None:
    with pytest.raises(OSError, match=r"^mode is gone$"):
        read_settings(Broken())


@pytest.mark.parametrize("value", [3, True, None, ["x"]])
def test_what_is_no_text_is_not_made_text(value: object) -> None:
    assert problems({"strategy": {"name": value}}) == (
        Problem(("strategy", "name"), f"{value!r}; accepted: text"),
    )


@pytest.mark.parametrize("value", ["", "  ", 3, ["folder"]])
def test_a_path_is_text_that_is_not_blank(value: object) -> None:
    assert problems({"state_path": value}) == (
        Problem(("state_path",), f"{value!r}; accepted: a path"),
    )


def test_a_path_that_may_be_absent_is_still_judged() -> None:
    assert settings({"instruments_path": None}).instruments_path is None
    assert problems({"instruments_path": 3}) == (
        Problem(("instruments_path",), "3; accepted: a path"),
    )


def test_a_path_that_is_one_already_is_taken_as_it_is() -> None:
    path = Path("~/kept")
    assert settings({"state_path": path}).state_path == path


@pytest.mark.parametrize("value", [[], 5, {"BTCUSDT": 1}])
def test_an_empty_list_of_symbols_or_none_at_all_is_refused(value: object) -> None:
    assert problems({"limits": {"symbols_allowed": value}}) == (
        Problem(("limits", "symbols_allowed"), f"{value!r}; accepted: {SYMBOLS}"),
    )


@pytest.mark.parametrize("value", ["BTCUSDT,ETHUSDT", ("BTCUSDT", "ETHUSDT")])
def test_symbols_come_as_a_list_or_with_commas(value: object) -> None:
    allowed = settings({"limits": {"symbols_allowed": value}}).limits.symbols_allowed
    assert allowed == frozenset({Symbol("BTCUSDT"), Symbol("ETHUSDT")})


@pytest.mark.parametrize("value", ["btcusdt", "-BTC", "X" * 41, ""])
def test_a_symbol_is_of_capitals_and_digits_and_at_most_forty_long(value: str) -> None:
    assert problems({"symbol": value}) == (
        Problem(("symbol",), f"{value!r}; accepted: a symbol such as BTCUSDT"),
    )
    assert settings({"symbol": "X" * 40}).symbol == "X" * 40


@pytest.mark.parametrize("value", [5, "channel=20", ["channel"]])
def test_parameters_of_a_strategy_are_a_table(value: object) -> None:
    assert problems({"strategy": {"params": value}}) == (
        Problem(("strategy", "params"), f"{value!r}; accepted: a table such as [strategy.params]"),
    )


def test_parameters_of_a_strategy_cannot_be_changed_from_outside() -> None:
    given: dict[str, object] = {"channel": 20}
    params = settings({"strategy": {"params": given}}).strategy.params
    given["channel"] = 5
    assert params == {"channel": 20}
    assert isinstance(params, MappingProxyType)


def test_a_member_of_a_choice_is_taken_as_it_is() -> None:
    assert settings({"limits": {"oversize": Oversize.REDUCE}}).limits.oversize is Oversize.REDUCE


@pytest.mark.parametrize("value", ["9" * 19, "1.5", "", 1.0])
def test_a_whole_number_has_at_most_eighteen_digits_when_it_is_text(value: object) -> None:
    assert problems({"seed": value}) == (
        Problem(("seed",), f"{value!r}; accepted: a whole number"),
    )
    assert settings({"seed": "9" * 18}).seed == int("9" * 18)


def test_what_settings_contradict_together_has_no_path_of_its_own() -> None:
    (problem,) = problems({"mode": "live", "live_acknowledgement": "yes"})
    assert problem.path == ()
    assert "live_acknowledgement is 'yes'" in problem.text
    assert "accepted: the literal 'REAL MONEY'" in problem.text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("101%", "'101%'; accepted: 0 to 1 (a fraction: 0.02 or 2% is two per cent)"),
        ("-1%", "'-1%'; accepted: 0 to 1 (a fraction: 0.02 or 2% is two per cent)"),
        ("%", "'%'; accepted: a number such as 0.02, or a percentage such as 2%"),
    ],
)
def test_a_percentage_out_of_range_is_shown_as_it_was_written(value: str, text: str) -> None:
    assert problems({"limits": {"day_loss_max": value}}) == (
        Problem(("limits", "day_loss_max"), text),
    )
    assert settings({"limits": {"day_loss_max": "100%"}}).limits.day_loss_max == Rate.of(1)


def test_a_stronger_table_replaces_a_value_that_is_no_table(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("limits = 3", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"limits .*: 3; accepted: a table of settings"):
        load_settings(file=file, env={})
    env = {"TIDEGATE_LIMITS__POSITIONS_MAX": "2"}
    assert load_settings(file=file, env=env).limits.positions_max == 2


def test_an_unknown_volume_unit_is_refused_before_any_data_is_read(tmp_path: Path) -> None:
    request = PaperRequest(data=str(tmp_path / "none.csv"), volume_unit="lots")
    with pytest.raises(BadInput) as caught:
        Commands(env={}).paper(request)
    assert list(caught.value.problems) == [
        "volume unit 'lots'; accepted: base, quote, contracts_usd"
    ]


@pytest.mark.parametrize("value", [True, "5", None])
def test_a_range_judges_numbers_alone(value: object) -> None:
    bounds = Range(low=Decimal(10))
    assert bounds.holds(value)
    assert not bounds.holds(5)


def test_a_venue_store_that_nobody_began_is_begun_with_the_settings(tmp_path: Path) -> None:
    SqliteState(journal_in(tmp_path)).close()
    PaperStore(venue_store_in(tmp_path)).close()
    env = {"TIDEGATE_SEED": "7", "TIDEGATE_WALLET": "2500"}
    report = Commands(env=env).panic(Where(state=str(tmp_path)), cause="drill")
    assert (report.held, report.orders_open) == ((), 0)
    with closing(PaperStore(venue_store_in(tmp_path))) as store:
        opening = store.opening()
    assert opening is not None
    assert (opening.seed, opening.wallet) == (7, Money.of(2500))


def test_a_stop_guard_that_could_never_act_is_refused() -> None:
    """The last 256 stop-outs are remembered: a guard that allows as many would never see more."""
    table = {"limits": {"stops_in_window_max": STOPS_KEPT - 1}}
    found = read_settings(table)
    assert isinstance(found, Settings)
    assert found.limits.stops_in_window_max == STOPS_KEPT - 1
    with pytest.raises(SettingsError, match=r"stops_in_window_max .*: '256'; accepted: 0 to 255$"):
        load_settings(file=None, env={"TIDEGATE_LIMITS__STOPS_IN_WINDOW_MAX": str(STOPS_KEPT)})


def test_bars_have_a_length_that_the_venue_knows() -> None:
    (problem,) = problems({"strategy": {"bar_minutes": 7}})
    assert problem.path == ("strategy",)
    assert problem.text == (
        "bar_minutes is 7; accepted: 1, 3, 5, 15, 30, 60, 120, 240, 360, 720, 1440, 10080"
    )
