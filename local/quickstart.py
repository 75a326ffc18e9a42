"""The one file of examples/quickstart that differs between machines: the database, with the local authority's PEM.

`kubectl apply -f examples/quickstart/` takes what ends in .yaml, so the template beside it is left alone.
"""

import textwrap
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "examples/quickstart"
TEMPLATE = FOLDER / "2-database.yaml.template"
PLACEHOLDER = "      @CA_BUNDLE@\n"


def render(certificate: str) -> str:
    """The database's manifest with the PEM `certificate` of local Keyspaces' authority."""
    return TEMPLATE.read_text().replace(PLACEHOLDER, textwrap.indent(certificate.strip(), " " * 6) + "\n")


def write(authority: Path) -> Path:
    """Write the manifest with the certificate in the file `authority`; returns where."""
    manifest = FOLDER / TEMPLATE.stem
    manifest.write_text(render(authority.read_text()))
    return manifest
