"""keyward-agent: one agent of one KeyspacesDatabase, in a pod or with its policy from files."""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import logging
import os
import sys
from collections.abc import Coroutine, Sequence
from types import ModuleType
from typing import Any

from keyward_api.identities import session_name
from keyward_proxy import pod
from keyward_proxy.commandline import parse
from keyward_proxy.kubernetes_api import KubernetesUnavailable
from keyward_proxy.logs import configure
from keyward_proxy.net.errors import NetworkError
from keyward_proxy.process import harden
from keyward_proxy.standalone.problem import ManifestsError

logger = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command `keyward-agent`; returns its exit status."""
    parsed = parse(arguments)
    if parsed.manifests and (parsed.check or parsed.print):
        return int(_standalone().tell(parsed))
    configure(parsed.log_level)
    try:
        agent = _agent(parsed)
        harden()
        # What is loaded by now lives as long as the process: the collector need not look at it again.
        gc.freeze()
        asyncio.run(agent)
    except ManifestsError as error:
        for problem in error.problems:
            logger.error("agent not started", extra={"error": str(problem)})
        return 1
    except (ValueError, NetworkError, KubernetesUnavailable, OSError) as error:
        logger.error("agent not started", extra={"error": str(error)})
        return 1
    except Exception:
        logger.critical("agent failed", exc_info=True)
        return 1
    return 0


def _standalone() -> ModuleType:
    """Loaded where it is used: agents in pods do without what it brings along."""
    return importlib.import_module("keyward_proxy.standalone.program")


def _agent(parsed: argparse.Namespace) -> Coroutine[Any, Any, None]:
    if parsed.manifests:
        served: Coroutine[Any, Any, None] = _standalone().serve(parsed)
        return served
    settings = pod.settings_from(parsed, os.environ)
    # CloudTrail shows this name where boto3 uses the pod's web identity.
    os.environ.setdefault("AWS_ROLE_SESSION_NAME", session_name(settings.pod))
    return pod.serve(settings)


if __name__ == "__main__":
    sys.exit(main())
