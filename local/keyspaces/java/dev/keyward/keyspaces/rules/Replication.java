package dev.keyward.keyspaces.rules;

import java.util.Map;

import dev.keyward.keyspaces.Settings;
import org.apache.cassandra.cql3.CQLStatement;
import org.apache.cassandra.cql3.statements.schema.AlterKeyspaceStatement;
import org.apache.cassandra.cql3.statements.schema.CreateKeyspaceStatement;
import org.apache.cassandra.cql3.statements.schema.KeyspaceAttributes;
import org.apache.cassandra.exceptions.InvalidRequestException;

/**
 * Keyspaces decides how data is replicated: three copies in three zones, whatever the statement says. This node is
 * alone, so whatever the statement says becomes one copy; {@code SingleRegionStrategy}, which Cassandra does not know,
 * becomes {@code SimpleStrategy}.
 */
final class Replication {
    private static final Map<String, String> ONE_COPY = Map.of("class", "SimpleStrategy", "replication_factor", "1");

    private Replication() {}

    /** Changes CREATE KEYSPACE and ALTER KEYSPACE, before Cassandra reads their options. */
    static void replace(CQLStatement.Raw statement) {
        if (!(statement instanceof CreateKeyspaceStatement.Raw) && !(statement instanceof AlterKeyspaceStatement.Raw))
            return;
        KeyspaceAttributes attributes = (KeyspaceAttributes) Attributes.of(statement).orElseThrow();
        String strategy = attributes.getReplicationStrategyClass();
        if (strategy == null)
            return;
        String name = strategy.substring(strategy.lastIndexOf('.') + 1);
        if (!name.equals("SingleRegionStrategy") && !name.equals("SimpleStrategy"))
            throw new InvalidRequestException("Replication by " + name + " is not supported by local Keyspaces,"
                    + " which has the region " + Settings.get().region() + " only: use SingleRegionStrategy");
        attributes.removeProperty("replication");
        attributes.addProperty("replication", ONE_COPY);
    }
}
