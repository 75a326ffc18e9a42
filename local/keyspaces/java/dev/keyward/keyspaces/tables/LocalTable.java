package dev.keyward.keyspaces.tables;

import dev.keyward.keyspaces.Settings;
import org.apache.cassandra.db.virtual.AbstractVirtualTable;
import org.apache.cassandra.db.virtual.SimpleDataSet;
import org.apache.cassandra.schema.Schema;

/**
 * system.local as Keyspaces shows it: columns and versions of Cassandra 3.11, every address 127.0.0.1, no tokens. The
 * host id is that of the peer which the client is connected to.
 */
final class LocalTable extends AbstractVirtualTable {
    LocalTable() {
        super(VirtualTables.define("system", """
                CREATE TABLE local (
                    key text PRIMARY KEY,
                    bootstrapped text,
                    broadcast_address inet,
                    cluster_name text,
                    cql_version text,
                    data_center text,
                    gossip_generation int,
                    host_id uuid,
                    listen_address inet,
                    native_protocol_version text,
                    partitioner text,
                    rack text,
                    release_version text,
                    rpc_address inet,
                    schema_version uuid,
                    thrift_version text,
                    tokens frozen<set<text>>,
                    truncated_at frozen<map<uuid, blob>>)"""));
    }

    @Override
    public DataSet data() {
        Settings settings = Settings.get();
        return new SimpleDataSet(metadata())
                .row("local")
                .column("bootstrapped", "COMPLETED")
                .column("broadcast_address", Facade.LOOPBACK)
                .column("cluster_name", Facade.CLUSTER_NAME)
                .column("cql_version", Facade.CQL_VERSION)
                .column("data_center", settings.region())
                .column("gossip_generation", 0)
                .column("host_id", Facade.hostId(Facade.address(settings.address())))
                .column("listen_address", Facade.LOOPBACK)
                .column("native_protocol_version", Facade.NATIVE_PROTOCOL_VERSION)
                .column("partitioner", Facade.PARTITIONER)
                .column("rack", settings.region())
                .column("release_version", Facade.RELEASE_VERSION)
                .column("rpc_address", Facade.LOOPBACK)
                .column("schema_version", Schema.instance.getVersion())
                .column("thrift_version", Facade.THRIFT_VERSION);
    }
}
