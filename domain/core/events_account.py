"""Events about settings of the account: intended before their request, and how they ended."""

import enum

import attrs
from tidegate.domain.account_settings import AccountSetting

__all__ = ["SettingCause", "SettingDeclined", "SettingDone", "SettingIntended"]


class SettingCause(enum.Enum):
    """Why a setting is not done."""

    DESK = "refused by the desk"
    NOT_SENT = "not sent"
    VENUE = "refused by the venue"
    UNKNOWN = "outcome not known"


@attrs.frozen(kw_only=True)
class SettingIntended:
    """A setting, recorded before its request is sent. ``note`` says why it is not as asked for."""

    key: str
    setting: AccountSetting
    note: str | None
    time_ms: int


@attrs.frozen(kw_only=True)
class SettingDone:
    """The venue shows the setting; ``was_already``: it did before."""

    key: str
    setting: AccountSetting
    was_already: bool
    time_ms: int


@attrs.frozen(kw_only=True)
class SettingDeclined:
    """A setting is not known to be done. With the cause ``DESK`` it was never intended."""

    key: str
    setting: AccountSetting
    cause: SettingCause
    message: str
    time_ms: int
