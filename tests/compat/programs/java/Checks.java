import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.DefaultConsistencyLevel;
import com.datastax.oss.driver.api.core.ProtocolVersion;
import com.datastax.oss.driver.api.core.config.DefaultDriverOption;
import com.datastax.oss.driver.api.core.config.DriverConfigLoader;
import com.datastax.oss.driver.api.core.config.ProgrammaticDriverConfigLoaderBuilder;
import com.datastax.oss.driver.api.core.cql.AsyncResultSet;
import com.datastax.oss.driver.api.core.cql.BatchStatement;
import com.datastax.oss.driver.api.core.cql.BatchStatementBuilder;
import com.datastax.oss.driver.api.core.cql.BatchType;
import com.datastax.oss.driver.api.core.cql.DefaultBatchType;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import com.datastax.oss.driver.api.core.cql.ResultSet;
import com.datastax.oss.driver.api.core.cql.Row;
import com.datastax.oss.driver.api.core.cql.SimpleStatement;
import com.datastax.oss.driver.api.core.cql.Statement;
import com.datastax.oss.driver.api.core.data.CqlDuration;
import com.datastax.oss.driver.api.core.data.TupleValue;
import com.datastax.oss.driver.api.core.data.UdtValue;
import com.datastax.oss.driver.api.core.metadata.Node;
import com.datastax.oss.driver.api.core.metadata.NodeState;
import com.datastax.oss.driver.api.core.metadata.schema.ColumnMetadata;
import com.datastax.oss.driver.api.core.metadata.schema.TableMetadata;
import com.datastax.oss.driver.api.core.servererrors.AlreadyExistsException;
import com.datastax.oss.driver.api.core.servererrors.InvalidQueryException;
import com.datastax.oss.driver.api.core.servererrors.SyntaxError;
import com.datastax.oss.driver.api.core.type.reflect.GenericType;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletionStage;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/** The checks of tests/compat/checks.py with the Java driver 4: `java Checks ADDRESS KEYSPACE [NAME ...]`. */
public final class Checks {
  private static final String REPLICATION = "{'class': 'SimpleStrategy', 'replication_factor': 1}";
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private interface Check {
    void run(CqlSession session) throws Exception;
  }

  private final String address;
  private final String keyspace;
  private final Map<String, Check> checks = new LinkedHashMap<>();

  private Checks(String address, String keyspace) {
    this.address = address;
    this.keyspace = keyspace;
    connecting();
    schema();
    statements();
    batches();
    values();
    flags();
    absent();
  }

  public static void main(String[] arguments) {
    Checks checks = new Checks(arguments[0], arguments[1]);
    checks.run(new HashSet<>(Arrays.asList(arguments).subList(2, arguments.length)));
    System.exit(0);
  }

  private void run(Set<String> only) {
    try (CqlSession session = connect(options -> {})) {
      session.execute("DROP KEYSPACE IF EXISTS " + keyspace);
      session.execute("CREATE KEYSPACE " + keyspace + " WITH replication = " + REPLICATION);
      checks.forEach(
          (name, check) -> {
            if (only.isEmpty() || only.contains(name)) {
              report(name, check, session);
            }
          });
    }
  }

  private static void report(String name, Check check, CqlSession session) {
    String outcome = "passed";
    String message = "";
    try {
      check.run(session);
    } catch (Exception | AssertionError error) {
      outcome = "failed";
      message = error.toString();
    }
    message = message.substring(0, Math.min(300, message.length()));
    System.out.printf(
        "{\"name\": \"%s\", \"outcome\": \"%s\", \"message\": \"%s\"}%n", name, outcome, escaped(message));
  }

  private static String escaped(String text) {
    return text.replace("\\", "\\\\").replace("\"", "\\\"").replaceAll("\\p{Cntrl}", " ");
  }

  // Connecting.

  private CqlSession connect(Consumer<ProgrammaticDriverConfigLoaderBuilder> change) {
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

  private void connecting() {
    checks.put(
        "connects without being told a version",
        ignored -> {
          try (CqlSession session = connect(options -> {})) {
            equal("local", one(session, "SELECT key FROM system.local").getString("key"));
          }
        });
    checks.put("runs on protocol v3", ignored -> runsOn("V3"));
    checks.put("runs on protocol v4", ignored -> runsOn("V4"));
    checks.put(
        "runs on protocol v5 or is told why not",
        ignored -> {
          try {
            runsOn("V5");
          } catch (RuntimeException error) {
            String said = error.toString().toLowerCase();
            if (!said.contains("protocol version")) {
              throw error;
            }
          }
        });
    checks.put(
        "sees one node and its data centre",
        session -> {
          Node node = session.getMetadata().getNodes().values().iterator().next();
          equal(1, session.getMetadata().getNodes().size());
          equal("us-east-1", node.getDatacenter());
          equal(NodeState.UP, node.getState());
          equal(address, node.getBroadcastRpcAddress().get().getAddress().getHostAddress());
          require(session.getMetadata().getTokenMap().isPresent(), "there is a token map");
        });
    checks.put("asks for lz4", ignored -> asksFor("lz4"));
    checks.put("asks for snappy", ignored -> asksFor("snappy"));
  }

  private void runsOn(String version) {
    try (CqlSession session = connect(options -> options.withString(DefaultDriverOption.PROTOCOL_VERSION, version))) {
      ProtocolVersion used = session.getContext().getProtocolVersion();
      equal(version, used.name());
      String table = table(session, "on_" + version.toLowerCase());
      PreparedStatement insert = session.prepare("INSERT INTO " + table + " (id, v) VALUES (?, ?)");
      session.execute(insert.bind(1, "a"));
      equal("a", one(session, "SELECT v FROM " + table).getString("v"));
    }
  }

  private void asksFor(String compression) {
    Consumer<ProgrammaticDriverConfigLoaderBuilder> change =
        options ->
            options
                .withString(DefaultDriverOption.PROTOCOL_VERSION, "V4")
                .withString(DefaultDriverOption.PROTOCOL_COMPRESSION, compression);
    try (CqlSession session = connect(change)) {
      String table = table(session, "compressed_" + compression);
      String text = "x".repeat(10_000);
      session.execute(SimpleStatement.newInstance("INSERT INTO " + table + " (id, v) VALUES (1, ?)", text));
      equal(text, one(session, "SELECT v FROM " + table).getString("v"));
    }
  }

  // Schema.

  private void schema() {
    checks.put(
        "creates, alters and drops a keyspace",
        session -> {
          String name = keyspace + "_more";
          session.execute("CREATE KEYSPACE " + name + " WITH replication = " + REPLICATION);
          session.execute("ALTER KEYSPACE " + name + " WITH durable_writes = false");
          waitFor(() -> session.getMetadata().getKeyspace(name).isPresent(), "the keyspace");
          session.execute("DROP KEYSPACE " + name);
          waitFor(() -> session.getMetadata().getKeyspace(name).isEmpty(), "the keyspace to go");
        });
    checks.put(
        "creates, alters and drops a table",
        session -> {
          String table = table(session, "short_lived");
          session.execute("ALTER TABLE " + table + " ADD more int");
          waitFor(
              () -> described(session, "short_lived") != null
                  && described(session, "short_lived").getColumn("more").isPresent(),
              "a column");
          session.execute("DROP TABLE " + table);
          waitFor(() -> described(session, "short_lived") == null, "the table to go");
        });
    checks.put(
        "creates and drops a type",
        session -> {
          session.execute("CREATE TYPE " + keyspace + ".short_lived (a int)");
          waitFor(
              () -> session.getMetadata().getKeyspace(keyspace).get().getUserDefinedType("short_lived").isPresent(),
              "the type");
          session.execute("DROP TYPE " + keyspace + ".short_lived");
        });
    checks.put(
        "reads schema metadata",
        session -> {
          table(session, "described", "a int, b text, c int, d text static, PRIMARY KEY ((a, b), c)");
          try (CqlSession fresh = connect(options -> {})) {
            TableMetadata table = described(fresh, "described");
            equal(Arrays.asList("a", "b"), names(table.getPartitionKey()));
            equal(Collections.singletonList("c"), names(new ArrayList<>(table.getClusteringColumns().keySet())));
            require(table.getColumn("d").get().isStatic(), "d is static");
          }
        });
    checks.put(
        "hears of schema changes",
        session -> {
          try (CqlSession other = connect(options -> {})) {
            table(other, "made_elsewhere");
            waitFor(() -> described(session, "made_elsewhere") != null, "the event");
          }
        });
    checks.put(
        "uses a keyspace",
        session -> {
          String table = table(session, "unqualified");
          try (CqlSession inside =
              CqlSession.builder()
                  .addContactPoint(new InetSocketAddress(address, 9042))
                  .withLocalDatacenter("us-east-1")
                  .withKeyspace(keyspace)
                  .build()) {
            inside.execute("INSERT INTO unqualified (id, v) VALUES (1, 'a')");
            inside.execute("USE system");
            inside.execute("USE " + keyspace);
            equal("a", one(inside, "SELECT v FROM unqualified").getString("v"));
          }
          equal("a", one(session, "SELECT v FROM " + table).getString("v"));
        });
  }

  private TableMetadata described(CqlSession session, String name) {
    return session.getMetadata().getKeyspace(keyspace).flatMap(found -> found.getTable(name)).orElse(null);
  }

  private static List<String> names(List<ColumnMetadata> columns) {
    List<String> names = new ArrayList<>();
    columns.forEach(column -> names.add(column.getName().asInternal()));
    return names;
  }

  // Statements.

  private void statements() {
    checks.put(
        "selects with positional values",
        session -> {
          String table = table(session, "positional");
          session.execute(
              SimpleStatement.newInstance("INSERT INTO " + table + " (id, v) VALUES (?, ?)", 1, "it's"));
          SimpleStatement select =
              SimpleStatement.newInstance("SELECT v FROM " + table + " WHERE id IN ?", Arrays.asList(1, 2));
          equal("it's", one(session, select).getString("v"));
        });
    checks.put(
        "selects with named values",
        session -> {
          String table = table(session, "named");
          session.execute("INSERT INTO " + table + " (id, v) VALUES (1, 'a')");
          SimpleStatement select =
              SimpleStatement.newInstance("SELECT v FROM " + table + " WHERE id = :id", Map.of("id", 1));
          equal("a", one(session, select).getString("v"));
        });
    checks.put(
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
    checks.put(
        "prepares with named markers",
        session -> {
          String table = table(session, "prepared_named");
          PreparedStatement insert = session.prepare("INSERT INTO " + table + " (id, v) VALUES (:id, :v)");
          session.execute(insert.boundStatementBuilder().setString("v", "a").setInt("id", 1).build());
          equal("a", one(session, "SELECT v FROM " + table).getString("v"));
        });
    checks.put(
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
    checks.put(
        "pages through a large result",
        session -> {
          String table = numbers(session, "paged", 2000);
          String select = "SELECT c FROM " + table + " WHERE p = 0";
          equal(2000, session.execute(SimpleStatement.newInstance(select).setPageSize(77)).all().size());
          equal(2000, session.execute(SimpleStatement.newInstance(select).setPageSize(-1)).all().size());
        });
    checks.put(
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
    checks.put(
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
    }
    for (CompletionStage<AsyncResultSet> one : written) {
      one.toCompletableFuture().get();
    }
    return table;
  }

  // Batches and conditions.

  private void batches() {
    checks.put("writes a logged batch", session -> batched(session, "batch_logged", DefaultBatchType.LOGGED));
    checks.put("writes an unlogged batch", session -> batched(session, "batch_unlogged", DefaultBatchType.UNLOGGED));
    checks.put(
        "writes a counter batch",
        session -> {
          String table = table(session, "counter_batch", "id int PRIMARY KEY, n counter");
          SimpleStatement update = SimpleStatement.newInstance("UPDATE " + table + " SET n = n + 1 WHERE id = 1");
          session.execute(BatchStatement.newInstance(DefaultBatchType.COUNTER, update, update, update));
          equal(3L, one(session, "SELECT n FROM " + table).getLong("n"));
        });
    checks.put(
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
    checks.put(
        "writes a batch given as text",
        session -> {
          String table = table(session, "text_batch");
          String insert = "INSERT INTO " + table + " (id, v) VALUES";
          session.execute("BEGIN BATCH " + insert + " (1, 'a'); " + insert + " (2, 'APPLY BATCH'); APPLY BATCH");
          equal(2, session.execute("SELECT id FROM " + table).all().size());
        });
    checks.put(
        "inserts with a condition",
        session -> {
          String insert = "INSERT INTO " + table(session, "conditional") + " (id, v) VALUES (1, 'a') IF NOT EXISTS";
          require(session.execute(insert).wasApplied(), "the first is applied");
          require(!session.execute(insert).wasApplied(), "the second is not");
        });
    checks.put(
        "updates with a condition",
        session -> {
          String table = table(session, "conditional_update");
          session.execute("INSERT INTO " + table + " (id, v) VALUES (1, 'a')");
          PreparedStatement update = session.prepare("UPDATE " + table + " SET v = ? WHERE id = 1 IF v = ?");
          require(!session.execute(update.bind("b", "z")).wasApplied(), "a wrong value is not applied");
          require(session.execute(update.bind("b", "a")).wasApplied(), "the right one is");
        });
    checks.put(
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

  // Values.

  private void values() {
    checks.put("keeps every scalar type", this::scalars);
    checks.put(
        "keeps collections",
        session -> {
          keeps(session, "lists", "list<text>", Arrays.asList("b", "a", "b"), GenericType.listOf(String.class));
          keeps(session, "sets", "set<int>", Set.of(3, 1, 2), GenericType.setOf(Integer.class));
          keeps(
              session,
              "maps",
              "map<text, frozen<list<int>>>",
              Map.of("a", Arrays.asList(1, 2), "b", Collections.<Integer>emptyList()),
              GenericType.mapOf(GenericType.STRING, GenericType.listOf(Integer.class)));
        });
    checks.put(
        "keeps tuples",
        session -> {
          String table = table(session, "tuples", "id int PRIMARY KEY, v tuple<int, text, double>");
          session.execute("INSERT INTO " + table + " (id, v) VALUES (1, (1, 'a', 2.5))");
          TupleValue found = one(session, "SELECT v FROM " + table).getTupleValue("v");
          session.execute(session.prepare("INSERT INTO " + table + " (id, v) VALUES (2, ?)").bind(found));
          equal(found, one(session, "SELECT v FROM " + table + " WHERE id = 2").getTupleValue("v"));
        });
    checks.put(
        "keeps user-defined types",
        session -> {
          session.execute("CREATE TYPE " + keyspace + ".address (street text, number int)");
          String columns = "id int PRIMARY KEY, home frozen<address>, others list<frozen<address>>";
          String table = table(session, "people", columns);
          String literal = "{street: 'Main', number: 1}";
          session.execute(
              "INSERT INTO " + table + " (id, home, others) VALUES (1, " + literal + ", [" + literal + "])");
          UdtValue home = one(session, "SELECT home FROM " + table).getUdtValue("home");
          session.execute(session.prepare("INSERT INTO " + table + " (id, home) VALUES (2, ?)").bind(home));
          UdtValue again = one(session, "SELECT home FROM " + table + " WHERE id = 2").getUdtValue("home");
          equal("Main", again.getString("street"));
          equal(1, again.getInt("number"));
        });
    checks.put(
        "tells null from unset",
        session -> {
          String table = table(session, "unset");
          PreparedStatement insert = session.prepare("INSERT INTO " + table + " (id, v) VALUES (?, ?)");
          session.execute(insert.bind(1, "a"));
          session.execute(insert.boundStatementBuilder().setInt("id", 1).build());
          equal("a", one(session, "SELECT v FROM " + table).getString("v"));
          session.execute(insert.bind(1, null));
          equal(null, one(session, "SELECT v FROM " + table).getString("v"));
        });
    checks.put(
        "keeps a value of 1 MB",
        session -> {
          ByteBuffer large = ByteBuffer.wrap(new byte[1 << 20]);
          keeps(session, "large", "blob", large, GenericType.BYTE_BUFFER);
        });
    checks.put(
        "counts with counters",
        session -> {
          String table = table(session, "counters", "id int PRIMARY KEY, n counter");
          PreparedStatement update = session.prepare("UPDATE " + table + " SET n = n + ? WHERE id = 1");
          session.execute(update.bind(5L));
          session.execute(update.bind(-2L));
          equal(3L, one(session, "SELECT n FROM " + table).getLong("n"));
        });
    checks.put(
        "reads and writes JSON",
        session -> {
          String table = table(session, "json");
          session.execute(
              SimpleStatement.newInstance("INSERT INTO " + table + " JSON ?", "{\"id\": 1, \"v\": \"a\"}"));
          equal("{\"id\": 1, \"v\": \"a\"}", one(session, "SELECT JSON id, v FROM " + table).getString(0));
        });
    checks.put(
        "takes a TTL and a timestamp",
        session -> {
          String table = table(session, "timed");
          session.execute("INSERT INTO " + table + " (id, v) VALUES (1, 'a') USING TTL 1000 AND TIMESTAMP 1234");
          Row row = one(session, "SELECT TTL(v) AS ttl, WRITETIME(v) AS written FROM " + table);
          require(row.getInt("ttl") > 900, "the TTL is kept");
          equal(1234L, row.getLong("written"));
        });
  }

  private void scalars(CqlSession session) throws Exception {
    Map<String, Object> sent = new LinkedHashMap<>();
    sent.put("ascii", "plain");
    sent.put("bigint", Long.MIN_VALUE);
    sent.put("blob", ByteBuffer.wrap(new byte[] {0, 1, -1}));
    sent.put("boolean", true);
    sent.put("date", LocalDate.of(2026, 2, 28));
    sent.put("decimal", new BigDecimal("-1.2345678901234567890"));
    sent.put("double", 1.5e300);
    sent.put("duration", CqlDuration.newInstance(1, 2, 3));
    sent.put("float", 1.5f);
    sent.put("inet", InetAddress.getByName("2001:db8::1"));
    sent.put("int", Integer.MIN_VALUE);
    sent.put("smallint", Short.MIN_VALUE);
    sent.put("text", "na\u00efve \u2603 \ud83d\ude00");
    sent.put("time", LocalTime.of(1, 2, 3, 4000));
    sent.put("timestamp", Instant.parse("2026-02-28T01:02:03.004Z"));
    sent.put("timeuuid", UUID.fromString("d3b07384-d9a0-11ee-a506-0242ac120002"));
    sent.put("tinyint", Byte.MIN_VALUE);
    sent.put("uuid", UUID.fromString("5bc3e5d8-3b63-4f64-9c7f-5a0d2f7b9c11"));
    sent.put("varint", BigInteger.TWO.pow(100));
    StringBuilder columns = new StringBuilder("id int PRIMARY KEY");
    StringBuilder names = new StringBuilder("id");
    StringBuilder markers = new StringBuilder("1");
    for (String kind : sent.keySet()) {
      columns.append(", c_").append(kind).append(' ').append(kind);
      names.append(", c_").append(kind);
      markers.append(", ?");
    }
    String table = table(session, "scalars", columns.toString());
    PreparedStatement insert = session.prepare("INSERT INTO " + table + " (" + names + ") VALUES (" + markers + ")");
    session.execute(insert.bind(sent.values().toArray()));
    Row row = one(session, "SELECT * FROM " + table);
    sent.forEach((kind, value) -> equal(value, row.getObject("c_" + kind)));
  }

  private <T> void keeps(CqlSession session, String name, String type, T value, GenericType<T> kind) {
    String table = table(session, name, "id int PRIMARY KEY, v " + type);
    PreparedStatement insert = session.prepare("INSERT INTO " + table + " (id, v) VALUES (1, ?)");
    session.execute(insert.boundStatementBuilder().set("v", value, kind).build());
    equal(value, one(session, "SELECT v FROM " + table).get("v", kind));
  }

  // Consistency, errors, flags.

  private void flags() {
    checks.put(
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
    checks.put(
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
    checks.put(
        "reports a syntax error", session -> refused(session, "SELEKT * FROM system.local", SyntaxError.class));
    checks.put(
        "reports an invalid statement",
        session -> refused(session, "SELECT v FROM " + keyspace + ".nowhere", InvalidQueryException.class));
    checks.put(
        "reports what exists already",
        session ->
            refused(
                session,
                "CREATE TABLE " + table(session, "twice") + " (id int PRIMARY KEY)",
                AlreadyExistsException.class));
    checks.put(
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
    checks.put(
        "passes a custom payload on",
        session -> {
          Map<String, ByteBuffer> payload =
              Map.of("key", ByteBuffer.wrap("value".getBytes(StandardCharsets.UTF_8)));
          SimpleStatement select = SimpleStatement.newInstance("SELECT * FROM system_schema.keyspaces");
          ResultSet answer = session.execute(select.setCustomPayload(payload));
          equal(payload, answer.getExecutionInfo().getIncomingPayload());
        });
    checks.put(
        "traces a request",
        session -> {
          SimpleStatement select = SimpleStatement.newInstance("SELECT v FROM " + table(session, "traced"));
          ResultSet answer = session.execute(select.setTracing(true));
          require(answer.getExecutionInfo().getQueryTrace().getTracingId() != null, "there is a trace");
        });
    checks.put(
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

  // What Amazon Keyspaces has not.

  private void absent() {
    checks.put(
        "truncates a table",
        session -> {
          String table = table(session, "truncated");
          session.execute("INSERT INTO " + table + " (id, v) VALUES (1, 'a')");
          session.execute("TRUNCATE " + table);
          equal(0, session.execute("SELECT id FROM " + table).all().size());
        });
    checks.put(
        "creates an index", session -> session.execute("CREATE INDEX ON " + table(session, "indexed") + " (v)"));
    checks.put(
        "creates a materialized view",
        session ->
            session.execute(
                "CREATE MATERIALIZED VIEW " + keyspace + ".by_value AS SELECT id, v FROM " + table(session, "viewed")
                    + " WHERE v IS NOT NULL AND id IS NOT NULL PRIMARY KEY (v, id)"));
    checks.put(
        "creates a function",
        session ->
            session.execute(
                "CREATE FUNCTION " + keyspace + ".twice (n int) RETURNS NULL ON NULL INPUT RETURNS int "
                    + "LANGUAGE java AS 'return n * 2;'"));
  }

  // Tools.

  private String table(CqlSession session, String name) {
    return table(session, name, "id int PRIMARY KEY, v text");
  }

  private String table(CqlSession session, String name, String columns) {
    String full = keyspace + "." + name;
    session.execute("CREATE TABLE " + full + " (" + columns + ")");
    return full;
  }

  private static Row one(CqlSession session, String query) {
    return one(session, SimpleStatement.newInstance(query));
  }

  private static Row one(CqlSession session, Statement<?> statement) {
    List<Row> rows = session.execute(statement).all();
    equal(1, rows.size());
    return rows.get(0);
  }

  private static void waitFor(BooleanSupplier condition, String what) throws InterruptedException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      require(System.nanoTime() < deadline, "waited " + PATIENCE + " for " + what);
      Thread.sleep(50);
    }
  }

  private static void require(boolean condition, String what) {
    if (!condition) {
      throw new AssertionError(what);
    }
  }

  private static void equal(Object expected, Object found) {
    require(expected == null ? found == null : expected.equals(found), "expected " + expected + ", found " + found);
  }
}
