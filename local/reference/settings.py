"""The page of the platform's settings."""

from pathlib import Path

import yaml

from keyward_api.crds import structural
from keyward_api.tenants import PlatformSettings
from local.reference.fields import field_table

_VALUES = "examples/eks-values.yaml"
_POD = "examples/eks/5-cqlsh.yaml"
_FIELDS = [f"`{field.alias}`" for field in PlatformSettings.model_fields.values()]
_CHART_VALUES = f"{', '.join(_FIELDS[:-1])} and {_FIELDS[-1]}"
_INTRODUCTION = f"""\
# The platform's settings
What tenants may ask for, and how agents are made. The operator reads them from the file that `--settings-file` names
(`/etc/keyward/settings.yaml`), looks every few seconds whether it changed, and judges every database anew then. A
file that cannot be read, or has a key that is not in this table, changes nothing: the last valid settings stay in
force, the log says what is wrong, and `keyward_operator_settings_valid` is 0. Without any valid file the operator
does not start.

The chart writes the file into the ConfigMap `keyward-operator` of its namespace, from its values
{_CHART_VALUES}. There the image is `agents.image.repository` with `.tag` or `.digest`,
and `.pullPolicy` stands beside them. The chart refuses what the operator would not start with.

A database is permitted where one entry of `tenants` that selects its namespace admits all that it asks for; where
none does, its condition `Permitted` names the setting of the entry that it comes closest to. No entry, nothing
permitted. In lists of patterns `*` is any run of characters, and nothing else is special.

## Example
The tenants of [{_VALUES}](../../{_VALUES}):
"""


def page(project: Path) -> str:
    """The page."""
    schema = PlatformSettings.model_json_schema(by_alias=True, mode="validation")
    fields = structural(schema, schema["$defs"])
    return f"{_INTRODUCTION}```yaml\n{_example(project)}```\n\n## Settings\n{field_table(fields, '')}"


def _example(project: Path) -> str:
    values = yaml.safe_load((project / _VALUES).read_text())
    pod = next(each for each in yaml.safe_load_all((project / _POD).read_text()) if each["kind"] == "Pod")
    tag = pod["spec"]["containers"][0]["image"].rpartition(":")[2]
    settings = {
        "tenants": values["tenants"],
        "agents": {"image": f"{values['agents']['image']['repository']}:{tag}"},
        "clusterDomain": PlatformSettings.model_fields["cluster_domain"].default,
    }
    PlatformSettings.model_validate(settings)
    return yaml.safe_dump(settings, sort_keys=False, width=120)
