"""Hypothesis for every test, and what is begun first where files of tests run side by side."""

import pytest
from hypothesis import settings

# How long an example takes says more about the machine than about the code.
settings.register_profile("keyward", deadline=None)
settings.load_profile("keyward")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take longest come first, so that none of them runs alone in the end."""
    items.sort(key=lambda item: item.get_closest_marker("first") is None)
