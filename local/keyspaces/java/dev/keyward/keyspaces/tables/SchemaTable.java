package dev.keyward.keyspaces.tables;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.StreamSupport;

import org.apache.cassandra.cql3.QueryProcessor;
import org.apache.cassandra.cql3.UntypedResultSet;
import org.apache.cassandra.db.marshal.MapType;
import org.apache.cassandra.db.marshal.UTF8Type;
import org.apache.cassandra.db.virtual.AbstractVirtualTable;
import org.apache.cassandra.db.virtual.SimpleDataSet;
import org.apache.cassandra.dht.LocalPartitioner;
import org.apache.cassandra.schema.ColumnMetadata;
import org.apache.cassandra.schema.TableId;
import org.apache.cassandra.schema.TableMetadata;

/**
 * A table of Cassandra's real system_schema, read through: without the columns that came after 3.11, without hidden
 * keyspaces and tables, with the replication that Keyspaces shows.
 *
 * <p>In system_schema_mcs the tables also have a status and custom properties. DDL is done when it is answered here,
 * so the status is always ACTIVE.
 */
final class SchemaTable extends AbstractVirtualTable {
    private static final Set<String> NEWER_THAN_3_11 = Set.of("additional_write_policy", "allow_auto_snapshot",
            "auto_repair", "cdc", "incremental_backups", "memtable", "read_repair");

    /** As Keyspaces shows every keyspace of a single region. */
    private static final Map<String, String> REPLICATION =
            Map.of("class", "org.apache.cassandra.locator.SimpleStrategy", "replication_factor", "3");

    private static final MapType<String, Map<String, String>> PROPERTIES_TYPE = MapType.getInstance(
            UTF8Type.instance, MapType.getInstance(UTF8Type.instance, UTF8Type.instance, false), false);

    private static final Map<String, Map<String, String>> PROPERTIES =
            Map.of("capacity_mode", Map.of("throughput_mode", "PAY_PER_REQUEST"));

    private final TableMetadata original;
    private final boolean withStatus;

    SchemaTable(String keyspace, TableMetadata original) {
        super(define(keyspace, original));
        this.original = original;
        this.withStatus = hasStatus(keyspace, original);
    }

    @Override
    public DataSet data() {
        SimpleDataSet rows = new SimpleDataSet(metadata());
        for (UntypedResultSet.Row row : QueryProcessor.executeInternal("SELECT * FROM " + original))
            if (isShown(row))
                copy(row, rows);
        return rows;
    }

    private void copy(UntypedResultSet.Row from, SimpleDataSet to) {
        to.row(StreamSupport.stream(original.primaryKeyColumns().spliterator(), false)
                .map(column -> value(from, column))
                .toArray());
        for (ColumnMetadata column : original.regularColumns())
            if (isOfThatTime(column) && from.has(column.name.toString()))
                to.column(column.name.toString(), value(from, column));
        if (withStatus)
            to.column("status", "ACTIVE").column("custom_properties", PROPERTIES);
    }

    private static Object value(UntypedResultSet.Row row, ColumnMetadata column) {
        String name = column.name.toString();
        return name.equals("replication") ? REPLICATION : column.type.compose(row.getBytes(name));
    }

    /** Of the two mirrored system keyspaces only the tables that are really shown. */
    private static boolean isShown(UntypedResultSet.Row row) {
        String keyspace = row.getString("keyspace_name");
        if (SystemKeyspaces.isHidden(keyspace))
            return false;
        return !SystemKeyspaces.isVisible(keyspace) || !row.has("table_name")
                || SystemKeyspaces.hasTable(keyspace, row.getString("table_name"));
    }

    private static boolean isOfThatTime(ColumnMetadata column) {
        return !NEWER_THAN_3_11.contains(column.name.toString());
    }

    private static boolean hasStatus(String keyspace, TableMetadata original) {
        return keyspace.equals("system_schema_mcs") && List.of("keyspaces", "tables").contains(original.name);
    }

    private static TableMetadata define(String keyspace, TableMetadata original) {
        TableMetadata.Builder table = TableMetadata.builder(keyspace, original.name, TableId.generate())
                .kind(TableMetadata.Kind.VIRTUAL)
                .partitioner(new LocalPartitioner(original.partitionKeyType));
        original.partitionKeyColumns().forEach(column -> table.addPartitionKeyColumn(column.name, column.type));
        original.clusteringColumns().forEach(column -> table.addClusteringColumn(column.name, column.type));
        for (ColumnMetadata column : original.regularColumns())
            if (isOfThatTime(column))
                table.addRegularColumn(column.name, column.type);
        if (hasStatus(keyspace, original))
            table.addRegularColumn("status", UTF8Type.instance).addRegularColumn("custom_properties", PROPERTIES_TYPE);
        return table.build();
    }
}
