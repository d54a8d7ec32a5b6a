"""How many order requests per second an account may make."""

import enum

__all__ = ["LimitLevel"]


class LimitLevel(enum.Enum):
    """The account's tier; the value is its limit per second of each order endpoint for futures."""

    DEFAULT = 10
    VIP1 = 20
    VIP2 = 40
    VIP3 = 60
    PRO1 = 200
    PRO2 = 400
    PRO3 = 600
    PRO4 = 800
    PRO5 = 1000
    PRO6 = 1200
