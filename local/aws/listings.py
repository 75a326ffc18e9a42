"""One page of a list, as IAM gives it: in the order of names, with a marker where there is more.

Source: "MaxItems" and "Marker" of the list calls, IAM API Reference. A marker is opaque, and good for the parameters
that it was given for only.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from local.aws.errors import AwsError

DEFAULT_ITEMS = 100


def page(member: str, items: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The page that `parameters` ask for, under the name `member`; `items` by their names.

    Raises AwsError ValidationError for a marker that is not of this list.
    """
    scope = {name: value for name, value in parameters.items() if name not in ("Marker", "MaxItems")}
    begin = _position(parameters["Marker"], scope) if "Marker" in parameters else ""
    names = sorted(name for name in items if name > begin)
    shown = names[: parameters.get("MaxItems", DEFAULT_ITEMS)]
    more = len(shown) < len(names)
    result: dict[str, Any] = {member: [items[name] for name in shown], "IsTruncated": more}
    return result | ({"Marker": _marker(shown[-1], scope)} if more else {})


def _marker(last: str, scope: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(f"{_digest(scope)}{last}".encode()).decode()


def _position(marker: str, scope: Mapping[str, Any]) -> str:
    try:
        text = base64.urlsafe_b64decode(marker.encode()).decode()
    except ValueError:
        text = ""
    digest = _digest(scope)
    if not text.startswith(digest):
        raise AwsError.validation("Invalid Marker.")
    return text.removeprefix(digest)


def _digest(scope: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(scope, sort_keys=True).encode()).hexdigest()[:16]
