"""What looks at namespaces found as it shall be, so that a change of access reads no policy that nothing is new for.

Of a database is kept what its policy says of users and locks, and what that was made from: as long as nothing of it has
another version, the settings are the same, no grant has ended and nobody wrote the policy, it would be found again.
A resync reads all policies and forgets here what it finds otherwise.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from keyward_api.tenants import PlatformSettings
from keyward_operator.keys import DatabaseKey
from keyward_operator.plan.access.concerns import Concern
from keyward_operator.plan.access.policies import DatabaseTold, PolicyState
from keyward_operator.plan.access.world import DatabaseAccess
from keyward_operator.reconcile.publisher import Publisher


@dataclass(frozen=True, slots=True)
class Basis:
    """What was found is good for."""

    concern: Concern
    writes: int
    """What the publisher counted before the policy was read."""

    settings: PlatformSettings
    """The settings then: read again, they are another object."""

    def is_same(self, other: "Basis") -> bool:
        """Whether the same would be found on the other."""
        same_inputs = (self.concern, self.writes) == (other.concern, other.writes)
        return same_inputs and self.settings is other.settings


class KnownAccess:
    """Of all databases."""

    def __init__(self, publisher: Publisher, *, settings: Callable[[], PlatformSettings]) -> None:
        self._publisher = publisher
        self._settings = settings
        self._kept: dict[str, dict[str, tuple[Basis, DatabaseAccess]]] = {}

    def basis(self, key: DatabaseKey, concern: Concern) -> Basis:
        """To be had before the policy is read."""
        return Basis(concern, self._publisher.writes(key), self._settings())

    def recall(self, key: DatabaseKey, basis: Basis, now: datetime) -> DatabaseAccess | None:
        """What is known of a database on this basis; None where it must be looked at."""
        then, access = self._kept.get(key.namespace, {}).get(key.name, (None, None))
        if then is None or access is None or not then.is_same(basis):
            return None
        return access if access.next_end is None or now < access.next_end else None

    def keep(
        self, key: DatabaseKey, basis: Basis, access: DatabaseAccess, *, state: PolicyState, told: DatabaseTold
    ) -> None:
        """Note what was found of a database, if it has the policy that it shall have, and tells so; else forget it."""
        known = self._kept.setdefault(key.namespace, {})
        known.pop(key.name, None)
        if state.has_settled and not (access.problems or told.is_new or told.is_turn):
            known[key.name] = basis, access

    def keep_only(self, namespace: str, databases: Collection[str]) -> None:
        """Forget the databases of a namespace that are gone."""
        kept = {name: known for name, known in self._kept.pop(namespace, {}).items() if name in databases}
        if kept:
            self._kept[namespace] = kept

    def forget(self, namespace: str) -> None:
        """Have all databases of a namespace looked at."""
        self._kept.pop(namespace, None)
