"""`helm test` tells a release that works from one that does not."""

import pytest

from keyward_api.names import SYSTEM_NAMESPACE
from local import install
from tests.e2e.kube import Kubectl
from tests.e2e.operator import operator_stopped
from tests.e2e.surroundings import Surroundings

POD = "keyward-release-check"


def helm_test(surroundings: Surroundings) -> None:
    install.run_tests(helm=surroundings.programs / "helm", kubeconfig=surroundings.kubeconfig)


def test_a_release_that_works_passes_and_leaves_no_pod(platform: Kubectl, surroundings: Surroundings) -> None:
    helm_test(surroundings)
    assert platform.find("pod", POD, SYSTEM_NAMESPACE) is None


def test_without_an_operator_it_fails_and_says_why(platform: Kubectl, surroundings: Surroundings) -> None:
    with operator_stopped(platform):
        with pytest.raises(install.InstallError):
            helm_test(surroundings)
        assert "readyz does not answer" in platform.logs(POD, SYSTEM_NAMESPACE)
    helm_test(surroundings)
