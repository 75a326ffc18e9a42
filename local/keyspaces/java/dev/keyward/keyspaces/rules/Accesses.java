package dev.keyward.keyspaces.rules;

import java.util.List;
import java.util.stream.Stream;

import dev.keyward.keyspaces.aws.Access;
import dev.keyward.keyspaces.aws.Action;
import org.apache.cassandra.audit.AuditLogContext;
import org.apache.cassandra.cql3.CQLStatement;
import org.apache.cassandra.cql3.statements.BatchStatement;
import org.apache.cassandra.cql3.statements.ModificationStatement;

/**
 * Which IAM permissions a statement needs, on which resources.
 *
 * <p>Kind and names are taken from what each statement tells Cassandra's audit log: the one thing that all of them
 * say in the same way.
 */
final class Accesses {
    private Accesses() {}

    /** The statement must be one that {@link Subset} lets pass. */
    static List<Access> of(CQLStatement statement) {
        if (statement instanceof BatchStatement batch)
            return batch.getStatements().stream().flatMap(Accesses::ofModification).distinct().toList();
        if (statement instanceof ModificationStatement modification)
            return ofModification(modification).toList();
        return ofOther(statement.getAuditLogContext());
    }

    private static Stream<Access> ofModification(ModificationStatement statement) {
        if (Subset.setsPartitioner(statement))
            return Stream.of(Access.toTable(Action.UPDATE_PARTITIONER, statement.keyspace(), statement.table()));
        Access modify = Access.toTable(Action.MODIFY, statement.keyspace(), statement.table());
        // A conditional write answers with the values that stood in its way: it reads.
        return statement.hasConditions()
                ? Stream.of(modify, Access.toTable(Action.SELECT, statement.keyspace(), statement.table()))
                : Stream.of(modify);
    }

    private static List<Access> ofOther(AuditLogContext what) {
        return switch (what.auditLogEntryType) {
            case USE_KEYSPACE -> List.of();
            case SELECT -> List.of(Access.toTable(Action.SELECT, what.keyspace, what.scope));
            case CREATE_TABLE -> List.of(Access.toTable(Action.CREATE, what.keyspace, what.scope));
            case ALTER_TABLE -> List.of(Access.toTable(Action.ALTER, what.keyspace, what.scope));
            case DROP_TABLE -> List.of(Access.toTable(Action.DROP, what.keyspace, what.scope));
            case CREATE_KEYSPACE, CREATE_TYPE -> List.of(Access.toKeyspace(Action.CREATE, what.keyspace));
            case ALTER_KEYSPACE -> List.of(Access.toKeyspace(Action.ALTER, what.keyspace));
            case DROP_KEYSPACE, DROP_TYPE -> List.of(Access.toKeyspace(Action.DROP, what.keyspace));
            default -> throw new IllegalStateException(what.auditLogEntryType + " should have been refused");
        };
    }
}
