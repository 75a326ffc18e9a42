"""Log in to a Keyward agent with a token that Kubernetes rotates.

An auth provider for the DataStax Python driver, and through it for cqlsh. It imports nothing but the driver,
so `provider.py` can be copied into an application.
"""

from keyward_cqlsh.provider import TokenFileAuthenticator, TokenFileAuthProvider, TokenFileError

__all__ = ["TokenFileAuthProvider", "TokenFileAuthenticator", "TokenFileError"]
