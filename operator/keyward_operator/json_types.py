"""The type of Kubernetes objects as the API server gives and takes them."""

from typing import Any

Json = dict[str, Any]
