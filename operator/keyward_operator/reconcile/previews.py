"""What the checks say of objects now, and what is still to be done for them, without doing it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from keyward_operator.errors import OperatorError
from keyward_operator.json_types import Json
from keyward_operator.keys import DatabaseKey, IAMRoleKey
from keyward_operator.plan.access.plan import judge
from keyward_operator.plan.access.policies import policy_state
from keyward_operator.plan.access.world import DatabaseAccess, names_of
from keyward_operator.reconcile.access import world_of
from keyward_operator.reconcile.databases import Views
from keyward_operator.reconcile.survey import Surveyor

K = TypeVar("K", DatabaseKey, IAMRoleKey)

_TOLD = ("status", "reason", "message")
"""Of a condition."""


@dataclass(kw_only=True, slots=True)
class Preview:
    """Of all objects that have a name, of whatever kind."""

    found: dict[str, Json]
    """By the object: its `conditions`, by their types, and what is `pending`."""

    problems: list[str]
    """Why some could not be looked at."""


class Previews:
    """Looks at objects."""

    def __init__(
        self,
        *,
        databases: Callable[[DatabaseKey], Awaitable[Json | None]],
        iam_roles: Callable[[IAMRoleKey], Awaitable[Json | None]],
        surveyor: Surveyor,
        views: Views,
    ) -> None:
        self._databases = databases
        self._iam_roles = iam_roles
        self._surveyor = surveyor
        self._views = views

    async def of(self, namespace: str, name: str) -> Preview:
        """The objects of that name. What fails for one kind hides no other."""
        looks = (
            _named(DatabaseKey(namespace, name), self._databases),
            _named(IAMRoleKey(namespace, name), self._iam_roles),
            self._access(namespace, name),
        )
        found: dict[str, Json] = {}
        problems: list[str] = []
        for answer in await asyncio.gather(*looks, return_exceptions=True):
            if isinstance(answer, OperatorError):
                problems.append(str(answer))
            elif isinstance(answer, BaseException):
                raise answer
            else:
                found |= answer
        return Preview(found=found, problems=list(dict.fromkeys(problems)))

    async def _access(self, namespace: str, name: str) -> dict[str, Json]:
        """Roles, users and locks: what they say comes from the policies of all databases."""
        seen = await self._surveyor.survey_access(namespace)
        if name not in names_of(seen.inputs.roles + seen.inputs.users + seen.inputs.locks):
            return {}
        found = {}
        for database in seen.databases:
            view = await self._views.of(await self._surveyor.database(seen, database), datetime.now(UTC))
            found[database] = DatabaseAccess.of(view, is_published=policy_state(view).is_published)
        judged = [each for each in judge(world_of(seen, found, datetime.now(UTC))) if each.reference.name == name]
        return {
            str(each.reference): {
                "conditions": {told["type"]: {key: told[key] for key in _TOLD} for told in each.status["conditions"]},
                "pending": [] if each.is_told else [f"set the status of {each.reference}"],
            }
            for each in judged
        }


async def _named(key: K, look: Callable[[K], Awaitable[Json | None]]) -> dict[str, Json]:
    found = await look(key)
    return {} if found is None else {str(key): found}
