"""A venue in a process of its own, for measuring: it answers at once and pushes books in a burst.

``python -m tests.adapters.bybit.streams.blast`` prints its port and runs until its input ends. Run
apart from the client, so that neither takes the other's time.
"""

import asyncio
import random
import sys
from typing import Any

import orjson
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_create_server

FRAMES = 2_000
LEVELS_PER_FRAME = 8
ACK_DELAY_S = 0.02
"""Slow enough for a client that registers a request after sending it."""


def frames() -> list[bytes]:
    """Return a snapshot of 50 levels a side, and deltas of 8 levels that keep it at 50."""
    drawn = random.Random(7)  # noqa: S311  (no secret: the same frames in every run)
    bids = [[f"{64000 - n / 10:.1f}", f"{n + 1}"] for n in range(50)]
    asks = [[f"{64000.1 + n / 10:.1f}", f"{n + 1}"] for n in range(50)]
    made = [_frame("snapshot", 1, bids, asks)]
    for u in range(2, FRAMES + 1):
        half = LEVELS_PER_FRAME // 2
        changed = [drawn.choice(bids), *drawn.sample(bids, half - 1)]
        made.append(
            _frame(
                "delta",
                u,
                [[price, f"{drawn.randint(1, 9_000) / 1000:.3f}"] for price, _ in changed],
                [
                    [price, f"{drawn.randint(1, 9_000) / 1000:.3f}"]
                    for price, _ in drawn.sample(asks, half)
                ],
            )
        )
    return made


def _frame(kind: str, u: int, bids: list[list[str]], asks: list[list[str]]) -> bytes:
    data = {"s": "BTCUSDT", "b": bids, "a": asks, "u": u, "seq": u}
    topic = "orderbook.50.BTCUSDT"
    return orjson.dumps({"topic": topic, "type": kind, "ts": u, "data": data, "cts": u})


class _Client(WSListener):
    def __init__(self, burst: list[bytes]) -> None:
        self._burst = burst

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is WSMsgType.PING:
            return
        if frame.msg_type is not WSMsgType.TEXT:
            transport.disconnect()
            return
        message = orjson.loads(frame.get_payload_as_bytes())
        op = message["op"]
        if op.startswith("order."):
            answer = {"retCode": 0, "retMsg": "OK", "op": op, "data": {"orderId": "a"}}
            self._say(transport, answer | {"reqId": message["reqId"], "retExtInfo": {}})
        elif op == "ping":
            self._say(transport, {"op": "pong"})
        elif op == "auth":
            self._say(transport, {"success": True, "retCode": 0, "ret_msg": "", "op": "auth"})
        elif op == "subscribe":
            asyncio.get_running_loop().call_later(ACK_DELAY_S, self._begin, transport, message)

    def _begin(self, transport: WSTransport, message: dict[str, Any]) -> None:
        self._say(transport, {"success": True, "op": "subscribe", "req_id": message["req_id"]})
        for frame in self._burst:
            transport.send(WSMsgType.TEXT, frame)

    def _say(self, transport: WSTransport, message: dict[str, Any]) -> None:
        transport.send(WSMsgType.TEXT, orjson.dumps(message))


async def _serve() -> None:
    burst = frames()
    server = await ws_create_server(lambda _: _Client(burst), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve())
