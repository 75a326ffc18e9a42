from pathlib import Path

from cassandra.auth import Authenticator, AuthProvider


class TokenFile(AuthProvider, Authenticator):
    def __init__(self, role: str, path: str) -> None:
        self.role, self.path = role, Path(path)

    def new_authenticator(self, host: str) -> "TokenFile":
        return self

    def initial_response(self) -> bytes:
        return f"\0{self.role}\0{self.path.read_text().strip()}".encode()
