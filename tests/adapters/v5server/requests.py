"""Short ways to place orders and to ask for what became of them."""

from .bench import Answered, Client, Json

__all__ = ["NAME", "live", "market", "past", "place", "placed", "position"]

NAME: Json = {"category": "linear", "symbol": "BTCUSDT"}


def place(client: Client, **more: object) -> Answered:
    """Send a limit order that rests at 59900, unless ``more`` says otherwise."""
    body: Json = {
        **NAME,
        "side": "Buy",
        "orderType": "Limit",
        "qty": "0.1",
        "price": "59900",
        **more,
    }
    return client.post("/v5/order/create", **body)


def placed(client: Client, **more: object) -> str:
    """Send an order that is accepted, and return its id."""
    answer = place(client, **more)
    assert answer.code == 0, answer.text
    return str(answer.result["orderId"])


def market(client: Client, side: str = "Buy", qty: str = "0.1", **more: object) -> str:
    """Send a market order that is accepted, and return its id."""
    return placed(client, side=side, qty=qty, orderType="Market", price=None, **more)


def live(client: Client, query: str = "symbol=BTCUSDT") -> list[Json]:
    """Ask for the open orders."""
    return client.get("/v5/order/realtime", f"category=linear&limit=50&{query}").rows


def past(client: Client, query: str = "symbol=BTCUSDT") -> list[Json]:
    """Ask for the orders that ended."""
    return client.get("/v5/order/history", f"category=linear&limit=50&{query}").rows


def position(client: Client) -> Json:
    """Ask for the position of BTCUSDT."""
    return client.get("/v5/position/list", "category=linear&symbol=BTCUSDT").rows[0]
