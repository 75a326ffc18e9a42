"""What `helm test` runs in a pod of the operator's image: is the operator ready, does the API server list its kinds?

Arguments: the operator's /readyz, the API server, the folder of the pod's ServiceAccount. A new pod's network takes its
time, so it tries for half a minute; then it ends with 1 and says what is missing.
"""

import json
import ssl
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from keyward_api import crds, names


def fetch(url: str, *, token: str = "", authority: Path | None = None) -> dict[str, Any]:
    """The JSON that is answered; raises OSError, which holds the refusal where there is one."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})  # noqa: S310
    context = ssl.create_default_context(cafile=authority)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # CAs of older clusters lack key identifiers
    try:
        with urllib.request.urlopen(request, timeout=5, context=context) as answer:  # noqa: S310 - the chart's URLs
            return dict(json.load(answer))
    except urllib.error.HTTPError as refusal:
        raise OSError(f"{url} answers {refusal.code}: {refusal.read().decode()}") from None
    except urllib.error.URLError as error:
        raise OSError(f"{url} does not answer: {error.reason}") from None


def check(ready: str, server: str, account: Path) -> str:
    """What was found in order; raises OSError where something is not."""
    fetch(ready)
    kinds = f"{server}/apis/{names.API_VERSION}"
    answer = fetch(kinds, token=(account / "token").read_text(), authority=account / "ca.crt")
    lacking = {kind.plural for kind in crds.KINDS} - {resource["name"] for resource in answer["resources"]}
    if lacking:
        raise OSError(f"{kinds} lacks {', '.join(sorted(lacking))}")
    return f"the operator is ready, and {kinds} lists all {len(crds.KINDS)} kinds"


def main() -> int:
    """Try, and say how it ended."""
    end = time.monotonic() + 30
    while True:
        try:
            print(check(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
            return 0
        except OSError as error:
            if time.monotonic() > end:
                print(error)
                return 1
        time.sleep(1)


if __name__ == "__main__":
    sys.exit(main())
