package dev.keyward.keyspaces.tables;

import java.net.InetAddress;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import dev.keyward.keyspaces.Settings;
import org.apache.cassandra.db.virtual.AbstractVirtualTable;
import org.apache.cassandra.db.virtual.SimpleDataSet;
import org.apache.cassandra.schema.Schema;

/**
 * system.peers as the public endpoint shows it: nine rows, the node that answers among them, one token each.
 *
 * <p>Only the first can be connected to. The others are in TEST-NET-3 (RFC 5737), so a client that leaves the address
 * it was given, which no agent may do, does not come back here by luck.
 */
final class PeersTable extends AbstractVirtualTable {
    private static final int COUNT = 9;

    PeersTable() {
        super(VirtualTables.define("system", """
                CREATE TABLE peers (
                    peer inet PRIMARY KEY,
                    data_center text,
                    host_id uuid,
                    preferred_ip inet,
                    rack text,
                    release_version text,
                    rpc_address inet,
                    schema_version uuid,
                    tokens frozen<set<text>>)"""));
    }

    @Override
    public DataSet data() {
        SimpleDataSet rows = new SimpleDataSet(metadata());
        String region = Settings.get().region();
        UUID schema = Schema.instance.getVersion();
        List<InetAddress> addresses = addresses();
        for (int index = 0; index < addresses.size(); index++) {
            InetAddress address = addresses.get(index);
            rows.row(address)
                    .column("data_center", region)
                    .column("host_id", Facade.hostId(address))
                    .column("preferred_ip", address)
                    .column("rack", region)
                    .column("release_version", Facade.RELEASE_VERSION)
                    .column("rpc_address", address)
                    .column("schema_version", schema)
                    .column("tokens", Set.of(Long.toString(token(index))));
        }
        return rows;
    }

    private static List<InetAddress> addresses() {
        Stream<String> elsewhere = IntStream.range(1, COUNT).mapToObj(last -> "203.0.113." + last);
        return Stream.concat(Stream.of(Settings.get().address()), elsewhere).map(Facade::address).toList();
    }

    /** Murmur3 tokens are all the longs; the nodes share them evenly. */
    private static long token(int index) {
        return Long.MIN_VALUE + 1 + index * (Long.MAX_VALUE / COUNT * 2);
    }
}
