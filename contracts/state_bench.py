"""What the state suite needs: an adapter, and the means to mistreat the store behind it.

A bench for a store in a file takes a dozen lines::

    class AcmeBench(StateBench):
        abilities = frozenset({StateAbility.PERSISTENCE, StateAbility.SHARING})

        def __init__(self) -> None:
            self._folder = tempfile.TemporaryDirectory()

        def open(self) -> StatePort:
            return AcmeState(Path(self._folder.name) / "journal")

        def close(self) -> None:
            self._folder.cleanup()

    def make() -> StateBench:
        return AcmeBench()
"""

import enum
from abc import ABC, abstractmethod
from typing import ClassVar

from tidegate.ports.state import StatePort

__all__ = ["AbilityMissing", "StateAbility", "StateBench"]


class StateAbility(enum.Enum):
    """What the store can do, or the bench can do to it. Cases that need more are skipped."""

    PERSISTENCE = "records outlive the adapter that wrote them"
    SHARING = "two adapters on one store at once"
    CRASH = "killing the process that has the store open"
    POWER_LOSS = "losing what was not forced to the disk"
    CORRUPTION = "damaging a stored record"
    NEWER_FORMAT = "marking the store as written by a newer release"


class AbilityMissing(Exception):
    """The bench was asked for what it does not declare; ``ability`` says what."""

    def __init__(self, ability: StateAbility) -> None:
        super().__init__(f"this bench does not declare {ability.name}: {ability.value}")
        self.ability = ability


class StateBench(ABC):
    """One store, empty at first. The suite makes a new bench for each case and closes it after.

    ``abilities`` declares what the store and the bench can do. Declare no more than is true, and
    no less: the suite checks that an undeclared ability refuses with :class:`AbilityMissing`, and
    that a store without ``PERSISTENCE`` really starts empty.

    Raises:
        AbilityMissing: the bench cannot do what was asked of it, and does not declare it.

    """

    abilities: ClassVar[frozenset[StateAbility]] = frozenset()

    @abstractmethod
    def open(self) -> StatePort:
        """Open the store, or open it again; while it is open a second time needs ``SHARING``.

        Whatever the adapter raises comes through.
        """

    @abstractmethod
    def close(self) -> None:
        """Release everything, also adapters that a case left open."""

    def crash(self) -> None:
        """Leave the store as a killed process does: no adapter is closed, nothing more is written.

        Adapters opened before are dead to the case; the next :meth:`open` finds what they left.
        """
        raise AbilityMissing(StateAbility.CRASH)

    def lose_power(self) -> None:
        """Crash, and lose everything that was not forced to the disk."""
        raise AbilityMissing(StateAbility.POWER_LOSS)

    def corrupt(self) -> None:
        """Change part of a stored record behind the adapter's back. No adapter is open."""
        raise AbilityMissing(StateAbility.CORRUPTION)

    def make_newer(self) -> None:
        """Mark the store as one of a newer release's format. No adapter is open."""
        raise AbilityMissing(StateAbility.NEWER_FORMAT)

    def content(self) -> bytes:
        """Return all that is stored, byte for byte. Needed to damage the store or to age it.

        The suite compares two of them to see that a store that was refused kept every byte.
        """
        raise AbilityMissing(StateAbility.CORRUPTION)
