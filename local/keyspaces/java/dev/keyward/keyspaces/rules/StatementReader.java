package dev.keyward.keyspaces.rules;

import dev.keyward.keyspaces.tables.SystemKeyspaces;
import org.apache.cassandra.cql3.CQLStatement;
import org.apache.cassandra.cql3.QueryProcessor;
import org.apache.cassandra.cql3.statements.BatchStatement;
import org.apache.cassandra.cql3.statements.QualifiedStatement;
import org.apache.cassandra.cql3.statements.SelectStatement;
import org.apache.cassandra.exceptions.ConfigurationException;
import org.apache.cassandra.exceptions.SyntaxException;
import org.apache.cassandra.schema.KeyspaceMetadata;
import org.apache.cassandra.schema.Schema;
import org.apache.cassandra.service.ClientState;

/**
 * Text to statement, as {@code QueryProcessor.getStatement} does it, with two changes between parsing and preparing:
 * reads of the four system keyspaces are sent to our tables of the same shape, and replication becomes ours.
 */
public final class StatementReader {
    /**
     * @param statement ready to be checked and run
     * @param qualified whether the text names the keyspace itself
     * @param keyspace that of the table; null for a batch and for what has no table
     */
    public record Reading(CQLStatement statement, boolean qualified, String keyspace) {}

    private StatementReader() {}

    /**
     * The statement that {@code text} is, in the keyspace that the client uses.
     *
     * @throws org.apache.cassandra.exceptions.RequestValidationException for what Cassandra cannot read and what
     *     Keyspaces does not have
     */
    public static Reading read(String text, ClientState client) {
        try {
            return readAsCassandra(text, client);
        } catch (SyntaxException | ConfigurationException error) {
            Extensions.check(text);
            throw error;
        }
    }

    private static Reading readAsCassandra(String text, ClientState client) {
        CQLStatement.Raw raw = QueryProcessor.parseStatement(text);
        boolean qualified = false;
        String keyspace = null;
        if (raw instanceof QualifiedStatement named) {
            qualified = named.isFullyQualified();
            named.setKeyspace(client);
            keyspace = named.keyspace();
            resolve(named);
        }
        Extensions.check(raw);
        Replication.replace(raw);
        CQLStatement statement = raw.prepare(client);
        Subset.check(statement);
        return new Reading(statement, qualified, keyspace);
    }

    private static void resolve(QualifiedStatement statement) {
        if (statement instanceof BatchStatement.Parsed)
            return; // has no table of its own; those of its children are checked when it is prepared
        String keyspace = statement.keyspace();
        if (statement instanceof SelectStatement.RawStatement && SystemKeyspaces.isVisible(keyspace))
            statement.setKeyspace(SystemKeyspaces.servedBy(keyspace));
        KeyspaceMetadata metadata = Schema.instance.getKeyspaceMetadata(statement.keyspace());
        if (metadata == null || SystemKeyspaces.isHidden(keyspace))
            throw SystemKeyspaces.unconfigured(keyspace);
        if (metadata.getTableOrViewNullable(statement.name()) == null)
            throw SystemKeyspaces.unconfigured(keyspace, statement.name());
    }
}
