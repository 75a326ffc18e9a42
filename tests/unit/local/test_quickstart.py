"""The quickstart's database trusts the authority of the machine that it is rendered on."""

import yaml

from local import quickstart

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\nAAAA\n-----END CERTIFICATE-----\n"


def test_the_certificate_is_in_the_manifest_as_it_was() -> None:
    database = yaml.safe_load(quickstart.render(CERTIFICATE))
    assert database["spec"]["endpoint"]["caBundle"] == CERTIFICATE


def test_nothing_of_the_template_is_left() -> None:
    assert "@" not in quickstart.render(CERTIFICATE)


def test_git_does_not_see_the_manifest() -> None:
    ignored = (quickstart.FOLDER.parents[1] / ".gitignore").read_text().splitlines()
    assert "/examples/quickstart/2-database.yaml" in ignored
