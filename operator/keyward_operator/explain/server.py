"""Answers what was done for an object, and why."""

from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from keyward_operator.journal import Journal
from keyward_operator.json_types import Json
from keyward_operator.kinds import INPUTS
from keyward_operator.reconcile.previews import Previews

_OWNER_ONLY = 0o600


class ExplainServer:
    """The listener."""

    def __init__(self, socket: Path, journal: Journal, *, identity: str) -> None:
        self._socket = socket
        self._journal = journal
        self._identity = identity
        self._runner: web.AppRunner | None = None
        self.previews: Previews | None = None
        """Looks at objects without touching them; None before the API server was reached."""

        self.leads: Callable[[], bool] = lambda: False

    async def start(self) -> None:
        """Listen. Raises OSError where the socket cannot be made."""
        application = web.Application()
        application.router.add_get("/explain/{namespace}/{name}", self._explain)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        await web.UnixSite(self._runner, str(self._socket)).start()
        self._socket.chmod(_OWNER_ONLY)

    async def stop(self) -> None:
        """Close the listener."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _explain(self, request: web.Request) -> web.Response:
        namespace, name = request.match_info["namespace"], request.match_info["name"]
        looks = self._journal.about(namespace, name)
        return web.json_response(
            {
                "operator": self._identity,
                "leads": self.leads(),
                "looks": {reconciler: [look.to_json() for look in found] for reconciler, found in looks.items()},
                **await self._now(namespace, name),
            }
        )

    async def _now(self, namespace: str, name: str) -> Json:
        if self.previews is None:
            return {"now": {}, "problems": ["the operator has not reached the API server yet"]}
        preview = await self.previews.of(namespace, name)
        if not preview.found and not preview.problems:
            kinds = ", ".join(kind.kind for kind in INPUTS)
            preview.problems.append(f"there is nothing of that name in namespace {namespace} (of kinds {kinds})")
        return {"now": preview.found, "problems": preview.problems}
