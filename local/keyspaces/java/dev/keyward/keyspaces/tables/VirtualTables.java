package dev.keyward.keyspaces.tables;

import org.apache.cassandra.cql3.statements.schema.CreateTableStatement;
import org.apache.cassandra.dht.LocalPartitioner;
import org.apache.cassandra.schema.TableId;
import org.apache.cassandra.schema.TableMetadata;

/** Definitions of virtual tables, from the CQL that would create them. */
final class VirtualTables {
    private VirtualTables() {}

    /** @param keyspace the name that clients read, not that of the virtual keyspace that holds the table */
    static TableMetadata define(String keyspace, String cql) {
        TableMetadata.Builder table = CreateTableStatement.parse(cql, keyspace);
        TableMetadata parsed = table.build();
        return table.kind(TableMetadata.Kind.VIRTUAL)
                .id(TableId.generate())
                .partitioner(new LocalPartitioner(parsed.partitionKeyType))
                .build();
    }
}
