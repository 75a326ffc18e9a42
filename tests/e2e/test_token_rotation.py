"""Tokens end and are renewed; a client that reads the file again does not notice, one that does not is told why."""

import pytest

from tests.e2e.rotation import RotatingClient
from tests.e2e.waiting import NotYet, wait_for

SELECT = "SELECT name FROM e2e_shop.items WHERE id = 1"


@pytest.mark.timeout(900)
def test_after_the_first_tokens_end_only_who_reads_the_file_again_gets_in(rotating_client: RotatingClient) -> None:
    client = rotating_client

    def first_token_has_ended() -> bool:
        if client.remaining() > -1:
            raise NotYet(f"it has {client.remaining():.0f} s to live")
        return True

    wait_for("the end of the first token's life", first_token_has_ended, seconds=max(client.remaining(), 0) + 10)
    assert client.driver.do("token")["token"] != client.first_token

    refusal = client.driver.refusal("connect", name="again", user=client.role, password=client.first_token)
    assert refusal["type"] == "AuthenticationFailed"
    assert "the token expired at" in refusal["message"]
    assert "read it again for each new connection" in refusal["message"]

    client.driver.do("connect", name="fresh", user=client.role)
    assert client.driver.do("execute", name="fresh", cql=SELECT)["rows"] == [["anvil"]]

    # The sessions of the first minute: one goes on under the new token, the other could not come back.
    reading = client.driver.do("until", name="reading", cql=SELECT, succeeds=True, seconds=20)
    assert reading["reached"], reading
    static = client.driver.attempt("execute", name="static", cql=SELECT)
    assert "failure" in static, "a session outlived the token that opened it"
