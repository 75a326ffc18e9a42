"""How the API server is reached: by the pod's ServiceAccount, or by a kubeconfig.

kopf and our own client share this configuration, so that both verify the server in one way. Since Python 3.13 TLS
contexts are strict about RFC 5280 (VERIFY_X509_STRICT), which the CAs of older EKS clusters are not: they carry no key
identifiers. The flag is cleared; chain, name and dates are verified as before.
"""

import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import aiohttp
from kubernetes.aio.client import Configuration
from kubernetes.aio.client.rest import RESTClientObject
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config

from keyward_operator.errors import OperatorError

CONNECTIONS = 16
"""At once, beside those of the watches. Each costs a TLS handshake, and buffers while it is open."""

USER_AGENT = f"keyward-operator/{version('keyward')}"


class NoConnectionError(OperatorError):
    """There is neither a ServiceAccount nor a kubeconfig to connect with."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Connection:
    """An API server, and the credentials and roots to use with it."""

    configuration: Configuration

    @property
    def server(self) -> str:
        """The server's URL."""
        return str(self.configuration.host)

    @property
    def ssl_context(self) -> ssl.SSLContext:
        """A TLS context as the client itself makes it."""
        context: ssl.SSLContext = RESTClientObject(self.configuration).ssl_context
        return context

    @property
    def server_hostname(self) -> str | None:
        """The name that the server's certificate must have, where it is not the URL's."""
        return self.configuration.tls_server_name or None

    def session(
        self,
        *,
        limit: int = 0,
        middlewares: Sequence[aiohttp.ClientMiddlewareType] = (),
        traces: Sequence[aiohttp.TraceConfig] = (),
        response_class: type[aiohttp.ClientResponse] = aiohttp.ClientResponse,
    ) -> aiohttp.ClientSession:
        """An HTTP session with these credentials; the bearer token is read anew as it rotates.

        `limit`: connections at once; 0: as many as there are requests. Requests go through `middlewares`, `traces`
        are told of them, and answers are of `response_class`.
        """

        async def authorize(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
            token = await self.configuration.get_api_key_with_prefix("BearerToken")
            if token:
                request.headers["Authorization"] = token
            return await send(request)

        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=limit, ssl=self.ssl_context),
            headers={"User-Agent": USER_AGENT},
            proxy=self.configuration.proxy or None,
            middlewares=(authorize, *middlewares),
            trace_configs=list(traces),
            response_class=response_class,
        )


async def load(kubeconfig: Path | None) -> Connection:
    """The connection of a kubeconfig, or where none is given of the pod's ServiceAccount, else of `$KUBECONFIG`.

    Raises NoConnectionError where there is none of the three.
    """
    configuration = Configuration()
    configuration.disable_strict_ssl_verification = True
    try:
        if kubeconfig is None and "KUBERNETES_SERVICE_HOST" in os.environ:
            load_incluster_config(client_configuration=configuration)
        else:
            await load_kube_config(
                config_file=str(kubeconfig) if kubeconfig else None, client_configuration=configuration
            )
    except (ConfigException, OSError) as error:
        raise NoConnectionError(f"no way to the API server: {error}; run in a pod or give --kubeconfig") from error
    return Connection(configuration=configuration)
