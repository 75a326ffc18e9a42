"""`python -m local`: AWS and EKS on this machine, up and down."""

import argparse
import sys
import time
from collections.abc import Sequence

from local import checkouts, demo
from local.cluster import docker, jwks, kind, servers, steps
from local.cluster.choice import node_image_choice
from local.processes import ProcessError, Processes
from local.runner import Runner, StepFailed


def up(*, network_policies: bool = False) -> None:
    """Bring up the cluster with Keyward's images, local AWS and local Keyspaces; what runs already is left alone."""
    begin = time.monotonic()
    steps.check(steps.HERE)
    image = node_image_choice()
    runner = Runner(steps.HERE.logs)
    steps.add_cluster(runner, steps.HERE, image)
    steps.add_aws(runner, steps.HERE)
    steps.add_images(runner)
    if network_policies:
        steps.add_network_policies(runner, steps.HERE, image)
    runner.run()
    print(f"Up after {time.monotonic() - begin:.0f} s. Look around with:")
    print(f"  export KUBECONFIG={steps.HERE.kubeconfig} PATH={steps.HERE.programs}:$PATH")
    print("Take it down with `python -m local down`.")


def prepare() -> None:
    """Compile and download what tests without a cluster need, where the cache lacks it."""
    steps.check_compiler()
    runner = Runner(steps.HERE.logs)
    steps.add_programs(runner, steps.JAVA_PROGRAMS, has_kubernetes=True)
    runner.run()


def show() -> None:
    """`up`, then install Keyward and show the main job."""
    up()
    here, state = steps.HERE, servers.folder(steps.HERE.state)
    demo.show(
        demo.Surroundings(
            kubectl=here.programs / "kubectl",
            helm=here.programs / "helm",
            kubeconfig=here.kubeconfig,
            issuer=jwks.ISSUER,
            authority=state / "ca.pem",
            aws_endpoint=servers.aws_endpoint(servers.endpoints(kind.gateway())),
            aws_state=state,
        )
    )


def down(*, others: bool) -> None:
    """Take down what `up` of this checkout brought up, or, with `others`, that of every other checkout."""
    checkout = steps.HERE.checkout
    for place in [steps.Place(checkout=other) for other in checkouts.others(checkout)] if others else [steps.HERE]:
        print(f"taking down what {place.checkout} runs")
        runner = Runner(steps.HERE.logs)
        steps.add_down(runner, place)
        runner.run()


def status() -> None:
    """Say what runs."""
    here = steps.HERE
    records = Processes(here.state).records()
    ours = docker.PROCESS in records and records[docker.PROCESS].alive()
    print(f"docker: {'ours' if ours else 'of the machine' if docker.answers() else 'none'}")
    cluster = kind.exists() and here.kubeconfig.exists()
    print(f"cluster: {f'{kind.CLUSTER}, kubeconfig {here.kubeconfig}' if cluster else 'none of this checkout'}")
    for record in records.values():
        print(f"{record.name}: {f'pid {record.pid}' if record.alive() else 'ended'}, log {record.log}")
    for other in checkouts.others(here.checkout):
        print(f"another checkout has something running: {other}")


def load(images: Sequence[str]) -> None:
    """Load images that the docker daemon holds into the cluster."""
    runner = Runner(steps.HERE.logs)
    runner.add("load images", lambda log: steps.load(log, steps.HERE, images))
    runner.run()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    parsed = _parser().parse_args(arguments)
    try:
        match parsed.command:
            case "up":
                up(network_policies=parsed.network_policies)
            case "prepare":
                prepare()
            case "demo":
                show()
            case "down":
                down(others=parsed.others)
            case "status":
                status()
            case "load":
                load(parsed.images)
            case "kubeconfig":
                print(steps.HERE.kubeconfig)
    except (StepFailed, ProcessError, steps.NotPossible, demo.DemoError) as error:
        print(f"python -m local {parsed.command}: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description="AWS and EKS on this machine.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    bringing_up = commands.add_parser("up", help=up.__doc__)
    policies = "have NetworkPolicies enforced, from now until `down`; all pods are made anew once"
    bringing_up.add_argument("--network-policies", action="store_true", help=policies)
    commands.add_parser("prepare", help=prepare.__doc__)
    commands.add_parser("demo", help=show.__doc__)
    taking_down = commands.add_parser("down", help=down.__doc__)
    taking_down.add_argument("--others", action="store_true", help="what other checkouts run, not this one")
    commands.add_parser("status", help=status.__doc__)
    loading = commands.add_parser("load", help=load.__doc__)
    loading.add_argument("images", nargs="+", metavar="IMAGE", help="a name that `docker images` shows")
    commands.add_parser("kubeconfig", help="Print the path of the cluster's kubeconfig.")
    return parser


if __name__ == "__main__":
    sys.exit(main())
