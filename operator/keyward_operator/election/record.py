"""A Lease's spec, and when its holder is to be considered gone.

As in client-go's leaderelection: a candidate never compares its clock with the holder's. It remembers on its own
monotonic clock when it last saw the record change, and takes over when that is a lease duration ago.
"""

from dataclasses import dataclass
from datetime import datetime

from keyward_operator.json_types import Json

TIME_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"
"""MicroTime."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """What a Lease says."""

    holder: str
    """Empty where it was released."""

    duration: int
    """Seconds."""

    renewed: str
    transitions: int
    acquired: str

    @classmethod
    def of(cls, lease: Json) -> "Record":
        """Read a Lease; missing fields are as a released one's."""
        spec = lease.get("spec") or {}
        return cls(
            holder=spec.get("holderIdentity") or "",
            duration=int(spec.get("leaseDurationSeconds") or 1),
            renewed=spec.get("renewTime") or "",
            transitions=int(spec.get("leaseTransitions") or 0),
            acquired=spec.get("acquireTime") or "",
        )

    def to_spec(self) -> Json:
        """As a Lease's spec."""
        return {
            "holderIdentity": self.holder,
            "leaseDurationSeconds": self.duration,
            "renewTime": self.renewed,
            "acquireTime": self.acquired,
            "leaseTransitions": self.transitions,
        }


def taken_by(identity: str, *, previous: Record | None, duration: int, now: datetime) -> Record:
    """The record that `identity` writes to take or keep the Lease; a new holder counts as a transition."""
    text = now.strftime(TIME_FORMAT)
    is_new = previous is None or previous.holder != identity
    return Record(
        holder=identity,
        duration=duration,
        renewed=text,
        transitions=0 if previous is None else previous.transitions + int(is_new),
        acquired=text if previous is None or is_new else previous.acquired,
    )


def released(previous: Record, *, now: datetime) -> Record:
    """The record that lets the next candidate in at once."""
    text = now.strftime(TIME_FORMAT)
    return Record(holder="", duration=1, renewed=text, transitions=previous.transitions, acquired=text)
