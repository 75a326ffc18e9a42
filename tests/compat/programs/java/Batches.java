import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.cql.BatchStatement;
import com.datastax.oss.driver.api.core.cql.BatchStatementBuilder;
import com.datastax.oss.driver.api.core.cql.BatchType;
import com.datastax.oss.driver.api.core.cql.DefaultBatchType;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import com.datastax.oss.driver.api.core.cql.SimpleStatement;

/** Batches and conditions. */
final class Batches extends Group {
  Batches(String address, String keyspace) {
    super(address, keyspace);
    add("writes a logged batch", session -> batched(session, "batch_logged", DefaultBatchType.LOGGED));
    add("writes an unlogged batch", session -> batched(session, "batch_unlogged", DefaultBatchType.UNLOGGED));
    add(
        "writes a counter batch",
        session -> {
          String table = table(session, "counter_batch", "id int PRIMARY KEY, n counter");
          SimpleStatement update = SimpleStatement.newInstance("UPDATE " + table + " SET n = n + 1 WHERE id = 1");
          session.execute(BatchStatement.newInstance(DefaultBatchType.COUNTER, update, update, update));
          equal(3L, one(session, "SELECT n FROM " + table).getLong("n"));
        });
    add(
        "writes a batch of prepared statements",
        session -> {
          String table = table(session, "prepared_batch");
          PreparedStatement insert = session.prepare("INSERT INTO " + table + " (id, v) VALUES (?, ?)");
          PreparedStatement delete = session.prepare("DELETE FROM " + table + " WHERE id = ?");
          session.execute(insert.bind(9, "gone"));
          BatchStatementBuilder batch = BatchStatement.builder(DefaultBatchType.LOGGED);
          for (int number = 10; number < 30; number++) {
            batch.addStatement(insert.bind(number, "x"));
          }
          session.execute(batch.addStatement(delete.bind(9)).build());
          equal(20, session.execute("SELECT id FROM " + table).all().size());
        });
    add(
        "writes a batch given as text",
        session -> {
          String table = table(session, "text_batch");
          String insert = "INSERT INTO " + table + " (id, v) VALUES";
          session.execute("BEGIN BATCH " + insert + " (1, 'a'); " + insert + " (2, 'APPLY BATCH'); APPLY BATCH");
          equal(2, session.execute("SELECT id FROM " + table).all().size());
        });
    add(
        "inserts with a condition",
        session -> {
          String insert = "INSERT INTO " + table(session, "conditional") + " (id, v) VALUES (1, 'a') IF NOT EXISTS";
          require(session.execute(insert).wasApplied(), "the first is applied");
          require(!session.execute(insert).wasApplied(), "the second is not");
        });
    add(
        "updates with a condition",
        session -> {
          String table = table(session, "conditional_update");
          session.execute("INSERT INTO " + table + " (id, v) VALUES (1, 'a')");
          PreparedStatement update = session.prepare("UPDATE " + table + " SET v = ? WHERE id = 1 IF v = ?");
          require(!session.execute(update.bind("b", "z")).wasApplied(), "a wrong value is not applied");
          require(session.execute(update.bind("b", "a")).wasApplied(), "the right one is");
        });
    add(
        "batches with a condition",
        session -> {
          String table = table(session, "conditional_batch", "p int, c int, v text, PRIMARY KEY (p, c)");
          BatchStatement batch =
              BatchStatement.newInstance(
                  DefaultBatchType.LOGGED,
                  SimpleStatement.newInstance("INSERT INTO " + table + " (p, c, v) VALUES (0, 0, 'a') IF NOT EXISTS"),
                  SimpleStatement.newInstance("INSERT INTO " + table + " (p, c, v) VALUES (0, 1, 'b')"));
          require(session.execute(batch).wasApplied(), "the first is applied");
          require(!session.execute(batch).wasApplied(), "the second is not");
        });
  }

  private void batched(CqlSession session, String name, BatchType kind) {
    String table = table(session, name);
    String insert = "INSERT INTO " + table + " (id, v) VALUES";
    session.execute(
        BatchStatement.newInstance(
            kind,
            SimpleStatement.newInstance(insert + " (1, 'a')"),
            SimpleStatement.newInstance(insert + " (?, ?)", 2, "b")));
    equal(2, session.execute("SELECT id FROM " + table).all().size());
  }
}
