package dev.keyward.keyspaces.tables;

import org.apache.cassandra.db.virtual.AbstractVirtualTable;
import org.apache.cassandra.db.virtual.SimpleDataSet;

/** A table that Keyspaces has, for which there is nothing to tell here. */
final class EmptyTable extends AbstractVirtualTable {
    EmptyTable(String keyspace, String cql) {
        super(VirtualTables.define(keyspace, cql));
    }

    @Override
    public DataSet data() {
        return new SimpleDataSet(metadata());
    }
}
