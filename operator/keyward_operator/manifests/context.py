"""What all builders need, and the metadata that all children share."""

from dataclasses import dataclass

from keyward_api import names
from keyward_api.tenants import PlatformSettings
from keyward_operator.children import Child, Owner, certificate_request, references
from keyward_operator.json_types import Json
from keyward_operator.kinds import Reference


@dataclass(frozen=True, kw_only=True, slots=True)
class ManifestContext:
    """A database and the platform that it is on."""

    owner: Owner
    agents_namespace: str
    operator_namespace: str
    """Where the operator runs, and its Lease is."""

    settings: PlatformSettings

    def reference(self, child: Child) -> Reference:
        """Where a child is."""
        return self.references()[child]

    def references(self) -> dict[Child, Reference]:
        """Where all children are."""
        return references(namespace=self.owner.namespace, name=self.owner.name, agents_namespace=self.agents_namespace)

    def certificate_request(self) -> Reference:
        """Where an issuer is asked for a CA."""
        return certificate_request(
            namespace=self.owner.namespace, name=self.owner.name, agents_namespace=self.agents_namespace
        )

    def child_at(self, reference: Reference) -> Child:
        """Which child a manifest of ours describes."""
        return next(child for child, candidate in self.references().items() if candidate == reference)

    def base(self, child: Child) -> Json:
        """Type and metadata of a child."""
        return self.base_at(self.reference(child))

    def base_at(self, reference: Reference) -> Json:
        """Type and metadata of something that is made for the database."""
        return {
            "apiVersion": reference.kind.api_version,
            "kind": reference.kind.kind,
            "metadata": {
                "name": reference.name,
                "namespace": reference.namespace,
                "labels": {**recommended_labels(self.owner), **self.owner.labels},
            },
        }


def recommended_labels(owner: Owner) -> dict[str, str]:
    """Kubernetes' recommended labels."""
    return {
        names.LABEL_NAME: "keyward",
        names.LABEL_INSTANCE: owner.name,
        names.LABEL_COMPONENT: "agent",
    }


def selector_labels(owner: Owner) -> dict[str, str]:
    """Labels that select the agents of one database; immutable in a Deployment, so the owner's uid is not among them.

    A database that is made anew gets a new Deployment: its predecessor's is deleted first.
    """
    return {
        names.LABEL_COMPONENT: "agent",
        names.LABEL_OWNER_NAMESPACE: owner.namespace,
        names.LABEL_OWNER_NAME: owner.name,
    }
