import json
import re
from dataclasses import replace

import yaml

from local.keyspaces import configuration, java
from local.keyspaces.options import Options


def test_cassandra_reads_the_configuration_as_yaml(options: Options) -> None:
    files = configuration.files(options, storage_port=17000)
    server = yaml.safe_load(files["cassandra.yaml"])
    assert server == configuration.cassandra_yaml(options, 17000)
    assert (server["rpc_address"], server["native_transport_port"]) == ("172.18.0.1", 9142)
    assert server["client_encryption_options"]["enabled"] is True
    assert server["client_encryption_options"]["optional"] is False


def test_everything_that_cassandra_writes_is_in_the_state_folder(options: Options) -> None:
    server = configuration.cassandra_yaml(options, 17000)
    folders = [*server["data_file_directories"], *(v for k, v in server.items() if k.endswith("_directory"))]
    assert len(folders) == 5
    assert all(folder.startswith(f"{options.state}/data/") for folder in folders)
    assert f"{options.state}/cassandra.log" in configuration.files(options, storage_port=1)["logback.xml"]


def test_data_centre_and_rack_are_the_region(options: Options) -> None:
    files = configuration.files(options, storage_port=17000)
    assert files["cassandra-rackdc.properties"] == "dc=eu-west-1\nrack=eu-west-1\n"


def test_the_plug_ins_read_exactly_these_settings(options: Options) -> None:
    source = (java.SOURCES / "dev/keyward/keyspaces/Settings.java").read_text()
    header = source[source.index("public record Settings(") : source.index(") {")]
    fields = re.findall(r"(\w+)[,)]?$", header, flags=re.MULTILINE)
    settings = json.loads(configuration.files(options, storage_port=1)[configuration.SETTINGS])
    assert list(settings) == [field for field in fields if field != "Settings"]


def test_levels_are_listed_as_keyspaces_lists_them(options: Options) -> None:
    settings = configuration.plugin_settings(options)
    assert settings["readLevels"] == ["ONE", "LOCAL_QUORUM", "LOCAL_ONE"]
    assert settings["writeLevels"] == ["LOCAL_QUORUM"]
    assert settings["serialLevels"] == ["SERIAL", "LOCAL_SERIAL"]


def test_a_server_on_all_addresses_tells_clients_of_this_machine_the_loopback(options: Options) -> None:
    any_address = "0.0.0.0"  # noqa: S104 - nothing is bound here
    everywhere = replace(options, listen=any_address)
    server = configuration.cassandra_yaml(everywhere, 17000)
    assert (server["rpc_address"], server["broadcast_rpc_address"]) == (any_address, "127.0.0.1")
    assert configuration.plugin_settings(everywhere)["address"] == "127.0.0.1"
