"""Instruments from a user's TOML file: every field, or every problem at once."""

import textwrap
from decimal import Decimal
from pathlib import Path

import pytest
from tidegate.adapters.catalogue import CatalogueError, load_instruments, toml_file
from tidegate.domain.instrument import Instrument, InstrumentStatus, RiskTier
from tidegate.domain.money import Distance, Money, Price, Qty, Rate
from tidegate.domain.orders import Symbol

_DOC = toml_file.__doc__ or ""
EXAMPLE = textwrap.dedent(_DOC.split("::\n", 1)[1].split("\nThe figures", 1)[0])
XRP = Symbol("XRPUSDT")


def load(folder: Path, text: str) -> dict[Symbol, Instrument]:
    path = folder / "instruments.toml"
    path.write_text(text, encoding="utf-8")
    return dict(load_instruments(path))


def problems(folder: Path, text: str) -> tuple[str, ...]:
    with pytest.raises(CatalogueError) as error:
        load(folder, text)
    assert str(error.value).startswith("instruments.toml:")
    assert all(problem in str(error.value) for problem in error.value.problems)
    return error.value.problems


def changed(field: str, value: str | None) -> str:
    """Return the example with the first line of a field replaced, or left out."""
    lines = EXAMPLE.splitlines()
    index = next(i for i, line in enumerate(lines) if line.split(" ")[0] == field)
    lines[index : index + 1] = [] if value is None else [f"{field} = {value}"]
    return "\n".join(lines)


def test_the_documented_example_loads_with_exact_numbers(tmp_path: Path) -> None:
    assert load(tmp_path, EXAMPLE) == {
        XRP: Instrument(
            symbol=XRP,
            base_coin="XRP",
            quote_coin="USDT",
            status=InstrumentStatus.TRADING,
            tick=Distance.of("0.0001"),
            price_min=Price.of("0.0001"),
            price_max=Price.of("199.9998"),
            qty_step=Qty.of(1),
            qty_min=Qty.of(1),
            qty_max_limit=Qty.of(3_000_000),
            qty_max_market=Qty.of(1_000_000),
            notional_min=Money.of(5),
            leverage_min=Rate.of(1),
            leverage_max=Rate.of(75),
            leverage_step=Rate.of("0.01"),
            funding_interval_minutes=480,
            funding_rate_min=Rate.of("-0.0075"),
            funding_rate_max=Rate.of("0.0075"),
            price_band_x=Rate.of("0.05"),
            price_band_y=Rate.of("0.15"),
            tiers=(
                RiskTier(
                    notional_max=Money.of(200_000),
                    maintenance_rate=Rate.of("0.0067"),
                    initial_rate=Rate.of("0.0134"),
                    leverage_max=Rate.of(75),
                    deduction=Money.of(0),
                ),
            ),
        )
    }


def test_a_number_keeps_all_its_digits_as_number_and_as_text(tmp_path: Path) -> None:
    digits = "0.1000000000000000000000001"
    for text in (digits, f'"{digits}"'):
        spec = load(tmp_path, changed("price_band_x", text))[XRP]
        assert spec.price_band_x.value == Decimal(digits)


def test_several_instruments_load_from_one_file(tmp_path: Path) -> None:
    other = EXAMPLE.replace("XRPUSDT", "ADAUSDT").replace('"XRP"', '"ADA"')
    assert set(load(tmp_path, EXAMPLE + other)) == {XRP, Symbol("ADAUSDT")}


FIELDS = [line.split(" ")[0] for line in EXAMPLE.splitlines() if "=" in line and line[0].isalpha()]


@pytest.mark.parametrize("field", FIELDS[:-5])
def test_a_missing_field_is_an_error_that_names_it(tmp_path: Path, field: str) -> None:
    text = changed(field, None)
    if field == "leverage_max":
        assert text.count("leverage_max") == 1
    (problem,) = problems(tmp_path, text)
    assert problem.startswith(f"instruments.XRPUSDT.{field}: missing; accepted: ")


@pytest.mark.parametrize("field", ["notional_max", "maintenance_rate", "initial_rate", "deduction"])
def test_a_missing_field_of_a_tier_is_an_error_that_names_it(tmp_path: Path, field: str) -> None:
    (problem,) = problems(tmp_path, changed(field, None))
    assert problem.startswith(f"instruments.XRPUSDT.tiers[1].{field}: missing; accepted: a number")


@pytest.mark.parametrize("field", ["qty_max_limit", "tick", "qty_step", "price_max"])
@pytest.mark.parametrize("value", ["3e60", "1e-29", "1e999"])
def test_a_number_that_steps_cannot_count_is_refused(
    tmp_path: Path, field: str, value: str
) -> None:
    found = problems(tmp_path, changed(field, value))
    assert any(f".{field}: " in one and "at most 28 places" in one for one in found)


def test_every_problem_of_every_instrument_is_reported_at_once(tmp_path: Path) -> None:
    first = EXAMPLE.replace("tick = 0.0001", "tik = 0.0001").replace("price_min", "# price_min")
    second = EXAMPLE.replace("XRPUSDT", "ADAUSDT").replace("initial_rate = 0.0134", "")
    found = problems(tmp_path, first + second)
    assert [problem.split(";")[0] for problem in found] == [
        "instruments.XRPUSDT.tik: unknown",
        "instruments.XRPUSDT.tick: missing",
        "instruments.XRPUSDT.price_min: missing",
        "instruments.ADAUSDT.tiers[1].initial_rate: missing",
    ]


@pytest.mark.parametrize(
    ("field", "value", "parts"),
    [
        ("tick", "true", ["tick: True", "a number"]),
        ("tick", "nan", ["tick: Decimal('NaN')", "a number"]),
        ("tick", '"abc"', ["tick: 'abc'", "a number"]),
        ("tick", "0", ["tick is 0", "above zero"]),
        ("tick", "-0.1", ["tick is -0.1", "above zero"]),
        ("status", '"open"', ["status: 'open'", "'trading' or 'reduce_only'"]),
        ("base_coin", '""', ["base_coin: ''", "text"]),
        ("quote_coin", "7", ["quote_coin: 7", "text"]),
        ("funding_interval_minutes", "480.0", ["480.0", "a whole number"]),
        ("funding_interval_minutes", "true", ["True", "a whole number"]),
        ("funding_interval_minutes", "0", ["funding_interval_minutes 0", "above zero"]),
        ("price_min", "200", ["price_min 200 is above price_max 199.9998"]),
        ("price_min", "0", ["price_min 0", "above zero"]),
        ("qty_min", "4000000", ["qty_min 4000000 is above qty_max_limit 3000000"]),
        ("qty_min", "1.5", ["qty_min 1.5", "whole number of steps of 1"]),
        ("notional_min", "-5", ["notional_min -5", "zero or more"]),
        ("leverage_min", "0.5", ["leverage_min 0.5", "1 or more"]),
        ("leverage_min", "80", ["leverage_min 80 is above leverage_max 75"]),
        ("funding_rate_min", "0.01", ["funding_rate_min 0.01 is above funding_rate_max"]),
        ("funding_rate_max", "1", ["funding_rate_max 1", "between -1 and 1"]),
        ("price_band_x", "0", ["price_band_x 0", "above 0 and below 1"]),
        ("price_band_y", "5", ["price_band_y 5", "above 0 and below 1"]),
        # 0.67 and 1.34 are per cent
        ("maintenance_rate", "0.67", ["tiers[1] maintenance_rate 0.67", "0.01 is one per cent"]),
        ("initial_rate", "1.34", ["initial_rate 1.34", "at most 1"]),
        ("notional_max", "0", ["tiers[1] notional_max 0", "above 0"]),
        ("deduction", "510", ["tiers[1] deduction 510", "accepted: 0"]),
        ("symbol", '"BTCUSDT"', ["symbol: unknown"]),
    ],
)
def test_a_wrong_value_is_refused_with_its_place_and_what_is_accepted(
    tmp_path: Path, field: str, value: str, parts: list[str]
) -> None:
    if field in FIELDS:
        text = changed(field, value)
    else:
        text = EXAMPLE.replace("base_coin", f"{field} = {value}\nbase_coin")
    found = "\n".join(problems(tmp_path, text))
    for part in ["instruments.XRPUSDT", *parts]:
        assert part in found
    assert "accepted" in found or "must be" in found


TIER = """
[[instruments.XRPUSDT.tiers]]
notional_max = {limit}
maintenance_rate = 0.01
initial_rate = 0.02
leverage_max = {leverage}
deduction = {deduction}
"""


def test_a_further_tier_continues_the_margin(tmp_path: Path) -> None:
    # 0 + 200,000 x (0.01 - 0.0067) = 660
    tier = TIER.format(limit=400_000, leverage=50, deduction=660)
    assert len(load(tmp_path, EXAMPLE + tier)[XRP].tiers) == 2


@pytest.mark.parametrize(
    ("limit", "leverage", "deduction", "part"),
    [
        (400_000, 50, "658.9", "tiers[2] deduction 658.9; accepted: 660"),
        (400_000, 50, "98382510", "200000 x 0.0033"),
        (400_000, 0, "660", "tiers[2] leverage_max 0; accepted: 1 or more"),
        (200_000, 50, "660", "tiers[2] notional_max 200000; accepted: above 200000"),
        (100_000, 50, "660", "not in ascending order"),
    ],
)
def test_a_further_tier_that_breaks_the_table_is_refused(
    tmp_path: Path, limit: int, leverage: int, deduction: str, part: str
) -> None:
    tier = TIER.format(limit=limit, leverage=leverage, deduction=deduction)
    assert part in "\n".join(problems(tmp_path, EXAMPLE + tier))


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "top-level keys: none; accepted: [instruments.SYMBOL]"),
        ("[instrument.XRPUSDT]", "top-level keys: instrument"),
        ("version = 1\n" + EXAMPLE, "instruments, version; accepted: [instruments.SYMBOL]"),
        ("instruments = 5", "top-level keys: instruments"),
        ("[instruments]", "top-level keys: instruments"),
        ("[instruments]\nXRPUSDT = 5", "instruments.XRPUSDT: 5; accepted: a table"),
        (EXAMPLE.split("[[")[0], "XRPUSDT.tiers: missing; accepted: one or more"),
        ("[instruments.XRPUSDT]\ntiers = [5]", "tiers[1]: 5; accepted: a table"),
        (EXAMPLE + "x = 1\nx = 2", "is no TOML file"),
        pytest.param(f"x = {'9' * 5_000}", "is no TOML file", id="too many digits"),
        pytest.param(f"x = {'[' * 100_000}", "is no TOML file", id="too deep"),
        ("x = 1e99999999999999999999", "is no TOML file"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path: Path, text: str, part: str) -> None:
    assert part in "\n".join(problems(tmp_path, text))


def test_a_file_that_cannot_be_read_is_refused_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"none\.toml:\n  cannot be read: No such file"):
        load_instruments(tmp_path / "none.toml")
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(CatalogueError, match=r"binary\.toml:\n  is no TOML file"):
        load_instruments(str(path))
