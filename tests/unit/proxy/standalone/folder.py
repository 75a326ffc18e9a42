"""A folder of manifests as tests write it."""

from __future__ import annotations

from pathlib import Path

ACCOUNT = "111122223333"
AGENT_ROLE = f"arn:aws:iam::{ACCOUNT}:role/keyward-agent"

DATABASE = f"""\
apiVersion: keyward.dev/v1alpha1
kind: KeyspacesDatabase
metadata:
  name: orders
  namespace: payments
spec:
  aws:
    accountID: "{ACCOUNT}"
    region: eu-central-1
  agent:
    identity:
      roleARN: {AGENT_ROLE}
"""

ROLE = """\
apiVersion: keyward.dev/v1alpha1
kind: KeyspacesRole
metadata:
  name: reader
  namespace: payments
spec:
  allow:
    - databases:
        names: [orders]
      dbUsers: [KeyspacesReader]
      keyspaces: [shop]
      tables: ["*"]
      permissions: [Select]
"""

USER = """\
apiVersion: keyward.dev/v1alpha1
kind: KeyspacesUser
metadata:
  name: people
  namespace: payments
spec:
  subjects:
    - kind: User
      name: alice
    - kind: Group
      name: dba
  roles: [reader]
"""


LOCK = """\
apiVersion: keyward.dev/v1alpha1
kind: KeyspacesLock
metadata:
  name: incident
  namespace: payments
spec:
  target:
    subject:
      kind: Group
      name: system:authenticated
  message: call 112
"""

IAM_ROLE = f"""\
apiVersion: keyward.dev/v1alpha1
kind: KeyspacesIAMRole
metadata:
  name: reader
  namespace: payments
spec:
  roleName: KeyspacesReader
  accountID: "{ACCOUNT}"
"""


def write(directory: Path, **files: str) -> Path:
    """Files by name without suffix; without any, a database, a role and a user."""
    directory.mkdir(exist_ok=True)
    for name, text in (files or {"database": DATABASE, "role": ROLE, "user": USER}).items():
        (directory / f"{name}.yaml").write_text(text)
    return directory
