import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.DefaultConsistencyLevel;
import com.datastax.oss.driver.api.core.config.DefaultDriverOption;
import com.datastax.oss.driver.api.core.cql.BatchStatement;
import com.datastax.oss.driver.api.core.cql.BatchStatementBuilder;
import com.datastax.oss.driver.api.core.cql.DefaultBatchType;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import com.datastax.oss.driver.api.core.cql.ResultSet;
import com.datastax.oss.driver.api.core.cql.SimpleStatement;
import com.datastax.oss.driver.api.core.metadata.Node;
import com.datastax.oss.driver.api.core.servererrors.AlreadyExistsException;
import com.datastax.oss.driver.api.core.servererrors.InvalidQueryException;
import com.datastax.oss.driver.api.core.servererrors.SyntaxError;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** Consistency, errors, warnings, payloads, traces, heartbeats. */
final class Flags extends Group {
  Flags(String address, String keyspace) {
    super(address, keyspace);
    add(
        "accepts every consistency level",
        session -> {
          String table = table(session, "consistent");
          for (DefaultConsistencyLevel level :
              List.of(
                  DefaultConsistencyLevel.ONE,
                  DefaultConsistencyLevel.QUORUM,
                  DefaultConsistencyLevel.ALL,
                  DefaultConsistencyLevel.LOCAL_QUORUM,
                  DefaultConsistencyLevel.EACH_QUORUM,
                  DefaultConsistencyLevel.LOCAL_ONE)) {
            String insert = "INSERT INTO " + table + " (id, v) VALUES (1, 'a')";
            session.execute(SimpleStatement.newInstance(insert).setConsistencyLevel(level));
            if (level != DefaultConsistencyLevel.EACH_QUORUM) {
              session.execute(SimpleStatement.newInstance("SELECT v FROM " + table).setConsistencyLevel(level));
            }
          }
        });
    add(
        "reads with serial consistency",
        session -> {
          String table = table(session, "serial");
          for (DefaultConsistencyLevel level :
              List.of(DefaultConsistencyLevel.SERIAL, DefaultConsistencyLevel.LOCAL_SERIAL)) {
            String insert = "INSERT INTO " + table + " (id, v) VALUES (1, 'a') IF NOT EXISTS";
            session.execute(SimpleStatement.newInstance(insert).setSerialConsistencyLevel(level));
            String select = "SELECT v FROM " + table + " WHERE id = 1";
            equal("a", one(session, SimpleStatement.newInstance(select).setConsistencyLevel(level)).getString("v"));
          }
        });
    add(
        "reports a syntax error", session -> refused(session, "SELEKT * FROM system.local", SyntaxError.class));
    add(
        "reports an invalid statement",
        session -> refused(session, "SELECT v FROM " + keyspace + ".nowhere", InvalidQueryException.class));
    add(
        "reports what exists already",
        session ->
            refused(
                session,
                "CREATE TABLE " + table(session, "twice") + " (id int PRIMARY KEY)",
                AlreadyExistsException.class));
    add(
        "passes warnings on",
        session -> {
          PreparedStatement insert =
              session.prepare("INSERT INTO " + table(session, "warned") + " (id, v) VALUES (?, ?)");
          BatchStatementBuilder batch = BatchStatement.builder(DefaultBatchType.UNLOGGED);
          for (int number = 0; number < 10; number++) {
            batch.addStatement(insert.bind(number, "x".repeat(1000)));
          }
          require(
              !session.execute(batch.build()).getExecutionInfo().getWarnings().isEmpty(),
              "a batch over 5 kB gives a warning");
        });
    add(
        "passes a custom payload on",
        session -> {
          Map<String, ByteBuffer> payload =
              Map.of("key", ByteBuffer.wrap("value".getBytes(StandardCharsets.UTF_8)));
          SimpleStatement select = SimpleStatement.newInstance("SELECT * FROM system_schema.keyspaces");
          ResultSet answer = session.execute(select.setCustomPayload(payload));
          equal(payload, answer.getExecutionInfo().getIncomingPayload());
        });
    add(
        "traces a request",
        session -> {
          SimpleStatement select = SimpleStatement.newInstance("SELECT v FROM " + table(session, "traced"));
          ResultSet answer = session.execute(select.setTracing(true));
          require(answer.getExecutionInfo().getQueryTrace().getTracingId() != null, "there is a trace");
        });
    add(
        "stays connected by heartbeats",
        ignored -> {
          try (CqlSession session =
              connect(
                  options ->
                      options
                          .withDuration(DefaultDriverOption.HEARTBEAT_INTERVAL, Duration.ofMillis(200))
                          .withDuration(DefaultDriverOption.HEARTBEAT_TIMEOUT, Duration.ofSeconds(5)))) {
            Thread.sleep(1000); // five heartbeats: what is to be seen is that nothing happens
            Node node = session.getMetadata().getNodes().values().iterator().next();
            require(node.getOpenConnections() > 1, "a connection was given up");
            one(session, "SELECT key FROM system.local");
          }
        });
  }

  private static void refused(CqlSession session, String statement, Class<? extends Exception> kind) {
    try {
      session.execute(statement);
    } catch (RuntimeException error) {
      if (!kind.isInstance(error)) {
        throw error;
      }
      one(session, "SELECT key FROM system.local"); // the session lives
      return;
    }
    throw new AssertionError(statement + " was not refused");
  }
}
