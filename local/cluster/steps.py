"""The steps of `up` and `down`, to be composed with those of others in one `Runner`.

The names of the steps are constants: a step of another part says by them what it needs, for example
`runner.add("images", build_images, needs=[steps.DOCKER, steps.PYTHON_IMAGE])`.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from local import certificates, checkouts, images
from local.cluster import calico, docker, golang, host, jwks, kind, node_image, python_image, servers, services, webhook
from local.cluster.choice import NodeImage
from local.keyspaces import java
from local.processes import Processes
from local.runner import Log, Runner

PACKAGES = "host packages"
DOCKER = "docker daemon"
KUBERNETES = "compile Kubernetes"
TOOLS = "compile kind, helm, CoreDNS and others"
NODE_DEBIAN = "Debian for the node"
NODE_IMAGE = "node image"
PYTHON_IMAGE = "Python base image"
CASSANDRA = "Cassandra's jars"
PROGRAMS = "programs"
CLUSTER = "cluster"
WEBHOOK = "pod identity webhook"
CERTIFICATES = "certificates"
AWS = "local AWS"
KEYSPACES = "local Keyspaces"
SERVICES = "services"
IMAGES = "Keyward's images"
LOADED = "load Keyward's images"
CALICO = "compile Calico"
FELIX_IMAGE = "Felix's image"
ENFORCED = "enforced NetworkPolicies"

JAVA_PROGRAMS = {"javac": "openjdk-17-jdk-headless", "mvn": "maven"}
"""Programs for local Keyspaces, and Debian's packages of them."""
HOST_PROGRAMS = {"docker": "docker.io", **JAVA_PROGRAMS}
"""Programs that the steps run, and Debian's packages of them. Go is not among them: Debian's is too old."""
DAEMON_PROGRAMS = {"dockerd": "docker.io", "iptables": "iptables", "ip": "iproute2", "jq": "jq"}
"""Programs for a docker daemon of our own. A machine may have Docker's client without it."""
BUILD_PROGRAMS = {"debootstrap": "debootstrap", "gcc": "gcc"}
"""Programs for images of our own."""


def needed_programs(*, own_image: bool, daemon_answers: bool) -> dict[str, str]:
    """The programs that the steps will run, and Debian's packages of them."""
    return {**HOST_PROGRAMS, **({} if daemon_answers else DAEMON_PROGRAMS), **(BUILD_PROGRAMS if own_image else {})}


class NotPossible(Exception):
    """The machine lacks something, or another checkout is in the way; the message says what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A checkout and the files of what runs for it."""

    checkout: Path

    @property
    def state(self) -> Path:
        """The folder of all state; removed with the checkout, ignored by git."""
        return self.checkout / ".state"

    @property
    def kubeconfig(self) -> Path:
        """The cluster's kubeconfig; there as long as the cluster is."""
        return self.state / "kubeconfig"

    @property
    def programs(self) -> Path:
        """A folder with links to kubectl, helm and kind."""
        return self.state / "bin"

    @property
    def logs(self) -> Path:
        """The logs of steps; those of processes are in the folder above."""
        return self.state / "logs" / "steps"


HERE = Place(checkout=Path(__file__).parents[2])
"""The checkout that this module is part of."""


def check_compiler() -> None:
    """Raise `NotPossible` where nothing can be compiled."""
    if shutil.which("go") is None:
        raise NotPossible("Go is missing: install Go 1.21 or newer from https://go.dev/dl (Debian's is too old)")


def check(place: Place) -> None:
    """Raise `NotPossible` where `up` could not succeed or would take over what another checkout runs."""
    check_compiler()
    if kind.exists() and not place.kubeconfig.exists():
        whose = ", ".join(map(str, checkouts.others(place.checkout))) or "something else"
        raise NotPossible(
            f"a cluster named {kind.CLUSTER} runs already, brought up by {whose}: "
            "take it down with `python -m local down --others`"
        )
    if os.geteuid() != 0 and not docker.answers():
        raise NotPossible("no docker daemon answers, and only root can start one: start Docker, or use sudo")


def add_programs(runner: Runner, packages: Mapping[str, str], *, has_kubernetes: bool) -> None:
    """What is compiled or downloaded once for a machine: of Kubernetes all programs, or kubectl alone."""
    runner.add(PACKAGES, lambda log: host.ensure_packages(log, packages))
    runner.add(KUBERNETES, golang.kubernetes_programs if has_kubernetes else golang.kubectl)
    runner.add(TOOLS, golang.tools)
    runner.add(CASSANDRA, lambda _: java.classes(java.find_jdk(os.environ), java.jars()), needs=[PACKAGES])


def add_cluster(runner: Runner, place: Place, image: NodeImage) -> None:
    """The cluster with the webhook, and what it is made of."""
    checkouts.mark_running(place.checkout)
    programs = needed_programs(own_image=image.own, daemon_answers=docker.answers())
    add_programs(runner, programs, has_kubernetes=image.own)
    runner.add(DOCKER, lambda log: docker.ensure(log, place.state), needs=[PACKAGES])
    runner.add(PROGRAMS, lambda log: link_programs(log, place, image), needs=[KUBERNETES, TOOLS])
    to_build = image.own and not kind.exists()
    if to_build:
        runner.add(NODE_DEBIAN, node_image.root_file_system, needs=[PACKAGES])
        runner.add(NODE_IMAGE, node_image.archive, needs=[KUBERNETES, TOOLS, NODE_DEBIAN])
    made = [NODE_IMAGE] if to_build else []
    runner.add(CLUSTER, lambda log: create_cluster(log, place, image), needs=[DOCKER, PROGRAMS, *made])
    runner.add(CERTIFICATES, lambda _: certificates.ensure(servers.folder(place.state)))
    install = [CLUSTER, CERTIFICATES]
    runner.add(WEBHOOK, lambda log: webhook.install(log, place.kubeconfig, servers.folder(place.state)), needs=install)


def add_aws(runner: Runner, place: Place) -> None:
    """Local AWS and local Keyspaces, reachable by pods; after `add_cluster`."""
    runner.add(AWS, lambda log: start_aws(log, place), needs=[CLUSTER, CERTIFICATES])
    runner.add(
        KEYSPACES,
        lambda _: servers.start_keyspaces(place.state, servers.endpoints(kind.gateway())),
        needs=[AWS, CASSANDRA],
    )
    runner.add(SERVICES, lambda log: publish(log, place), needs=[CLUSTER])


def add_images(runner: Runner) -> None:
    """Keyward's own images, built from the working tree and loaded into the cluster; after `add_cluster`."""
    runner.add(PYTHON_IMAGE, python_image.base, needs=[DOCKER])
    runner.add(IMAGES, images.build, needs=[PYTHON_IMAGE])
    runner.add(LOADED, images.load, needs=[IMAGES, CLUSTER])


def add_network_policies(runner: Runner, place: Place, image: NodeImage) -> None:
    """NetworkPolicies that count; after `add_cluster`. The pod network of kind's own image enforces them by itself."""
    if not image.own:
        return
    runner.add(CALICO, golang.calico_programs)
    runner.add(FELIX_IMAGE, calico.archive, needs=[PACKAGES, CALICO])
    # Last of those that make pods: all of them are made anew.
    runner.add(ENFORCED, lambda log: calico.install(log, place.kubeconfig), needs=[FELIX_IMAGE, WEBHOOK])


def link_programs(log: Log, place: Place, image: NodeImage) -> None:
    """Links to kubectl, helm and kind in the checkout's own folder."""
    kubectl = golang.kubernetes_programs(log) if image.own else golang.kubectl(log)
    place.programs.mkdir(parents=True, exist_ok=True)
    for program in (kubectl / "kubectl", golang.tools(log) / "helm", golang.tools(log) / "kind"):
        link = place.programs / program.name
        link.unlink(missing_ok=True)
        link.symlink_to(program)


def create_cluster(log: Log, place: Place, image: NodeImage) -> None:
    """Make the cluster, or bring back the one that is there."""
    if image.own and image.name is not None and not kind.exists():
        docker.load(log, node_image.archive(log), image.name)
    configuration = kind.config(image=image.name, own_image=image.own, cgroup_v1=host.has_cgroup_v1())
    kind.create(log, configuration, place.kubeconfig)


def start_aws(log: Log, place: Place) -> None:
    """Start local AWS with the keys of the cluster's tokens."""
    jwks.fetch(log, place.kubeconfig, servers.folder(place.state) / "jwks.json")
    servers.start_aws(place.state, servers.endpoints(kind.gateway()))


def publish(log: Log, place: Place) -> None:
    """Make local AWS and local Keyspaces known to the cluster."""
    where = servers.endpoints(kind.gateway())
    services.publish(log, place.kubeconfig, where.gateway, where.aws_port, where.keyspaces_port)


def load(log: Log, place: Place, names: Sequence[str]) -> None:
    """Load images of the docker daemon into the cluster."""
    if not place.kubeconfig.exists():
        raise NotPossible("there is no cluster of this checkout: `python -m local up`")
    kind.load(log, *names)


def add_down(runner: Runner, place: Place) -> None:
    """Take everything down that `up` brought up; what is not there is passed over. Caches and images stay."""
    runner.add("stop local AWS and local Keyspaces", lambda _: servers.stop(place.state))
    runner.add("remove the cluster", lambda log: remove_cluster(log, place), needs=runner.names())
    runner.add("stop the docker daemon", lambda _: stop_docker(place), needs=runner.names())


def remove_cluster(log: Log, place: Place) -> None:
    """Remove the cluster and what leads to it."""
    if docker.answers():
        kind.delete(log)
    place.kubeconfig.unlink(missing_ok=True)


def stop_docker(place: Place) -> None:
    """End the daemon that we started, if we did, and put the machine back as it was."""
    Processes(place.state).stop(docker.PROCESS, seconds=60)
    host.restore(place.state)
    checkouts.mark_down(place.checkout)
