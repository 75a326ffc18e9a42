package dev.keyward.keyspaces;

import dev.keyward.keyspaces.tables.SystemKeyspaces;
import org.apache.cassandra.cql3.QueryProcessor;
import org.apache.cassandra.service.CassandraDaemon;

/**
 * Cassandra's own daemon, with our work between its set-up and the opening of its port.
 *
 * <p>The plug-ins proper are named in cassandra.yaml and by {@code -Dcassandra.custom_query_handler_class}.
 */
public final class LocalKeyspaces extends CassandraDaemon {
    /** The launcher's users wait for this line. */
    private static final String READY = "local keyspaces is ready";

    public static void main(String[] arguments) {
        new LocalKeyspaces().activate();
    }

    @Override
    public void start() {
        ProtocolVersions.limit();
        SystemKeyspaces.register();
        // Cassandra has prepared again what was prepared before the restart, but not as our query handler would have.
        QueryProcessor.clearPreparedStatements(false);
        InitialCql.run(Settings.get().initialCql());
        super.start();
        if (!isNativeTransportRunning())
            throw new IllegalStateException("Cassandra did not open its port; see the log");
        System.out.println(READY);
    }
}
