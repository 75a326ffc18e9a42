"""An operator as a process beside a bare API server, in place of the cluster of the other tests here."""

from tests.integration.operator.conftest import (
    chart_objects,
    control_plane,
    installed,
    namespace,
    new_operator,
    objects,
    programs,
    settings,
)

__all__ = [
    "chart_objects",
    "control_plane",
    "installed",
    "namespace",
    "new_operator",
    "objects",
    "programs",
    "settings",
]
