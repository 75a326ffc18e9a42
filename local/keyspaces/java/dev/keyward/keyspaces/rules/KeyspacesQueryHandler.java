package dev.keyward.keyspaces.rules;

import java.nio.ByteBuffer;
import java.util.Map;

import com.google.common.primitives.Ints;
import dev.keyward.keyspaces.aws.Caller;
import dev.keyward.keyspaces.aws.Iam;
import org.apache.cassandra.cql3.BatchQueryOptions;
import org.apache.cassandra.cql3.CQLStatement;
import org.apache.cassandra.cql3.QueryHandler;
import org.apache.cassandra.cql3.QueryOptions;
import org.apache.cassandra.cql3.QueryProcessor;
import org.apache.cassandra.cql3.statements.BatchStatement;
import org.apache.cassandra.exceptions.InvalidRequestException;
import org.apache.cassandra.exceptions.UnauthorizedException;
import org.apache.cassandra.service.ClientState;
import org.apache.cassandra.service.QueryState;
import org.apache.cassandra.transport.Dispatcher;
import org.apache.cassandra.transport.messages.ResultMessage;
import org.apache.cassandra.utils.MD5Digest;
import org.apache.cassandra.utils.ObjectSizes;

/**
 * Every statement of every client passes here: it is read, held against Keyspaces' rules and the caller's IAM
 * permissions, and only then run by Cassandra.
 *
 * <p>An IAuthorizer would not do: CREATE TABLE asks it about the keyspace, not the table, and reads of system_schema
 * never reach it. Cassandra's own work does not come here.
 */
public final class KeyspacesQueryHandler implements QueryHandler {
    private final QueryProcessor cassandra = QueryProcessor.instance;

    @Override
    public CQLStatement parse(String text, QueryState state, QueryOptions options) {
        Restore.in(text, state.getClientState()).ifPresent(restore -> {
            Iam.INSTANCE.require(caller(state.getClientState()), restore.accesses());
            throw new InvalidRequestException("RESTORE TABLE is not supported by local Keyspaces, which has no backups");
        });
        return StatementReader.read(text, state.getClientState()).statement();
    }

    @Override
    public ResultMessage process(CQLStatement statement, QueryState state, QueryOptions options,
            Map<String, ByteBuffer> payload, Dispatcher.RequestTime time) {
        check(statement, state, options);
        return cassandra.process(statement, state, options, payload, time);
    }

    @Override
    public ResultMessage processPrepared(CQLStatement statement, QueryState state, QueryOptions options,
            Map<String, ByteBuffer> payload, Dispatcher.RequestTime time) {
        check(statement, state, options);
        return cassandra.processPrepared(statement, state, options, payload, time);
    }

    @Override
    public ResultMessage processBatch(BatchStatement statement, QueryState state, BatchQueryOptions options,
            Map<String, ByteBuffer> payload, Dispatcher.RequestTime time) {
        Subset.check(statement);
        Consistency.check(statement, options.getConsistency());
        authorize(statement, state.getClientState());
        return cassandra.processBatch(statement, state, options, payload, time);
    }

    @Override
    public Prepared getPrepared(MD5Digest id) {
        return cassandra.getPrepared(id);
    }

    /**
     * Needs the same permissions as running the statement: the answer tells the table's columns and types. Qualified
     * statements have one id whatever keyspace is in use, as since Cassandra 4.0.2.
     */
    @Override
    public ResultMessage.Prepared prepare(String text, ClientState client, Map<String, ByteBuffer> payload) {
        StatementReader.Reading reading = StatementReader.read(text, client);
        Subset.checkPreparable(reading.statement());
        authorize(reading.statement(), client);
        reading.statement().validate(client);
        Prepared prepared = new Prepared(reading.statement(), text, reading.qualified(), reading.keyspace());
        prepared.pstmntSize = Ints.checkedCast(ObjectSizes.measureDeep(prepared));
        String keyspace = reading.qualified() ? null : client.getRawKeyspace();
        return QueryProcessor.storePreparedStatement(text, keyspace, prepared);
    }

    private static void check(CQLStatement statement, QueryState state, QueryOptions options) {
        Consistency.check(statement, options.getConsistency());
        authorize(statement, state.getClientState());
    }

    private static void authorize(CQLStatement statement, ClientState client) {
        Iam.INSTANCE.require(caller(client), Accesses.of(statement));
        Subset.checkNotPartitioner(statement);
    }

    private static Caller caller(ClientState client) {
        if (client.getUser() instanceof Caller caller)
            return caller;
        throw new UnauthorizedException("You have not logged in");
    }
}
