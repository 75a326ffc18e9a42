"""Every format of `keyward version` says the same."""

import json

import yaml

from keyward_cli.versions import OutputFormat, Version, installed_version, render

VERSION = Version(version="1.2.3", python="3.13.5")


def test_text_is_one_line_for_people() -> None:
    assert render(VERSION, OutputFormat.TEXT) == "keyward 1.2.3 (Python 3.13.5)"


def test_json_and_yaml_hold_the_same_fields() -> None:
    fields = {"version": "1.2.3", "python": "3.13.5"}
    assert json.loads(render(VERSION, OutputFormat.JSON)) == fields
    assert yaml.safe_load(render(VERSION, OutputFormat.YAML)) == fields


def test_yaml_is_not_json() -> None:
    assert render(VERSION, OutputFormat.YAML).splitlines()[0] == "version: 1.2.3"


def test_the_installed_version_is_the_distributions() -> None:
    import importlib.metadata

    assert installed_version().version == importlib.metadata.version("keyward")
