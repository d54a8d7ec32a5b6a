"""What the served venue says, as a corpus: ``python -m tests.fuzz.served`` writes it anew.

The file is kept, since times and ids of another run would make other inputs of the same seed.
"""

import json
from pathlib import Path

from tests.adapters.v5server.bench import Bench, Client, Json
from tests.adapters.v5server.raw_stream import RawStream
from tests.adapters.v5server.requests import market, placed

__all__ = ["CORPUS", "QUERIES", "served"]

CORPUS = Path(__file__).parent / "served.json"
_LINEAR = "category=linear&symbol=BTCUSDT"
QUERIES = (
    ("/v5/market/time", ""),
    ("/v5/market/tickers", _LINEAR),
    ("/v5/market/orderbook", f"{_LINEAR}&limit=50"),
    ("/v5/market/recent-trade", _LINEAR),
    ("/v5/market/instruments-info", _LINEAR),
    ("/v5/market/risk-limit", _LINEAR),
    ("/v5/market/funding/history", _LINEAR),
    ("/v5/market/kline", f"{_LINEAR}&interval=1&limit=5"),
    ("/v5/market/mark-price-kline", f"{_LINEAR}&interval=1&limit=5"),
    ("/v5/market/index-price-kline", f"{_LINEAR}&interval=1&limit=5"),
    ("/v5/market/premium-index-price-kline", f"{_LINEAR}&interval=1&limit=5"),
    ("/v5/market/price-limit", _LINEAR),
    ("/v5/order/realtime", f"{_LINEAR}&limit=50"),
    ("/v5/order/history", f"{_LINEAR}&limit=50"),
    ("/v5/execution/list", _LINEAR),
    ("/v5/position/list", _LINEAR),
    ("/v5/position/closed-pnl", _LINEAR),
    ("/v5/position/symbol-info", _LINEAR),
    ("/v5/account/info", ""),
    ("/v5/account/wallet-balance", "accountType=UNIFIED"),
    ("/v5/account/fee-rate", _LINEAR),
    ("/v5/account/collateral-info", "currency=BTC"),
    ("/v5/account/borrow-history", "currency=USDT"),
    ("/v5/account/transaction-log", "accountType=UNIFIED"),
    ("/v5/account/user-setting-config", ""),
    ("/v5/account/query-dcp-info", ""),
    ("/v5/account/smp-group", ""),
    ("/v5/asset/coin/query-info", "coin=USDT"),
    ("/v5/apilimit/query", "uids=1001"),
    ("/v5/user/query-api", ""),
)
_PRIVATE = ["order", "execution", "position", "wallet"]
_PUBLIC = [
    "tickers.BTCUSDT",
    "orderbook.50.BTCUSDT",
    "publicTrade.BTCUSDT",
    "kline.1.BTCUSDT",
]


def served() -> dict[str, list[Json]]:
    """Return the answers and the pushes that are kept."""
    found: dict[str, list[Json]] = json.loads(CORPUS.read_text(encoding="utf-8"))
    return found


def _collected() -> dict[str, list[Json]]:
    with Bench() as bench, RawStream(bench, "/v5/private") as private:
        with RawStream(bench, "/v5/public/linear") as public:
            bench.price("60000")
            private.authenticate()
            private.ask(op="subscribe", args=_PRIVATE)
            public.ask(op="subscribe", args=_PUBLIC)
            _trade(bench)
            pushes = {"private": private.waiting(), "public": public.waiting()}
        answers = [_asked(bench.client(), path, query) for path, query in QUERIES]
    return {"answers": answers, **pushes}


def _trade(bench: Bench) -> None:
    client = bench.client()
    market(client)
    placed(client, takeProfit="61000", stopLoss="59000", tpslMode="Full")
    placed(client, triggerPrice="59500", triggerDirection=2, orderType="Market", price=None)
    bench.price("60100", mark="60090.5")
    bench.funding("0.0001")
    bench.advance(120_000)
    bench.price("59950.5")
    market(client, side="Sell", qty="0.05", reduceOnly=True)
    market(client, side="Sell", qty="0.2")
    client.post("/v5/position/trading-stop", category="linear", symbol="BTCUSDT", stopLoss="61500")
    client.post("/v5/order/cancel-all", category="linear", symbol="BTCUSDT")
    bench.price("59900")


def _asked(client: Client, path: str, query: str) -> Json:
    answer = client.get(path, query)
    assert answer.status == 200, (path, answer.text)
    assert answer.code == 0, (path, answer.text)
    return {"path": path, "answer": answer.body, "headers": dict(_limits(answer.headers))}


def _limits(headers: object) -> dict[str, str]:
    assert isinstance(headers, dict)
    return {k.lower(): v for k, v in headers.items() if k.lower().startswith("x-bapi-limit")}


if __name__ == "__main__":
    CORPUS.write_text(json.dumps(_collected(), indent=1) + "\n", encoding="utf-8")
