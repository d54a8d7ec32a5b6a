"""``tidegate check``: the ticket, the refusals, the exit code."""

import json
import shlex
from pathlib import Path

import pytest

from .running import invoke, tidegate

LONG = ("check", "BTCUSDT", "long", "--entry", "65000", "--stop", "64000", "--equity", "1400")

# Figures worked by hand in the tests of the check itself: worst entry 65,000 x 1.0005, worst loss
# of a coin 1,167.432675, budget 14, so 0.011 BTC; margin 715.75 = 0.011 x 65,032.50 and both fees.
TICKET = """\
╭─ Check   BTCUSDT  LONG ──────────────────────────────────────────────────────╮
│ Quantity             0.011 BTC  worth 715.00 USDT, 0.51 x equity             │
│ Entry                    65000  market order  at worst 65032.50              │
│ Stop                     64000  -1.54 % from entry                           │
│ Money at risk       12.84 USDT  0.92 % of the equity of 1,400.00 USDT        │
│   price             11.00 USDT  from entry to stop                           │
│   costs              1.84 USDT  both fees and slippage at worst              │
│ Leverage                   1 x  initial margin 715.75 USDT                   │
│ Liquidation               none  no price that the venue can show reaches it  │
│                                                                              │
│ Target       R    Price    Quantity BTC     Closes    Gains USDT             │
│ 1         1.00    66000           0.003    27.27 %         +3.00             │
│ 2         2.00    67000           0.003    27.27 %         +6.00             │
│ 3         3.00    68000           0.005    45.45 %        +15.00             │
│                                                                              │
│ Passed 31 rules; reward to risk after costs 1.80                             │
╰──────────────────────────────────────────────────────────────────────────────╯
ALLOWED by every rule that could be judged.
"""


def test_an_allowed_trade_shows_its_ticket_and_ends_with_0(tmp_path: Path) -> None:
    done = tidegate(*LONG, "--risk", "1%", "--rr", "1,2,3", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(TICKET)
    assert "day's loss: the day's profit" in done.stdout
    assert "Assumed: the account holds the stated equity" in done.stdout
    assert done.stderr == ""


def test_the_examples_of_the_help_do_what_they_show(tmp_path: Path) -> None:
    shown = invoke("check", "--help").out.partition("Examples:\n")[2].partition("\n\n")[0]
    examples = shown.replace("\\\n", " ").splitlines()
    assert len(examples) == 2
    for example in examples:
        program, *arguments = shlex.split(example)
        assert program == "tidegate"
        done = tidegate(*arguments, home=tmp_path)
        assert done.returncode == 0, (example, done.stderr)


def test_a_refused_trade_names_rule_evidence_remedy_and_size_and_ends_with_10(
    tmp_path: Path,
) -> None:
    done = tidegate(*LONG, "--risk", "5%", "--leverage", "5", home=tmp_path)
    assert done.returncode == 10, done.stderr
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    start = lines.index("REFUSED by 1 rule:")
    assert lines[start + 1 : start + 7] == [
        "  risk per trade",
        "    observed  68.87852783 USDT",
        "    limit     28 USDT",
        "    remedy    reduce the quantity to 0.023 BTC or less",
        "    largest   0.023 BTC",
        "  Largest quantity that passes: 0.023 BTC",
    ]


def test_json_holds_exact_decimals_as_text_and_nothing_else_is_printed(tmp_path: Path) -> None:
    done = tidegate(*LONG, "--risk", "1%", "--rr", "1:50%,3:50%", "--json", home=tmp_path)
    found = json.loads(done.stdout, parse_float=_no_float)
    assert found["is_allowed"] is True
    assert found["ticket"]["qty"] == "0.011"
    assert found["ticket"]["entry_worst"] == "65032.5000"
    assert found["ticket"]["cost_risk"] == "1.8417594250000"
    assert [rung["reward_to_risk"] for rung in found["ticket"]["rungs"]] == ["1", "3"]
    assert {missing["rule"] for missing in found["missing"]} >= {"drawdown", "day's loss"}
    assert done.stderr == ""


def _no_float(text: str) -> object:
    raise AssertionError(f"{text} is a binary float to whoever reads it")


def test_a_refusal_in_json_ends_with_10_too(tmp_path: Path) -> None:
    done = tidegate(*LONG, "--qty", "5", "--json", home=tmp_path)
    assert done.returncode == 10
    found = json.loads(done.stdout)
    assert found["is_allowed"] is False
    assert {"rule", "observed", "limit", "remedy", "largest", "smallest"} == set(
        found["breaches"][0]
    )


def test_limits_of_a_file_apply(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text('[limits]\nrisk_per_trade_max = "0.5%"\n', encoding="utf-8")
    done = tidegate(*LONG, "--risk", "1%", "--limits", "my.toml", home=tmp_path)
    assert done.returncode == 10
    assert "limit     7 USDT" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((*LONG,), "the size is needed, once; accepted: --risk 1% or --qty 0.01"),
        ((*LONG, "--risk", "1%", "--qty", "1"), "the size is needed, once"),
        ((*LONG, "--risk", "x"), "Invalid value for '--risk': 'x'; accepted: a number such as"),
        ((*LONG, "--qty", "1e31"), "'1e31'; accepted: at most 30 places before or after"),
        ((*LONG, "--qty", "1e999999999"), "'1e999999999'; accepted: at most 30 places before or"),
        ((*LONG, "--qty", "1e-31"), "'1e-31'; accepted: at most 30 places before or after"),
        ((*LONG, "--qty", "-1"), "'-1'; accepted: above zero, a quantity such as 0.01"),
        ((*LONG, "--qty", "1", "--rr", "1:0%"), "'0%'; accepted: above zero"),
        ((*LONG, "--qty", "1", "--rr", "1,b"), "'b'; accepted: multiples of the risk"),
        (("check", "BTCUSDT", "up", "--entry", "1", "--equity", "1"), "'up'; accepted: long or"),
        (("check", "?", "long", "--entry", "1", "--equity", "1"), "'?'; accepted: a symbol such"),
        (("check", "XYZ", "long", "--entry", "1", "--equity", "1", "--qty", "1"), "no instrument"),
        (("check", "BTCUSDT", "long", "--equity", "1"), "Missing option '--entry'"),
    ],
)
def test_bad_input_ends_with_2_and_says_what_is_accepted(
    arguments: tuple[str, ...], message: str
) -> None:
    done = invoke(*arguments)
    assert done.code == 2, done.out
    assert message in " ".join(done.trouble.split())
    assert done.out == ""


def test_every_bad_setting_is_named_at_once(tmp_path: Path) -> None:
    env = {"TIDEGATE_LIMITS__POSITIONS_MAX": "0", "TIDEGATE_WALET": "1", "TIDEGATE_MODE": "real"}
    done = tidegate(*LONG, "--risk", "1%", home=tmp_path, env=env)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "tidegate: 3 settings cannot be used:",
        "  mode (TIDEGATE_MODE): 'real'; accepted: paper or memory or demo or testnet or live",
        "  limits.positions_max (TIDEGATE_LIMITS__POSITIONS_MAX): '0'; accepted: 1 or more",
        "  walet (TIDEGATE_WALET): no such setting; did you mean wallet?",
    ]
