import aiohttp
import pytest

from keyward_operator.health import Address, HealthServer


@pytest.fixture
def reasons() -> list[str]:
    return []


async def get(server: HealthServer, path: str) -> tuple[int, str]:
    port = server.port
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as response:
        return response.status, await response.text()


async def test_it_is_ready_when_nothing_speaks_against_it_and_alive_in_any_case(reasons: list[str]) -> None:
    server = HealthServer(Address("127.0.0.1", 0), lambda: reasons)
    await server.start()
    try:
        assert await get(server, "/readyz") == (200, '{"ready": true, "reasons": []}')
        reasons.append("the watches have not begun")
        assert await get(server, "/readyz") == (503, '{"ready": false, "reasons": ["the watches have not begun"]}')
        assert (await get(server, "/healthz"))[0] == 200
        status, text = await get(server, "/metrics")
        assert status == 200
        assert "keyward_operator_is_leader" in text
    finally:
        await server.stop()


@pytest.mark.parametrize("text", ["8080", ":8080", "a:b", "a:65536", ""])
def test_an_address_without_host_or_port_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="ADDRESS:PORT"):
        Address.parse(text)
