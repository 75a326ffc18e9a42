import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.config.DefaultDriverOption;
import com.datastax.oss.driver.api.core.config.DriverConfigLoader;
import com.datastax.oss.driver.api.core.config.ProgrammaticDriverConfigLoaderBuilder;
import com.datastax.oss.driver.api.core.cql.Row;
import com.datastax.oss.driver.api.core.cql.SimpleStatement;
import com.datastax.oss.driver.api.core.cql.Statement;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/** Checks that belong together, and what they share: the driver as an application sets it up. */
abstract class Group {
  static final String REPLICATION = "{'class': 'SimpleStrategy', 'replication_factor': 1}";
  static final Duration PATIENCE = Duration.ofSeconds(60);

  final String address;
  final String keyspace;
  private final Map<String, Check> checks = new LinkedHashMap<>();

  interface Check {
    void run(CqlSession session) throws Exception;
  }

  Group(String address, String keyspace) {
    this.address = address;
    this.keyspace = keyspace;
  }

  Map<String, Check> checks() {
    return checks;
  }

  final void add(String name, Check check) {
    checks.put(name, check);
  }

  final CqlSession connect(Consumer<ProgrammaticDriverConfigLoaderBuilder> change) {
    ProgrammaticDriverConfigLoaderBuilder options =
        DriverConfigLoader.programmaticBuilder()
            .withDuration(DefaultDriverOption.REQUEST_TIMEOUT, PATIENCE)
            .withDuration(DefaultDriverOption.CONNECTION_INIT_QUERY_TIMEOUT, PATIENCE)
            .withDuration(DefaultDriverOption.CONTROL_CONNECTION_TIMEOUT, PATIENCE)
            .withDuration(DefaultDriverOption.METADATA_SCHEMA_REQUEST_TIMEOUT, PATIENCE)
            .withDuration(DefaultDriverOption.METADATA_SCHEMA_WINDOW, Duration.ofMillis(100));
    change.accept(options);
    return CqlSession.builder()
        .addContactPoint(new InetSocketAddress(address, 9042))
        .withLocalDatacenter("us-east-1")
        .withConfigLoader(options.build())
        .build();
  }

  final String table(CqlSession session, String name) {
    return table(session, name, "id int PRIMARY KEY, v text");
  }

  final String table(CqlSession session, String name, String columns) {
    String full = keyspace + "." + name;
    session.execute("CREATE TABLE " + full + " (" + columns + ")");
    return full;
  }

  static Row one(CqlSession session, String query) {
    return one(session, SimpleStatement.newInstance(query));
  }

  static Row one(CqlSession session, Statement<?> statement) {
    List<Row> rows = session.execute(statement).all();
    equal(1, rows.size());
    return rows.get(0);
  }

  static void waitFor(BooleanSupplier condition, String what) throws InterruptedException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      require(System.nanoTime() < deadline, "waited " + PATIENCE + " for " + what);
      Thread.sleep(50);
    }
  }

  static void require(boolean condition, String what) {
    if (!condition) {
      throw new AssertionError(what);
    }
  }

  static void equal(Object expected, Object found) {
    require(expected == null ? found == null : expected.equals(found), "expected " + expected + ", found " + found);
  }
}
