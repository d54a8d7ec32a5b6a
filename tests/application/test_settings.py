"""Settings: where they come from, what they may be, and how everything wrong is said at once."""

from decimal import Decimal
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tidegate.adapters.paper.config import PaperConfig, PathRule
from tidegate.application.bounds import DeskBounds
from tidegate.application.settings import (
    CapacitySettings,
    CostSettings,
    ProtectionSettings,
    Settings,
    TimingSettings,
    default_state_folder,
    journal_in,
    venue_store_in,
)
from tidegate.application.settings_loading import SettingsError, load_settings
from tidegate.application.settings_ranges import NOT_SETTINGS, RANGES, Range
from tidegate.application.settings_reading import is_table, setting_fields
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.day import DayBoundary
from tidegate.domain.mode import TradingMode, VenueKind
from tidegate.domain.money import Amount, Money, Rate
from tidegate.domain.orders import Symbol
from tidegate.domain.protection import ManualChanges, NakedPositions
from tidegate.domain.reports import MarginMode
from tidegate.domain.risk.limits import Oversize, RiskLimits

from .settings_page import PAGE, settings_page


@pytest.fixture(autouse=True)
def _no_settings_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "nobody"))


def _file(folder: Path, text: str) -> Path:
    path = folder / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return path


def _problems(text: str, folder: Path, **env: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_settings(file=_file(folder, text), env=env)
    name = str(folder / "settings.toml")
    return [problem.replace(name, "FILE") for problem in caught.value.problems]


def test_without_anything_given_every_default_holds() -> None:
    assert load_settings(file=None, env={}) == Settings()


def test_a_file_gives_exact_values_of_every_kind(tmp_path: Path) -> None:
    text = """
    mode = "paper"
    symbol = "ETHUSDT"
    seed = 7
    wallet = 2500.10
    state_path = "~/run/journal.sqlite"
    day_offset_minutes = -480
    [limits]
    day_loss_max = 0.1
    risk_per_trade_max = "1.5%"
    balance_min = "12.34"
    positions_max = 2
    stop_required = false
    oversize = "reduce"
    symbols_allowed = ["ETHUSDT", "BTCUSDT"]
    [costs]
    maker_fee = -0.0001
    [paper]
    path = "high first"
    margin_mode = "cross"
    [strategy.params]
    channel = 20
    stop_multiple = 2.5
    """
    found = load_settings(file=_file(tmp_path, text), env={})
    assert found.symbol == "ETHUSDT"
    assert found.seed == 7
    assert found.wallet == Money.of("2500.10")
    assert found.state_path == Path("~/run/journal.sqlite").expanduser()
    assert found.day == DayBoundary(-480)
    # 0.1 has no binary fraction: had a float been in between, these would differ
    assert found.limits == RiskLimits(
        day_loss_max=Rate.of("0.1"),
        risk_per_trade_max=Rate.of("0.015"),
        balance_min=Money.of("12.34"),
        positions_max=2,
        stop_required=False,
        oversize=Oversize.REDUCE,
        symbols_allowed=frozenset({Symbol("ETHUSDT"), Symbol("BTCUSDT")}),
    )
    assert found.costs == CostSettings(maker_fee=Rate.of("-0.0001"))
    assert found.paper == PaperConfig(
        seed=7, path=PathRule.HIGH_FIRST, margin_mode=MarginMode.CROSS
    )
    assert found.strategy.params == {"channel": 20, "stop_multiple": Decimal("2.5")}


def test_the_environment_overrides_the_file_and_options_override_both(tmp_path: Path) -> None:
    file = _file(tmp_path, "seed = 1\nwallet = 100\n[limits]\nday_loss_max = 0.01\npositions_max=1")
    env = {"TIDEGATE_SEED": "2", "TIDEGATE_LIMITS__DAY_LOSS_MAX": "0.02"}
    found = load_settings(file=file, env=env, options={"seed": 3})
    assert found.seed == 3
    assert found.limits.day_loss_max == Rate.of("0.02")
    assert found.limits.positions_max == 1
    assert found.wallet == Money.of(100)


@pytest.mark.parametrize(
    ("name", "text", "path", "value"),
    [
        ("LIMITS__STOP_REQUIRED", "false", "limits.stop_required", False),
        ("LIMITS__STOP_REQUIRED", "True", "limits.stop_required", True),
        ("LIMITS__POSITIONS_MAX", " 3 ", "limits.positions_max", 3),
        ("LIMITS__EXPOSURE_MAX", "250%", "limits.exposure_max", Rate.of("2.5")),
        ("LIMITS__SYMBOLS_ALLOWED", "A, B", "limits.symbols_allowed", frozenset({"A", "B"})),
        ("PAPER__PATH", "seeded", "paper.path", PathRule.SEEDED),
        ("STRATEGY__PARAMS__CHANNEL", "9", "strategy.params", {"channel": "9"}),
        ("INSTRUMENTS_PATH", "my.toml", "instruments_path", Path("my.toml")),
    ],
)
def test_a_variable_is_read_as_its_setting(name: str, text: str, path: str, value: object) -> None:
    found: object = load_settings(file=None, env={f"TIDEGATE_{name}": text})
    for part in path.split("."):
        found = getattr(found, part)
    assert found == value


def test_a_variable_may_name_the_file(tmp_path: Path) -> None:
    file = _file(tmp_path, "seed = 5")
    assert load_settings(file=None, env={"TIDEGATE_CONFIG": str(file)}).seed == 5


def test_everything_wrong_is_reported_at_once_with_path_value_and_what_is_accepted(
    tmp_path: Path,
) -> None:
    text = """
    mode = "papr"
    timings = 3
    [limits]
    day_loss_max = 3
    drawdown_max = "x%"
    positions_max = 1.5
    balance_min = nan
    oversize = 1
    symbols_allowed = ["BTCUSDT", 3]
    [paper]
    latency_ms = true
    """
    assert sorted(_problems(text, tmp_path, TIDEGATE_LIMITS__STOP_REQUIRED="no")) == [
        "limits.balance_min (FILE): NaN; accepted: an amount in USDT such as 1000.50",
        (
            "limits.day_loss_max (FILE): 3; accepted: 0 to 1 (a fraction: 0.02 or 2% is two per "
            "cent)"
        ),
        (
            "limits.drawdown_max (FILE): 'x%'; accepted: a number such as 0.02, or a percentage "
            "such as 2%"
        ),
        "limits.oversize (FILE): 1; accepted: refuse or reduce",
        "limits.positions_max (FILE): 1.5; accepted: a whole number",
        "limits.stop_required (TIDEGATE_LIMITS__STOP_REQUIRED): 'no'; accepted: true or false",
        "limits.symbols_allowed (FILE): 3; accepted: a symbol such as BTCUSDT",
        "mode (FILE): 'papr'; accepted: paper or memory or demo or testnet or live",
        "paper.latency_ms (FILE): True; accepted: a whole number",
        "timings (FILE): 3; accepted: a table of settings",
    ]


@pytest.mark.parametrize(
    ("text", "path", "help_"),
    [
        ("[limits]\nday_los_max = 1", "limits.day_los_max", "did you mean limits.day_loss_max?"),
        ("day_loss_max = 1", "day_loss_max", "did you mean limits.day_loss_max?"),
        ("[paper]\nday_loss_maks = 1", "paper.day_loss_maks", "did you mean limits.day_loss_max?"),
        ("[limit]\nx = 1", "limit", "did you mean limits?"),
        ("[paper]\nseed = 1", "paper.seed", "did you mean seed?"),
        (
            "[timings]\nqqq = 1",
            "timings.qqq",
            (
                "accepted here: ask_again_ms, close_retry_ms, hold_back_ms, mass_cancel_wait_ms, "
                "not_found_final_ms, panic_inventories_max, spec_life_ms, stop_verify_ms, "
                "stop_wait_ms"
            ),
        ),
    ],
)
def test_an_unknown_name_is_an_error_that_helps(
    text: str, path: str, help_: str, tmp_path: Path
) -> None:
    assert _problems(text, tmp_path) == [f"{path} (FILE): no such setting; {help_}"]


def test_an_unknown_variable_is_an_error(tmp_path: Path) -> None:
    assert _problems("", tmp_path, TIDEGATE_SEEED="1") == [
        "seeed (TIDEGATE_SEEED): no such setting; did you mean seed?"
    ]


def test_a_secret_is_neither_read_nor_shown(tmp_path: Path) -> None:
    env = {"TIDEGATE_BYBIT_API_SECRET": "hunter2", "TIDEGATE_BYBIT_API_KEY": "hunter3"}
    assert load_settings(file=None, env=env) == Settings()
    (problem,) = _problems('api_secret = "hunter2"', tmp_path)
    assert problem == (
        "api_secret (FILE): no setting; secrets belong in the environment or the system keyring, "
        "never here"
    )


@pytest.mark.parametrize("value", [0.5, True, None, [], b"1"])
def test_only_text_and_exact_numbers_become_amounts(value: object) -> None:
    with pytest.raises(SettingsError, match="accepted: an amount in USDT"):
        load_settings(file=None, env={}, options={"wallet": value})


def test_a_file_that_was_named_must_be_there_and_be_toml(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.toml: cannot be read: No such file"):
        load_settings(file=tmp_path / "none.toml", env={})
    for text in (
        "seed 1",
        "seed = 1e99999999999999999999",
        f"seed = {'9' * 5_000}",
        f"seed = {'[' * 100_000}",
    ):
        with pytest.raises(SettingsError, match="is no TOML file"):
            load_settings(file=_file(tmp_path, text), env={})


def test_live_needs_its_own_words() -> None:
    with pytest.raises(SettingsError, match="accepted: the literal 'REAL MONEY'"):
        load_settings(file=None, env={"TIDEGATE_MODE": "live"})
    with pytest.raises(ValueError, match="live_acknowledgement is 'yes'"):
        Settings(mode=TradingMode.LIVE, live_acknowledgement="yes")
    env = {"TIDEGATE_MODE": "live", "TIDEGATE_LIVE_ACKNOWLEDGEMENT": "REAL MONEY"}
    assert load_settings(file=None, env=env).mode is TradingMode.LIVE


def test_the_paper_venue_always_has_the_seed_of_all() -> None:
    assert Settings(seed=9, paper=PaperConfig(seed=3)).paper.seed == 9
    assert attrs.evolve(Settings(seed=9), seed=4).paper.seed == 4


def test_the_state_folder_holds_both_stores() -> None:
    folder = Path("somewhere")
    assert journal_in(folder).parent == venue_store_in(folder).parent == folder
    assert journal_in(folder) != venue_store_in(folder)


def test_no_two_modes_share_a_journal_by_default() -> None:
    env = {"TIDEGATE_LIVE_ACKNOWLEDGEMENT": "REAL MONEY"}
    found = [
        load_settings(file=None, env={**env, "TIDEGATE_MODE": mode.value}) for mode in TradingMode
    ]
    assert len({each.state_path for each in found}) == len(TradingMode)
    for each in found:
        folder = default_state_folder(each.mode)
        assert (each.state_path, each.venue_path) == (journal_in(folder), venue_store_in(folder))


def _numbers(kind: type) -> set[tuple[type, str]]:
    found: set[tuple[type, str]] = set()
    for field in setting_fields(kind):
        if is_table(field.type):
            found |= _numbers(field.type)
        elif isinstance(field.type, type) and issubclass(field.type, int | Amount):
            found |= set() if field.type is bool else {(kind, field.name)}
    return found


def test_every_number_has_a_range_and_its_default_lies_within() -> None:
    ranged = {(kind, name) for kind, names in RANGES.items() for name in names}
    assert ranged == _numbers(Settings)
    for kind, names in RANGES.items():
        for name, bounds in names.items():
            assert bounds.holds(getattr(kind(), name)), f"{kind.__name__}.{name}: {bounds}"


def test_only_the_paper_seed_is_hidden() -> None:
    assert dict(NOT_SETTINGS) == {PaperConfig: ("seed",)}


@pytest.mark.parametrize(
    ("bounds", "inside", "outside"),
    [
        (Range(low=Decimal(0)), ["0", "5"], ["-1"]),
        (Range(low=Decimal(0), is_open=True), ["0.1"], ["0", "-1"]),
        (Range(low=Decimal(0), high=Decimal(1)), ["0", "1"], ["-0.1", "1.1"]),
        (Range(low=Decimal(-1), high=Decimal(1), is_open=True), ["-0.9"], ["-1", "1"]),
    ],
)
def test_a_range_keeps_its_bounds(bounds: Range, inside: list[str], outside: list[str]) -> None:
    assert all(bounds.holds(Rate.of(text)) for text in inside)
    assert not any(bounds.holds(Rate.of(text)) for text in outside)


@given(st.decimals(min_value=0, max_value=100, places=6))
@hypothesis_settings(deadline=None, max_examples=60)
def test_a_percentage_is_the_fraction_a_hundred_times_as_large(percents: Decimal) -> None:
    options = {"limits": {"day_loss_max": f"{percents:f}%"}}
    found = load_settings(file=None, env={}, options=options)
    assert found.limits.day_loss_max.value == percents / 100


def _changed(name: str) -> Settings:
    changes: dict[str, Settings] = {
        "mode": Settings(mode=TradingMode.DEMO),
        "limits": Settings(limits=RiskLimits(positions_max=1)),
        "day": Settings(day_offset_minutes=60),
        "entry_slippage": Settings(costs=CostSettings(entry_slippage=Rate.of("0.01"))),
        "stop_slippage": Settings(costs=CostSettings(stop_slippage=Rate.of("0.02"))),
        "stop_verify_ms": Settings(timings=TimingSettings(stop_verify_ms=1)),
        "close_retry_ms": Settings(timings=TimingSettings(close_retry_ms=2)),
        "mass_cancel_wait_ms": Settings(timings=TimingSettings(mass_cancel_wait_ms=2)),
        "ask_again_ms": Settings(timings=TimingSettings(ask_again_ms=3)),
        "not_found_final_ms": Settings(timings=TimingSettings(not_found_final_ms=4)),
        "panic_inventories_max": Settings(timings=TimingSettings(panic_inventories_max=4)),
        "hold_back_ms": Settings(timings=TimingSettings(hold_back_ms=4)),
        "finished_kept": Settings(capacity=CapacitySettings(finished_kept=40)),
        "signals_remembered": Settings(capacity=CapacitySettings(signals_remembered=40)),
        "executions_remembered": Settings(capacity=CapacitySettings(executions_remembered=40)),
        "manual_changes": Settings(
            protection=ProtectionSettings(manual_changes=ManualChanges.REVERT)
        ),
        "naked_positions": Settings(
            protection=ProtectionSettings(naked_positions=NakedPositions.CLOSE)
        ),
        "naked_stop": Settings(protection=ProtectionSettings(naked_stop=Rate.of("0.2"))),
    }
    return changes[name]


@pytest.mark.parametrize(
    "name",
    [
        "mode",
        "limits",
        "day",
        "entry_slippage",
        "stop_slippage",
        "stop_verify_ms",
        "close_retry_ms",
        "mass_cancel_wait_ms",
        "ask_again_ms",
        "not_found_final_ms",
        "panic_inventories_max",
        "hold_back_ms",
        "finished_kept",
        "signals_remembered",
        "executions_remembered",
        "manual_changes",
        "naked_positions",
        "naked_stop",
    ],
)
def test_each_setting_of_the_core_reaches_it_alone(name: str) -> None:
    plain = Settings().core_config(VenueKind.PAPER)
    changed = _changed(name).core_config(VenueKind.PAPER)
    differing = {
        field.name
        for field in attrs.fields(CoreConfig)
        if getattr(plain, field.name) != getattr(changed, field.name)
    }
    assert differing == {name}


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("inbox_max", Settings(capacity=CapacitySettings(inbox_max=40))),
        ("lane_max", Settings(capacity=CapacitySettings(lane_max=40))),
        ("listener_max", Settings(capacity=CapacitySettings(listener_max=40))),
        ("stop_wait_ms", Settings(timings=TimingSettings(stop_wait_ms=40))),
        ("spec_life_ms", Settings(timings=TimingSettings(spec_life_ms=40))),
    ],
)
def test_each_bound_of_a_desk_reaches_it_alone(name: str, changed: Settings) -> None:
    assert Settings().bounds == DeskBounds()
    assert changed.bounds == attrs.evolve(DeskBounds(), **{name: 40})


def test_without_changes_the_core_has_its_own_defaults() -> None:
    expected = CoreConfig(mode=TradingMode.PAPER, venue=VenueKind.PAPER)
    assert Settings().core_config(VenueKind.PAPER) == expected


def test_the_reference_page_is_in_step() -> None:
    remedy = "run: python -m tests.application.settings_page"
    assert PAGE.read_text(encoding="utf-8") == settings_page(), remedy
