"""What a plan asks for. Empty where nothing has to change."""

from dataclasses import dataclass

from keyward_operator.json_types import Json
from keyward_operator.kinds import Reference


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Steps towards what shall be, in the order of their fields."""

    finalizers: tuple[str, ...] | None = None
    """New finalizers of the database; None: as they are. Removing ours is done last instead of first."""

    delete: tuple[Deletion, ...] = ()
    issue_certificate_authority: bool = False
    apply: tuple[Json, ...] = ()
    replace_pod: Deletion | None = None
    forget_agents: tuple[str, ...] = ()
    """Pods that are gone and whose reports are to be taken out of the policy's status."""

    status: Json | None = None
    """None: as it is."""

    events: tuple[Happening, ...] = ()
    requeue_after: float | None = None
    """Seconds after which to look again, even if nothing is heard."""
