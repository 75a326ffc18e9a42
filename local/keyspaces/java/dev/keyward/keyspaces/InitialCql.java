package dev.keyward.keyspaces;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import dev.keyward.keyspaces.rules.StatementReader;
import org.antlr.runtime.ANTLRStringStream;
import org.antlr.runtime.CommonToken;
import org.antlr.runtime.Token;
import org.apache.cassandra.cql3.CQLStatement;
import org.apache.cassandra.cql3.CqlLexer;
import org.apache.cassandra.cql3.QueryOptions;
import org.apache.cassandra.cql3.QueryProcessor;
import org.apache.cassandra.db.ConsistencyLevel;
import org.apache.cassandra.service.ClientState;
import org.apache.cassandra.service.QueryState;
import org.apache.cassandra.transport.Dispatcher;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs files of CQL inside the process, with nobody's permissions asked, before the port opens: keyspaces, tables and
 * rows that are to be there when the first client comes. At every start, so the statements say IF NOT EXISTS.
 *
 * <p>Statements end with a semicolon, so a batch, which has semicolons inside, cannot be in such a file.
 */
final class InitialCql {
    private static final Logger LOGGER = LoggerFactory.getLogger(InitialCql.class);

    private InitialCql() {}

    /** The first statement that fails ends the start of the server. */
    static void run(List<Path> files) {
        for (Path file : files) {
            QueryState state = new QueryState(ClientState.forInternalCalls());
            List<String> statements = statements(read(file));
            for (String statement : statements)
                run(statement, state, file);
            LOGGER.info("Ran {} statements of {}", statements.size(), file);
        }
    }

    private static void run(String text, QueryState state, Path file) {
        QueryOptions options = QueryOptions.forInternalCalls(ConsistencyLevel.LOCAL_QUORUM, List.of());
        try {
            CQLStatement statement = StatementReader.read(text, state.getClientState()).statement();
            QueryProcessor.instance.process(
                    statement, state, options, Dispatcher.RequestTime.forImmediateExecution());
        } catch (RuntimeException error) {
            throw new IllegalArgumentException("In " + file + ": " + error.getMessage() + "\n" + text, error);
        }
    }

    /** Split by Cassandra's own lexer, which knows comments and strings. */
    static List<String> statements(String text) {
        List<String> statements = new ArrayList<>();
        CqlLexer lexer = new CqlLexer(new ANTLRStringStream(text));
        int begin = -1;
        for (Token token = lexer.nextToken(); token.getType() != Token.EOF; token = lexer.nextToken()) {
            if (token.getChannel() != Token.DEFAULT_CHANNEL)
                continue;
            CommonToken here = (CommonToken) token;
            if (!token.getText().equals(";"))
                begin = begin < 0 ? here.getStartIndex() : begin;
            else if (begin >= 0) {
                statements.add(text.substring(begin, here.getStartIndex()));
                begin = -1;
            }
        }
        if (begin >= 0)
            statements.add(text.substring(begin));
        return statements;
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException error) {
            throw new UncheckedIOException("The initial CQL in " + file + " cannot be read", error);
        }
    }
}
