"""The secret signs and never shows."""

import traceback
from collections.abc import Iterator

import keyring
import pytest
from keyring.backend import KeyringBackend
from tidegate.adapters.bybit.credentials import Credentials, CredentialsMissing

KEY, SECRET = "key-of-a-test", "secret-of-a-test"


class _Drawer(KeyringBackend):
    """A keyring in memory."""

    priority = 1

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.entries[service, username]


@pytest.fixture
def drawer() -> Iterator[_Drawer]:
    before, ours = keyring.get_keyring(), _Drawer()
    keyring.set_keyring(ours)
    yield ours
    keyring.set_keyring(before)


def test_nothing_shows_in_any_text() -> None:
    credentials = Credentials(KEY, SECRET)
    for text in (repr(credentials), str(credentials), f"{[credentials]}"):
        assert KEY not in text
        assert SECRET not in text


@pytest.mark.parametrize("bad", ["", "a b", "tab\there", "ключ", "x" * 5_000])
def test_an_unusable_value_is_refused_without_being_shown(bad: str) -> None:
    for arguments in ((bad, SECRET), (KEY, bad)):
        with pytest.raises(ValueError, match="not usable") as refused:
            Credentials(*arguments)
        shown = "".join(traceback.format_exception_only(refused.value))
        assert SECRET not in shown
        assert not bad or bad not in shown


def test_the_signature_is_hmac_sha256_in_hex() -> None:
    """The vector is the one of RFC 4231, test case 2."""
    credentials = Credentials("k", "Jefe")
    assert credentials.sign("what do ya want for nothing?") == (
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )


def test_a_stream_is_signed_with_its_expiry() -> None:
    credentials = Credentials(KEY, SECRET)
    expected = credentials.sign("GET/realtime1700000000000")
    assert credentials.auth_args(1_700_000_000_000) == (KEY, 1_700_000_000_000, expected)


def test_both_come_from_the_environment_or_neither() -> None:
    names = {"TIDEGATE_BYBIT_KEY": KEY, "TIDEGATE_BYBIT_SECRET": SECRET}
    credentials = Credentials.from_environment(names)
    assert (credentials.key, credentials.secret) == (KEY, SECRET)
    for missing in names:
        with pytest.raises(CredentialsMissing, match=missing):
            Credentials.from_environment({**names, missing: ""})


def test_both_come_from_the_keyring_or_neither(drawer: _Drawer) -> None:
    drawer.set_password("desk", "key", KEY)
    with pytest.raises(CredentialsMissing, match="'secret'"):
        Credentials.from_keyring("desk")
    drawer.set_password("desk", "secret", SECRET)
    credentials = Credentials.from_keyring("desk")
    assert (credentials.key, credentials.secret) == (KEY, SECRET)
