"""Bytes that are not what they should be end their own connection with a clear error, and nothing else."""

from collections.abc import Iterator

import pytest

from tests.e2e import frames, manifests
from tests.e2e.pods import Answer, Driver
from tests.e2e.tenants import Database, Tenant

SELECT = "SELECT name FROM e2e_shop.items WHERE id = 1"

LOGIN_LIMIT = 64 * 1024
FRAME_LIMIT = 16 * 1024 * 1024
STEP_SECONDS = 10.0
"""Each step of a login must end within this time."""


@pytest.fixture(scope="module")
def database(tenant: Tenant) -> Database:
    database = tenant.database(iam_roles=[tenant.iam_role("reader")])
    rule = manifests.rule(db_users=[tenant.iam_role("reader")], keyspaces=["e2e_shop"], tables=["items"])
    tenant.grant("reader", "web", rule)
    return database


@pytest.fixture(scope="module")
def client(tenant: Tenant, database: Database) -> Iterator[Driver]:
    """A driver with a session named `bystander`."""
    with tenant.client("web").driver() as driver:
        driver.connect_once_granted("bystander", tenant.iam_role("reader"))
        yield driver


@pytest.fixture
def driver(client: Driver, database: Database) -> Iterator[Driver]:
    """After each test the agent is the same process, and a session that stood by goes on."""
    before = restarts(database)
    yield client
    assert client.do("execute", name="bystander", cql=SELECT)["rows"] == [["anvil"]]
    assert restarts(database) == before


def restarts(database: Database) -> dict[str, int]:
    """How often each agent's container was started again."""
    pods = database.agents()
    return {pod["metadata"]["name"]: pod["status"]["containerStatuses"][0]["restartCount"] for pod in pods}


def ended_with(driver: Driver, data: str, *, seconds: float = 5, login: str | None = None) -> list[Answer]:
    """All frames that come back until the agent has ended the connection."""
    if login is None:
        driver.do("wire", name="broken")
    else:
        assert driver.do("wire_login", name="broken", user=login)["in"]
    driver.do("wire_send", name="broken", data=data)
    answer = driver.do("wire_read", name="broken", frames=None, seconds=seconds)
    driver.do("wire_close", name="broken")
    assert answer["ended"] is not None, f"the connection is still open after {seconds} s: {answer['frames']}"
    found: list[Answer] = answer["frames"]
    return found


def one_error(answers: list[Answer], *, says: str, code: int = frames.PROTOCOL_ERROR, stream: int = 0) -> None:
    """Exactly one ERROR came, and it says this."""
    assert [answer["opcode"] for answer in answers] == [frames.ERROR], answers
    (error,) = answers
    assert error["code"] == code
    assert says in error["message"]
    assert error["stream"] == stream


def test_an_oversized_frame_before_the_login(driver: Driver) -> None:
    answers = ended_with(driver, frames.header(frames.STARTUP, LOGIN_LIMIT + 1))
    one_error(answers, says=f"a body of {LOGIN_LIMIT + 1} bytes; the limit here is {LOGIN_LIMIT}")


def test_an_oversized_frame_after_the_login(tenant: Tenant, driver: Driver) -> None:
    data = frames.header(frames.QUERY, FRAME_LIMIT + 1, stream=5)
    answers = ended_with(driver, data, login=tenant.iam_role("reader"))
    one_error(answers, says=f"a body of {FRAME_LIMIT + 1} bytes; the limit here is {FRAME_LIMIT}", stream=5)


def test_a_frame_of_negative_length(driver: Driver) -> None:
    one_error(ended_with(driver, frames.header(frames.STARTUP, -1)), says="a body of -1 bytes")


def test_a_frame_that_is_never_finished_before_the_login(driver: Driver) -> None:
    """The time that each step of a login has ends it, and the client is told."""
    answers = ended_with(driver, frames.startup()[:20], seconds=STEP_SECONDS + 5)
    one_error(answers, says=f"the login did not go on within {STEP_SECONDS:g} s")


def test_a_frame_torn_by_the_end_of_the_client_before_the_login(driver: Driver) -> None:
    driver.do("wire", name="torn")
    driver.do("wire_send", name="torn", data=frames.startup()[:20])
    driver.do("wire_half_close", name="torn")
    answer = driver.do("wire_read", name="torn", frames=None, seconds=5)
    driver.do("wire_close", name="torn")
    assert answer["ended"] is not None
    assert answer["frames"] == []


def test_a_frame_torn_by_the_end_of_the_client_after_the_login(tenant: Tenant, driver: Driver) -> None:
    assert driver.do("wire_login", name="torn", user=tenant.iam_role("reader"))["in"]
    driver.do("wire_send", name="torn", data=frames.query(SELECT, stream=1)[:30])
    driver.do("wire_half_close", name="torn")
    answer = driver.do("wire_read", name="torn", frames=None, seconds=8)
    driver.do("wire_close", name="torn")
    assert answer["ended"] is not None
    assert answer["frames"] == []


def test_a_frame_in_single_bytes_is_a_frame(tenant: Tenant, driver: Driver) -> None:
    assert driver.do("wire_login", name="slow", user=tenant.iam_role("reader"))["in"]
    data = bytes.fromhex(frames.query(SELECT, stream=3))
    for byte in data:
        driver.do("wire_send", name="slow", data=f"{byte:02x}")
    (answer,) = driver.do("wire_read", name="slow", frames=1, seconds=5)["frames"]
    driver.do("wire_close", name="slow")
    assert answer["opcode"] == frames.RESULT
    assert answer["stream"] == 3
    assert b"anvil".hex() in answer["body"]


def test_an_unknown_opcode_before_the_login(driver: Driver) -> None:
    one_error(ended_with(driver, frames.frame(0x42, stream=2)), says="opcode 0x42", stream=2)


def test_an_unknown_opcode_after_the_login(tenant: Tenant, driver: Driver) -> None:
    answers = ended_with(driver, frames.frame(0x42, stream=2), login=tenant.iam_role("reader"))
    one_error(answers, says="opcode 0x42", stream=2)


def test_a_statement_before_the_login(driver: Driver) -> None:
    one_error(ended_with(driver, frames.query(SELECT, stream=7)), says="STARTUP must", stream=7)


@pytest.mark.parametrize("version", [0x01, 0x02, 0x05, 0x06, 0x41, 0x42, 0x7F])
def test_another_version_of_the_protocol_is_refused_in_words_that_make_drivers_step_down(
    driver: Driver, version: int
) -> None:
    answers = ended_with(driver, frames.frame(frames.OPTIONS, version=version))
    assert [answer["code"] for answer in answers] == [frames.PROTOCOL_ERROR]
    message = answers[0]["message"]
    assert f"Invalid or unsupported protocol version ({version})" in message
    assert message.endswith("the lowest supported version is 3 and the greatest is 4")


def test_a_response_where_a_request_must_be(driver: Driver) -> None:
    answers = ended_with(driver, frames.frame(frames.READY, version=0x84))
    assert [answer["opcode"] for answer in answers] == [frames.ERROR]


def test_compression_that_was_not_offered(driver: Driver) -> None:
    answers = ended_with(driver, frames.startup(COMPRESSION="lz4"))
    one_error(answers, says="compression, which is not offered: switch it off in the driver")


def test_a_body_that_is_not_what_its_opcode_says(tenant: Tenant, driver: Driver) -> None:
    answers = ended_with(
        driver, frames.frame(frames.QUERY, b"\x7f\xff\xff\xff", stream=4), login=tenant.iam_role("reader")
    )
    assert [answer["opcode"] for answer in answers] == [frames.ERROR]
    assert answers[0]["code"] == frames.PROTOCOL_ERROR


@pytest.mark.parametrize(
    "data",
    [b"GET / HTTP/1.1\r\nHost: keyward\r\n\r\n", bytes(range(256)) * 64, b"\x00" * 4096],
    ids=["HTTP", "every byte", "zeros"],
)
def test_bytes_of_another_protocol(driver: Driver, data: bytes) -> None:
    answers = ended_with(driver, data.hex(), seconds=STEP_SECONDS + 5)
    assert all(answer["opcode"] == frames.ERROR for answer in answers)


def test_a_connection_without_tls(driver: Driver) -> None:
    answer = driver.do("plaintext", data=frames.startup(), seconds=STEP_SECONDS + 5)
    assert answer["ended"], "the agent went on with a client that does not speak TLS"
    # What may come back is a TLS alert (content type 21), never a frame of CQL.
    assert answer["received"] == "" or answer["received"].startswith("15"), answer
