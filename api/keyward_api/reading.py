"""From an object of the API server to its model."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from keyward_api.problems import first_line
from keyward_api.resources.models import Model

M = TypeVar("M", bound=Model)


def read(model: type[M], document: Mapping[str, Any]) -> tuple[M | None, str]:
    """Metadata and spec of `document`, or None and why they cannot be read: a newer or damaged object.

    Its status is left out: what others wrote there is no reason not to read the rest.
    """
    try:
        return model.model_validate({key: document.get(key) for key in ("metadata", "spec")}), ""
    except ValidationError as error:
        return None, first_line(error)
