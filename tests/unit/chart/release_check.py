"""`helm test`'s program as a module, though it lies in the chart."""

import importlib.util
from types import ModuleType

from local.install import CHART

PROGRAM = CHART / "files/release_check.py"


def load() -> ModuleType:
    """The module; nothing runs yet."""
    spec = importlib.util.spec_from_file_location("release_check", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
