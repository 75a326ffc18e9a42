import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.metadata.schema.ColumnMetadata;
import com.datastax.oss.driver.api.core.metadata.schema.TableMetadata;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/** Schema statements, metadata and events. */
final class Schema extends Group {
  Schema(String address, String keyspace) {
    super(address, keyspace);
    add(
        "creates, alters and drops a keyspace",
        session -> {
          String name = keyspace + "_more";
          session.execute("CREATE KEYSPACE " + name + " WITH replication = " + REPLICATION);
          session.execute("ALTER KEYSPACE " + name + " WITH durable_writes = false");
          waitFor(() -> session.getMetadata().getKeyspace(name).isPresent(), "the keyspace");
          session.execute("DROP KEYSPACE " + name);
          waitFor(() -> session.getMetadata().getKeyspace(name).isEmpty(), "the keyspace to go");
        });
    add(
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
    add(
        "creates and drops a type",
        session -> {
          session.execute("CREATE TYPE " + keyspace + ".short_lived (a int)");
          waitFor(
              () -> session.getMetadata().getKeyspace(keyspace).get().getUserDefinedType("short_lived").isPresent(),
              "the type");
          session.execute("DROP TYPE " + keyspace + ".short_lived");
        });
    add(
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
    add(
        "hears of schema changes",
        session -> {
          try (CqlSession other = connect(options -> {})) {
            table(other, "made_elsewhere");
            waitFor(() -> described(session, "made_elsewhere") != null, "the event");
          }
        });
    add(
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
}
