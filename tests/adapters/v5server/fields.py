"""What the venue's documentation says each answer holds: endpoint by endpoint, field by field.

Written by hand from the venue's documents, not from the server: the two must agree by being right.
``S`` is a text, ``N`` a text that is a decimal or empty, ``M`` a text of milliseconds, ``Z`` a JSON
integer, ``B`` a truth value. A list stands for rows of one shape, a tuple for an array of fixed
length, a dict for an object with exactly these fields, ``None`` for ``null``.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation

__all__ = ["ACTS", "QUERIES", "STREAMS", "Shape", "differences"]

S, N, M, Z, B, F = "text", "decimal", "milliseconds", "integer", "boolean", "fees by coin"

Shape = str | Mapping[str, "Shape"] | list["Shape"] | tuple["Shape", ...] | None


def _all(kind: str, names: str) -> dict[str, "Shape"]:
    return dict.fromkeys(names.split(), kind)


ORDER: dict[str, Shape] = {
    **_all(
        S,
        "orderId orderLinkId parentOrderLinkId blockTradeId symbol side isLeverage orderStatus "
        "createType cancelType rejectReason timeInForce orderType stopOrderType orderIv marketUnit "
        "tpslMode ocoTriggerBy tpTriggerBy slTriggerBy triggerBy placeType smpType smpOrderId",
    ),
    **_all(
        N,
        "price qty avgPrice leavesQty leavesValue cumExecQty cumExecValue cumExecFee triggerPrice "
        "takeProfit stopLoss tpLimitPrice slLimitPrice lastPriceOnCreated",
    ),
    **_all(M, "createdTime updatedTime"),
    **_all(Z, "positionIdx triggerDirection smpGroup"),
    **_all(B, "reduceOnly closeOnTrigger"),
    "cumFeeDetail": F,
}
ORDER_PAST: dict[str, Shape] = {
    **ORDER,
    **_all(S, "slippageToleranceType extraFees"),
    **_all(N, "slippageTolerance rpiMatchedQty"),
    "rpiTakerAccess": B,
}
EXECUTION: dict[str, Shape] = {
    **_all(
        S,
        "symbol orderId orderLinkId side createType orderType stopOrderType execId execType "
        "feeCurrency blockTradeId extraFees",
    ),
    **_all(
        N,
        "orderPrice orderQty leavesQty execFee execFeeV2 execPrice execQty execValue feeRate "
        "tradeIv markIv markPrice indexPrice underlyingPrice closedSize",
    ),
    "execTime": M,
    "isMaker": B,
    "seq": Z,
}
POSITION: dict[str, Shape] = {
    **_all(Z, "positionIdx riskId autoAddMargin adlRankIndicator openTime seq tradeMode"),
    **_all(S, "symbol side positionStatus tpslMode"),
    **_all(
        N,
        "riskLimitValue size avgPrice positionValue leverage breakEvenPrice markPrice liqPrice "
        "positionIM positionIMByMp positionMM positionMMByMp takeProfit stopLoss trailingStop "
        "unrealisedPnl curRealisedPnl cumRealisedPnl sessionAvgPrice delta gamma vega theta "
        "bustPrice positionBalance",
    ),
    **_all(M, "createdTime updatedTime"),
    **_all(S, "mmrSysUpdatedTime leverageSysUpdatedTime"),
    "isReduceOnly": B,
}
COIN_BALANCE: dict[str, Shape] = {
    "coin": S,
    **_all(
        N,
        "equity usdValue walletBalance locked spotHedgingQty borrowAmount accruedInterest "
        "totalOrderIM totalPositionIM totalPositionMM unrealisedPnl cumRealisedPnl bonus colRes "
        "spotBorrow free availableToWithdraw availableToBorrow",
    ),
    **_all(B, "marginCollateral collateralSwitch"),
}
WALLET: dict[str, Shape] = {
    "accountType": S,
    **_all(
        N,
        "accountIMRate accountMMRate accountIMRateByMp accountMMRateByMp totalEquity accountLTV "
        "totalWalletBalance totalMarginBalance totalAvailableBalance totalPerpUPL "
        "totalInitialMargin totalMaintenanceMargin totalInitialMarginByMp "
        "totalMaintenanceMarginByMp",
    ),
    "coin": [COIN_BALANCE],
}
TRANSACTION: dict[str, Shape] = {
    **_all(
        S,
        "id symbol category side type transSubType currency tradeId orderId orderLinkId extraFees",
    ),
    **_all(N, "qty size tradePrice funding fee cashFlow change cashBalance feeRate bonusChange"),
    "transactionTime": M,
}
CLOSED: dict[str, Shape] = {
    **_all(S, "symbol orderId side orderType execType"),
    **_all(
        N,
        "qty orderPrice closedSize cumEntryValue avgEntryPrice cumExitValue avgExitPrice closedPnl "
        "fillCount leverage openFee closeFee",
    ),
    **_all(M, "createdTime updatedTime"),
}
INSTRUMENT: dict[str, Shape] = {
    **_all(
        S,
        "symbol contractType status baseCoin quoteCoin settleCoin symbolType copyTrading "
        "displayName",
    ),
    **_all(M, "launchTime deliveryTime"),
    **_all(N, "deliveryFeeRate priceScale upperFundingRate lowerFundingRate"),
    **_all(Z, "symbolId fundingInterval"),
    **_all(B, "unifiedMarginTrade forbidUplWithdrawal isPreListing"),
    "leverageFilter": _all(N, "minLeverage maxLeverage leverageStep"),
    "priceFilter": _all(N, "minPrice maxPrice tickSize"),
    "lotSizeFilter": _all(
        N,
        "minOrderQty maxOrderQty maxMktOrderQty qtyStep minNotionalValue postOnlyMaxOrderQty",
    ),
    "riskParameters": _all(N, "priceLimitRatioX priceLimitRatioY"),
    "preListingInfo": None,
}
TICKER: dict[str, Shape] = {
    **_all(S, "symbol curPreListingPhase"),
    **_all(
        N,
        "lastPrice indexPrice markPrice prevPrice24h price24hPcnt highPrice24h lowPrice24h "
        "prevPrice1h openInterest openInterestValue singleOpenInterest singleOpenInterestValue "
        "turnover24h volume24h fundingRate nextFundingTime predictedDeliveryPrice basisRate basis "
        "basisRateYear deliveryFeeRate deliveryTime bid1Price bid1Size ask1Price ask1Size "
        "preOpenPrice preQty fundingIntervalHour fundingCap",
    ),
}
RISK: dict[str, Shape] = {
    **_all(Z, "id isLowestRisk"),
    "symbol": S,
    **_all(N, "riskLimitValue maintenanceMargin initialMargin maxLeverage mmDeduction"),
}
TRADE: dict[str, Shape] = {
    **_all(S, "execId symbol side"),
    **_all(N, "price size seq"),
    "time": M,
    **_all(B, "isBlockTrade isRPITrade"),
}
_UNUSED_GROUPS = [
    "Spot",
    "Wallet",
    "Options",
    "CopyTrading",
    "BlockTrade",
    "Exchange",
    "NFT",
    "Affiliate",
    "Earn",
    "FiatP2P",
]

API_KEY: dict[str, Shape] = {
    **_all(
        S,
        "id note apiKey secret expiredAt createdAt vipLevel mktMakerLevel rsaPublicKey parentUid "
        "kycLevel kycRegion",
    ),
    **_all(Z, "readOnly type deadlineDay uta userID affiliateID inviterID"),
    "isMaster": B,
    "ips": [S],
    "permissions": {
        "ContractTrade": [S],
        "Derivatives": [S],
        **{name: [] for name in _UNUSED_GROUPS},
    },
}
IDS: Mapping[str, Shape] = _all(S, "orderId orderLinkId")
KLINE: Shape = (S, N, N, N, N, N, N)
PRICE_KLINE: Shape = (S, N, N, N, N)
_ORDERS = "category=linear&symbol=BTCUSDT"


def _page(row: Shape) -> dict[str, Shape]:
    return {"category": S, "list": [row], "nextPageCursor": S}


def _list(row: Shape) -> dict[str, Shape]:
    return {"category": S, "list": [row]}


QUERIES: Mapping[tuple[str, str], Shape] = {
    ("/v5/market/time", ""): _all(M, "timeSecond timeNano"),
    ("/v5/market/instruments-info", "category=linear"): _page(INSTRUMENT),
    ("/v5/market/tickers", "category=linear"): _list(TICKER),
    ("/v5/market/orderbook", _ORDERS): {
        "s": S,
        "b": [(N, N)],
        "a": [(N, N)],
        **_all(Z, "ts u seq cts"),
    },
    ("/v5/market/kline", f"{_ORDERS}&interval=1"): {"symbol": S, **_list(KLINE)},
    ("/v5/market/mark-price-kline", f"{_ORDERS}&interval=1"): {"symbol": S, **_list(PRICE_KLINE)},
    ("/v5/market/index-price-kline", f"{_ORDERS}&interval=1"): {"symbol": S, **_list(PRICE_KLINE)},
    ("/v5/market/premium-index-price-kline", f"{_ORDERS}&interval=1"): {
        "symbol": S,
        **_list(PRICE_KLINE),
    },
    ("/v5/market/recent-trade", _ORDERS): _list(TRADE),
    ("/v5/market/funding/history", _ORDERS): _list(
        {"symbol": S, "fundingRate": N, "fundingRateTimestamp": M}
    ),
    ("/v5/market/risk-limit", "category=linear"): _page(RISK),
    ("/v5/market/price-limit", _ORDERS): {"symbol": S, "buyLmt": N, "sellLmt": N, "ts": M},
    ("/v5/order/realtime", _ORDERS): _page(ORDER),
    ("/v5/order/history", _ORDERS): _page(ORDER_PAST),
    ("/v5/execution/list", _ORDERS): _page(EXECUTION),
    ("/v5/position/list", _ORDERS): _page(POSITION),
    ("/v5/position/closed-pnl", _ORDERS): _page(CLOSED),
    ("/v5/account/wallet-balance", "accountType=UNIFIED"): {"list": [WALLET]},
    ("/v5/account/info", ""): {
        **_all(Z, "unifiedMarginStatus timeWindow smpGroup"),
        **_all(S, "marginMode spotHedgingStatus dcpStatus"),
        "isMasterTrader": B,
        "updatedTime": M,
    },
    ("/v5/account/fee-rate", "category=linear"): _list(
        {"symbol": S, "takerFeeRate": N, "makerFeeRate": N}
    ),
    ("/v5/account/transaction-log", "accountType=UNIFIED"): {
        "list": [TRANSACTION],
        "nextPageCursor": S,
    },
    ("/v5/account/collateral-info", "currency=USDT"): {
        "list": [
            {
                "currency": S,
                **_all(
                    N,
                    "hourlyBorrowRate maxBorrowingAmount freeBorrowingLimit freeBorrowAmount "
                    "borrowAmount otherBorrowAmount availableToBorrow borrowUsageRate "
                    "collateralRatio freeBorrowingAmount",
                ),
                **_all(B, "borrowable marginCollateral collateralSwitch"),
            }
        ]
    },
    ("/v5/account/borrow-history", ""): {"list": [], "nextPageCursor": S},
    ("/v5/account/query-dcp-info", ""): {
        "dcpInfos": [_all(S, "product dcpStatus timeWindow")],
    },
    ("/v5/account/instruments-info", "category=linear"): _page(
        {**INSTRUMENT, **_all(B, "isPublicRpi myRpiPermission")}
    ),
    ("/v5/user/query-api", ""): API_KEY,
    ("/v5/apilimit/query", "uids=1001"): {"list": [{"uids": S, "bizType": S, "rate": Z}]},
}
"""What every query answers; the key is its path and its parameters."""

_BATCH_ROW: dict[str, Shape] = {**_all(S, "category symbol"), **IDS}

ACTS: Mapping[str, Shape] = {
    "/v5/order/create": IDS,
    "/v5/order/amend": IDS,
    "/v5/order/cancel": IDS,
    "/v5/order/cancel-all": {"list": [IDS], "success": S},
    "/v5/order/create-batch": {"list": [{**_BATCH_ROW, "createAt": M}]},
    "/v5/order/amend-batch": {"list": [_BATCH_ROW]},
    "/v5/order/cancel-batch": {"list": [_BATCH_ROW]},
    "/v5/position/set-leverage": {},
    "/v5/position/trading-stop": {},
    "/v5/position/set-auto-add-margin": {},
    "/v5/position/add-margin": {"category": S, **POSITION},
    "/v5/position/set-tpsl-mode": {"tpSlMode": S},
    "/v5/position/set-risk-limit": {"category": S, "riskId": Z, "riskLimitValue": N},
    "/v5/account/set-margin-mode": {"reasons": []},
}
"""What every act answers when it succeeds."""


_COMMON_STREAM: dict[str, Shape] = _all(S, "category")

STREAMS: Mapping[str, Shape] = {
    "order": {
        **ORDER_PAST,
        **_COMMON_STREAM,
        "closedPnl": N,
        **_all(S, "brokerOrderPrice feeCurrency"),
    },
    "execution": {
        **EXECUTION,
        **_COMMON_STREAM,
        "execPnl": N,
        **_all(S, "isLeverage marketUnit"),
    },
    "position": {
        **{name: kind for name, kind in POSITION.items() if name != "avgPrice"},
        **_COMMON_STREAM,
        "entryPrice": N,
    },
    "wallet": WALLET,
}
"""One row of every private topic."""


def differences(value: object, shape: Shape, where: str = "result") -> Iterator[str]:
    """Say where a value is not of a shape: missing, too much, or of another type."""
    match shape:
        case str():
            if not _is(value, shape):
                yield f"{where} is {value!r}; it should be a {shape}"
        case None:
            if value is not None:
                yield f"{where} is {value!r}; it should be null"
        case list():
            yield from _rows(value, shape, where)
        case tuple():
            if not isinstance(value, list) or len(value) != len(shape):
                yield f"{where} is {value!r}; it should have {len(shape)} items"
                return
            for index, (item, expected) in enumerate(zip(value, shape, strict=True)):
                yield from differences(item, expected, f"{where}[{index}]")
        case _:
            yield from _fields(value, shape, where)


def _rows(value: object, shape: list[Shape], where: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{where} is {value!r}; it should be a list"
        return
    if bool(value) is not bool(shape):
        yield f"{where} has {len(value)} rows, where a shape for {len(shape)} is given"
        return
    for index, item in enumerate(value):
        yield from differences(item, shape[0], f"{where}[{index}]")


def _fields(value: object, shape: Mapping[str, Shape], where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where} is {value!r}; it should be an object"
        return
    for name in sorted(set(shape) - set(value)):
        yield f"{where}.{name} is missing"
    for name in sorted(set(value) - set(shape)):
        yield f"{where}.{name} is not documented"
    for name in sorted(set(value) & set(shape)):
        yield from differences(value[name], shape[name], f"{where}.{name}")


def _is(value: object, kind: str) -> bool:
    if kind == Z:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == B:
        return isinstance(value, bool)
    if kind == F:
        return isinstance(value, dict) and all(_is(fee, N) for fee in value.values())
    if not isinstance(value, str):
        return False
    if kind == M:
        return value.isdigit()
    return kind == S or not value or _is_decimal(value)


def _is_decimal(text: str) -> bool:
    try:
        return Decimal(text).is_finite() and "e" not in text.lower()
    except InvalidOperation:
        return False
