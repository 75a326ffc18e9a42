package dev.keyward.keyspaces.tables;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import org.apache.cassandra.db.virtual.VirtualKeyspace;
import org.apache.cassandra.db.virtual.VirtualKeyspaceRegistry;
import org.apache.cassandra.db.virtual.VirtualTable;
import org.apache.cassandra.exceptions.InvalidRequestException;
import org.apache.cassandra.schema.KeyspaceMetadata;
import org.apache.cassandra.schema.Schema;
import org.apache.cassandra.schema.SchemaConstants;
import org.apache.cassandra.schema.SchemaKeyspace;

/**
 * The four system keyspaces that Keyspaces shows (developer guide, "System keyspaces in Amazon Keyspaces").
 *
 * <p>Cassandra needs its own {@code system} and {@code system_schema}, so ours are virtual keyspaces under other names,
 * whose tables call themselves {@code system.local} and so on: what a client reads, permissions and result metadata
 * included, has the real names. Every other system keyspace of Cassandra is hidden: it does not exist.
 */
public final class SystemKeyspaces {
    private static final Map<String, String> SERVED_BY = Map.of(
            "system", "keyspaces_system",
            "system_schema", "keyspaces_system_schema",
            "system_schema_mcs", "system_schema_mcs",
            "system_multiregion_info", "system_multiregion_info");

    private SystemKeyspaces() {}

    /** The virtual keyspace behind one of the four. */
    public static String servedBy(String visible) {
        return SERVED_BY.get(visible);
    }

    public static boolean isVisible(String keyspace) {
        return SERVED_BY.containsKey(keyspace);
    }

    /** Whether one of the four has a table of that name. */
    static boolean hasTable(String visible, String table) {
        return VirtualKeyspaceRegistry.instance
                .getKeyspaceMetadataNullable(servedBy(visible))
                .getTableOrViewNullable(table) != null;
    }

    /** Whether it is one that Cassandra has and Keyspaces has not. */
    public static boolean isHidden(String keyspace) {
        return isSystem(keyspace) && !isVisible(keyspace);
    }

    /** Whether it is not a keyspace of the users: Cassandra's own and ours. */
    public static boolean isSystem(String keyspace) {
        if (keyspace == null || SchemaConstants.isSystemKeyspace(keyspace) || isVisible(keyspace))
            return true;
        KeyspaceMetadata metadata = Schema.instance.getKeyspaceMetadata(keyspace);
        return metadata != null && metadata.isVirtual();
    }

    /** What Keyspaces says of a keyspace that is not there, or not there yet (0x2200). */
    public static InvalidRequestException unconfigured(String keyspace) {
        return new InvalidRequestException("unconfigured keyspace " + keyspace);
    }

    /** What Keyspaces says of a table that is not there, or not there yet (0x2200). */
    public static InvalidRequestException unconfigured(String keyspace, String table) {
        return new InvalidRequestException("unconfigured table " + keyspace + "." + table);
    }

    /** Must be called once, after Cassandra has set up its own virtual keyspaces. */
    public static void register() {
        register("system", List.of(
                new LocalTable(),
                new PeersTable(),
                new EmptyTable("system", "CREATE TABLE size_estimates (keyspace_name text, table_name text,"
                        + " range_start text, range_end text, mean_partition_size bigint, partitions_count bigint,"
                        + " PRIMARY KEY (keyspace_name, table_name, range_start, range_end))"),
                new EmptyTable("system", "CREATE TABLE prepared_statements (prepared_id blob PRIMARY KEY,"
                        + " logged_keyspace text, query_string text)")));
        register("system_schema", schemaTables("system_schema", Stream.of("keyspaces", "tables", "columns",
                "dropped_columns", "types", "indexes", "views", "triggers", "functions", "aggregates")));
        register("system_schema_mcs", schemaTables("system_schema_mcs", Stream.of("keyspaces", "tables", "columns")));
        register("system_multiregion_info", List.of(new EmptyTable("system_multiregion_info",
                "CREATE TABLE tables (keyspace_name text, table_name text, region text, status text,"
                        + " PRIMARY KEY (keyspace_name, table_name, region))")));
    }

    private static void register(String visible, List<VirtualTable> tables) {
        VirtualKeyspaceRegistry.instance.register(new VirtualKeyspace(servedBy(visible), tables));
    }

    private static List<VirtualTable> schemaTables(String keyspace, Stream<String> names) {
        return names.map(name -> SchemaKeyspace.metadata().getTableOrViewNullable(name))
                .<VirtualTable>map(original -> new SchemaTable(keyspace, original))
                .toList();
    }
}
