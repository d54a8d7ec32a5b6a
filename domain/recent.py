"""A bounded memory of ids: it knows at least the last ``keep`` and forgets the oldest by itself."""

import attrs

__all__ = ["Recent"]


@attrs.frozen
class Recent:
    """Two generations of at most ``keep`` ids each; an immutable value."""

    keep: int
    young: frozenset[str] = frozenset()
    old: frozenset[str] = frozenset()

    def __contains__(self, item: str) -> bool:
        return item in self.young or item in self.old

    def add(self, item: str) -> "Recent":
        """Remember ``item``; when the young generation is full it becomes the old one."""
        young = self.young | {item}
        if len(young) < self.keep:
            return Recent(self.keep, young, self.old)
        return Recent(self.keep, frozenset(), young)
