import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.cql.AsyncResultSet;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import com.datastax.oss.driver.api.core.cql.ResultSet;
import com.datastax.oss.driver.api.core.cql.SimpleStatement;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;

/** Statements and their values, paging, concurrency. */
final class Statements extends Group {
  private static final int AT_ONCE = 500; // the driver itself refuses more than 1,024 on a connection

  Statements(String address, String keyspace) {
    super(address, keyspace);
    add(
        "selects with positional values",
        session -> {
          String table = table(session, "positional");
          session.execute(
              SimpleStatement.newInstance("INSERT INTO " + table + " (id, v) VALUES (?, ?)", 1, "it's"));
          SimpleStatement select =
              SimpleStatement.newInstance("SELECT v FROM " + table + " WHERE id IN ?", Arrays.asList(1, 2));
          equal("it's", one(session, select).getString("v"));
        });
    add(
        "selects with named values",
        session -> {
          String table = table(session, "named");
          session.execute("INSERT INTO " + table + " (id, v) VALUES (1, 'a')");
          SimpleStatement select =
              SimpleStatement.newInstance("SELECT v FROM " + table + " WHERE id = :id", Map.of("id", 1));
          equal("a", one(session, select).getString("v"));
        });
    add(
        "prepares and executes",
        session -> {
          String table = table(session, "prepared");
          PreparedStatement insert = session.prepare("INSERT INTO " + table + " (id, v) VALUES (?, ?)");
          for (int number = 0; number < 10; number++) {
            session.execute(insert.bind(number, Integer.toString(number)));
          }
          PreparedStatement select = session.prepare("SELECT v FROM " + table + " WHERE id = ?");
          equal("7", one(session, select.bind(7)).getString("v"));
        });
    add(
        "prepares with named markers",
        session -> {
          String table = table(session, "prepared_named");
          PreparedStatement insert = session.prepare("INSERT INTO " + table + " (id, v) VALUES (:id, :v)");
          session.execute(insert.boundStatementBuilder().setString("v", "a").setInt("id", 1).build());
          equal("a", one(session, "SELECT v FROM " + table).getString("v"));
        });
    add(
        "prepares again after its table changed",
        session -> {
          String table = table(session, "changing");
          session.execute("INSERT INTO " + table + " (id, v) VALUES (1, 'a')");
          PreparedStatement select = session.prepare("SELECT * FROM " + table + " WHERE id = ?");
          equal(2, one(session, select.bind(1)).getColumnDefinitions().size());
          session.execute("ALTER TABLE " + table + " ADD more int");
          one(session, select.bind(1));
          session.execute("INSERT INTO " + table + " (id, v, more) VALUES (1, 'a', 3)");
          PreparedStatement again = session.prepare("SELECT id, v, more FROM " + table + " WHERE id = ?");
          equal(3, one(session, again.bind(1)).getInt("more"));
        });
    add(
        "pages through a large result",
        session -> {
          String table = numbers(session, "paged", 2000);
          String select = "SELECT c FROM " + table + " WHERE p = 0";
          equal(2000, session.execute(SimpleStatement.newInstance(select).setPageSize(77)).all().size());
          equal(2000, session.execute(SimpleStatement.newInstance(select).setPageSize(-1)).all().size());
        });
    add(
        "resumes paging from a state",
        session -> {
          String table = numbers(session, "resumed", 100);
          PreparedStatement select = session.prepare("SELECT c FROM " + table + " WHERE p = ?");
          int seen = 0;
          ByteBuffer state = null;
          do {
            ResultSet page = session.execute(select.bind(0).setPageSize(30).setPagingState(state));
            int available = page.getAvailableWithoutFetching();
            for (int row = 0; row < available; row++) {
              equal(seen++, page.one().getInt("c"));
            }
            state = page.getExecutionInfo().getPagingState();
          } while (state != null);
          equal(100, seen);
        });
    add(
        "runs 1,000 requests at once",
        session -> {
          String table = table(session, "crowded");
          PreparedStatement insert = session.prepare("INSERT INTO " + table + " (id, v) VALUES (?, ?)");
          PreparedStatement select = session.prepare("SELECT v FROM " + table + " WHERE id = ?");
          List<CompletionStage<AsyncResultSet>> asked = new ArrayList<>();
          for (int number = 0; number < 1000; number++) {
            asked.add(session.executeAsync(insert.bind(number, Integer.toString(number))));
          }
          for (CompletionStage<AsyncResultSet> answer : asked) {
            answer.toCompletableFuture().get();
          }
          asked.clear();
          for (int number = 0; number < 1000; number++) {
            asked.add(session.executeAsync(select.bind(number)));
          }
          for (int number = 0; number < 1000; number++) {
            equal(Integer.toString(number), asked.get(number).toCompletableFuture().get().one().getString("v"));
          }
        });
  }

  private String numbers(CqlSession session, String name, int count) throws Exception {
    String table = table(session, name, "p int, c int, v text, PRIMARY KEY (p, c)");
    PreparedStatement insert = session.prepare("INSERT INTO " + table + " (p, c, v) VALUES (0, ?, ?)");
    List<CompletionStage<AsyncResultSet>> written = new ArrayList<>();
    for (int number = 0; number < count; number++) {
      written.add(session.executeAsync(insert.bind(number, "x".repeat(100))));
      if (written.size() == AT_ONCE || number + 1 == count) {
        for (CompletionStage<AsyncResultSet> one : written) {
          one.toCompletableFuture().get();
        }
        written.clear();
      }
    }
    return table;
  }
}
