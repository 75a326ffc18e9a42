"""What a plan asks for. Empty where nothing has to change."""

from dataclasses import dataclass
from enum import StrEnum

from keyward_api.tenants import IssuerReference
from keyward_operator.json_types import Json
from keyward_operator.kinds import Reference

AGAIN = 1.0
"""Seconds until a database is looked at again that waits for something of which no event may tell."""

AGAIN_WHERE_TAKEN = 10.0
"""Seconds until a database is looked at again where a name is taken: foreign objects are not watched."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deletion:
    """One very object to delete."""

    reference: Reference
    uid: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Happening:
    """An event of events.k8s.io about an object of ours."""

    reason: str
    message: str
    action: str
    """What the operator was doing: a condition's type, or `ReplacePod`."""

    warning: bool


class Issue(StrEnum):
    """Which certificate authority is made."""

    FIRST = "first"
    """There is none that is valid."""

    SUCCESSOR = "successor"
    """There is one, and it shall be replaced."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Steps towards what shall be, in the order of their fields."""

    finalizers: tuple[str, ...] | None = None
    """New finalizers of the database; None: as they are. Removing ours is done last instead of first."""

    delete: tuple[Deletion, ...] = ()
    issue: Issue | None = None
    """A certificate authority to make."""

    ask: IssuerReference | None = None
    """The issuer to ask for one."""

    apply: tuple[Json, ...] = ()
    replace_pod: Deletion | None = None
    forget_agents: tuple[str, ...] = ()
    """Pods that are gone and whose reports are to be taken out of the policy's status."""

    status: Json | None = None
    """None: as it is."""

    events: tuple[Happening, ...] = ()
    requeue_after: float | None = None
    """Seconds after which to look again, even if nothing is heard."""

    @property
    def does_nothing(self) -> bool:
        """Whether everything is as it shall be."""
        return self == Plan(requeue_after=self.requeue_after)
