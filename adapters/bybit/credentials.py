"""The API key and its secret: read from outside, used to sign, never shown.

Signatures are HMAC-SHA256 in lower-case hex (Bybit V5 "Authentication").
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Self

import attrs

__all__ = ["KEY_VARIABLE", "SECRET_VARIABLE", "Credentials", "CredentialsMissing"]

KEY_VARIABLE = "TIDEGATE_BYBIT_KEY"
SECRET_VARIABLE = "TIDEGATE_BYBIT_SECRET"  # noqa: S105  (the name of a variable, not a secret)
_LENGTH_MAX = 4_096
_BLOTTED_LENGTH_MIN = 6
"""A shorter key is none of the venue's, and part of ordinary words."""


class CredentialsMissing(Exception):
    """No usable key and secret were found; the text says where they were looked for."""


def _is_usable(value: str) -> bool:
    return bool(value) and len(value) <= _LENGTH_MAX and value.isascii() and value.isprintable()


def _usable(_: object, attribute: "attrs.Attribute[str]", value: str) -> None:
    # The value itself must not appear: this text ends up in logs.
    if not _is_usable(value) or " " in value:
        raise ValueError(
            f"the API {attribute.name} is not usable: accepted are 1 to {_LENGTH_MAX} printable "
            "ASCII characters without spaces"
        )


@attrs.frozen(repr=False, eq=False)
class Credentials:
    """One API key. Neither part shows in a representation, a text or an exception of this code."""

    key: str = attrs.field(validator=_usable)
    secret: str = attrs.field(validator=_usable)

    def __repr__(self) -> str:
        return "Credentials(<hidden>)"

    def sign(self, text: str) -> str:
        """Return the signature of ``text``."""
        return hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest()

    def auth_args(self, expires_ms: int) -> tuple[str, int, str]:
        """Return the three arguments of a stream's ``auth`` request, valid until ``expires_ms``."""
        return self.key, expires_ms, self.sign(f"GET/realtime{expires_ms}")

    def blotted(self, text: str) -> str:
        """Return a text of the venue without key and secret: its errors repeat what was signed."""
        for part in (self.key, self.secret):
            if len(part) >= _BLOTTED_LENGTH_MIN:
                text = text.replace(part, "<hidden>")
        return text

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read both from environment variables.

        Raises:
            CredentialsMissing: a variable is absent or empty.

        """
        for name in (KEY_VARIABLE, SECRET_VARIABLE):
            if not environment.get(name):
                raise CredentialsMissing(
                    f"the environment variable {name} is not set; {KEY_VARIABLE} and "
                    f"{SECRET_VARIABLE} are both needed"
                )
        return cls(environment[KEY_VARIABLE], environment[SECRET_VARIABLE])

    @classmethod
    def from_keyring(cls, service: str) -> Self:
        """Read both from the system's keyring, stored under the user names ``key`` and ``secret``.

        Raises:
            CredentialsMissing: the keyring package, the keyring itself or an entry is missing.

        """
        try:
            import keyring  # noqa: PLC0415  (optional, and slow to import)
            import keyring.errors  # noqa: PLC0415
        except ImportError:
            raise CredentialsMissing(
                "the package keyring is not installed; install tidegate[bybit]"
            ) from None
        found = []
        for name in ("key", "secret"):
            try:
                value = keyring.get_password(service, name)
            except keyring.errors.KeyringError as error:
                raise CredentialsMissing(
                    f"the system's keyring gave no answer: {type(error).__name__}"
                ) from None
            if not value:
                raise CredentialsMissing(
                    f"the keyring has no entry {name!r} for the service {service!r}; add it with "
                    f"`keyring set {service} {name}`"
                )
            found.append(value)
        return cls(*found)
