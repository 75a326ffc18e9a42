package dev.keyward.keyspaces.rules;

import java.util.EnumSet;
import java.util.Set;

import com.google.common.collect.Iterables;
import dev.keyward.keyspaces.tables.SystemKeyspaces;
import org.apache.cassandra.audit.AuditLogContext;
import org.apache.cassandra.audit.AuditLogEntryType;
import org.apache.cassandra.cql3.CQLStatement;
import org.apache.cassandra.cql3.restrictions.StatementRestrictions;
import org.apache.cassandra.cql3.statements.BatchStatement;
import org.apache.cassandra.cql3.statements.ModificationStatement;
import org.apache.cassandra.cql3.statements.SelectStatement;
import org.apache.cassandra.cql3.statements.UseStatement;
import org.apache.cassandra.exceptions.InvalidRequestException;
import org.apache.cassandra.exceptions.UnauthorizedException;

/**
 * What of CQL Keyspaces speaks (developer guide, "Supported Cassandra APIs, operations, functions, and data types").
 *
 * <p>A list of what is allowed, so that a statement of a later Cassandra is refused until somebody has read about it.
 */
final class Subset {
    private static final Set<AuditLogEntryType> DATA = EnumSet.of(
            AuditLogEntryType.SELECT, AuditLogEntryType.UPDATE, AuditLogEntryType.DELETE, AuditLogEntryType.BATCH);

    private static final Set<AuditLogEntryType> DEFINITIONS = EnumSet.of(
            AuditLogEntryType.CREATE_KEYSPACE, AuditLogEntryType.ALTER_KEYSPACE, AuditLogEntryType.DROP_KEYSPACE,
            AuditLogEntryType.CREATE_TABLE, AuditLogEntryType.ALTER_TABLE, AuditLogEntryType.DROP_TABLE,
            AuditLogEntryType.CREATE_TYPE, AuditLogEntryType.DROP_TYPE);

    private static final int LARGEST_BATCH = 30;

    private Subset() {}

    /** @throws InvalidRequestException if Keyspaces does not know this kind of statement (0x2200) */
    static void check(CQLStatement statement) {
        AuditLogContext what = statement.getAuditLogContext();
        AuditLogEntryType type = what.auditLogEntryType;
        if (type != AuditLogEntryType.USE_KEYSPACE && !DATA.contains(type) && !DEFINITIONS.contains(type))
            throw new InvalidRequestException(type.name().replace('_', ' ') + " is not supported");
        if (statement instanceof BatchStatement batch)
            checkBatch(batch);
        else
            checkKeyspace(statement);
        if (statement instanceof ModificationStatement modification)
            checkIn(modification);
        if (statement instanceof SelectStatement select && select.getSelection().isAggregate())
            throw new InvalidRequestException("Aggregate functions are not supported");
    }

    /** @throws InvalidRequestException if the statement may not be prepared: only data statements may */
    static void checkPreparable(CQLStatement statement) {
        AuditLogEntryType type = statement.getAuditLogContext().auditLogEntryType;
        if (!DATA.contains(type))
            throw new InvalidRequestException("Preparing " + type.name().replace('_', ' ') + " is not supported");
    }

    /** Whether this is the one write to a system table that Keyspaces has. */
    static boolean setsPartitioner(ModificationStatement statement) {
        return statement.keyspace().equals("system") && statement.table().equals("local")
                && Iterables.all(statement.updatedColumns(), column -> column.name.toString().equals("partitioner"))
                && !statement.updatedColumns().isEmpty();
    }

    /**
     * To be asked after the permissions, since IAM has an action for it.
     *
     * @throws InvalidRequestException if the statement is a write to a system table
     */
    static void checkNotPartitioner(CQLStatement statement) {
        if (statement instanceof ModificationStatement modification && setsPartitioner(modification))
            throw new InvalidRequestException("The partitioner of local Keyspaces cannot be changed");
    }

    private static void checkBatch(BatchStatement batch) {
        if (batch.getStatements().size() > LARGEST_BATCH)
            throw new InvalidRequestException("A batch has at most " + LARGEST_BATCH + " statements");
        for (ModificationStatement statement : batch.getStatements()) {
            if (statement.hasConditions())
                throw new InvalidRequestException("Conditional statements are not supported in a batch");
            if (setsPartitioner(statement))
                throw new InvalidRequestException("The partitioner is not changed in a batch");
            checkKeyspace(statement);
            checkIn(statement);
        }
    }

    private static void checkIn(ModificationStatement statement) {
        StatementRestrictions where = statement.getRestrictions();
        if (where.keyIsInRelation() || where.clusteringKeyRestrictionsHasIN())
            throw new InvalidRequestException("IN is supported in SELECT only");
    }

    private static void checkKeyspace(CQLStatement statement) {
        AuditLogContext what = statement.getAuditLogContext();
        if (!SystemKeyspaces.isSystem(what.keyspace))
            return;
        if (!SystemKeyspaces.isVisible(what.keyspace))
            throw SystemKeyspaces.unconfigured(what.keyspace);
        boolean reads = statement instanceof SelectStatement || statement instanceof UseStatement;
        boolean partitioner = statement instanceof ModificationStatement modification && setsPartitioner(modification);
        if (!reads && !partitioner)
            throw new UnauthorizedException(what.keyspace + " keyspace is not user-modifiable.");
    }
}
