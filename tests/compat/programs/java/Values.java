import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import com.datastax.oss.driver.api.core.cql.Row;
import com.datastax.oss.driver.api.core.cql.SimpleStatement;
import com.datastax.oss.driver.api.core.data.CqlDuration;
import com.datastax.oss.driver.api.core.data.TupleValue;
import com.datastax.oss.driver.api.core.data.UdtValue;
import com.datastax.oss.driver.api.core.type.reflect.GenericType;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/** Every kind of value. */
final class Values extends Group {
  Values(String address, String keyspace) {
    super(address, keyspace);
    add("keeps every scalar type", this::scalars);
    add(
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
    add(
        "keeps tuples",
        session -> {
          String table = table(session, "tuples", "id int PRIMARY KEY, v tuple<int, text, double>");
          session.execute("INSERT INTO " + table + " (id, v) VALUES (1, (1, 'a', 2.5))");
          TupleValue found = one(session, "SELECT v FROM " + table).getTupleValue("v");
          session.execute(session.prepare("INSERT INTO " + table + " (id, v) VALUES (2, ?)").bind(found));
          equal(found, one(session, "SELECT v FROM " + table + " WHERE id = 2").getTupleValue("v"));
        });
    add(
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
    add(
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
    add(
        "keeps a value of 1 MB",
        session -> {
          ByteBuffer large = ByteBuffer.wrap(new byte[1 << 20]);
          keeps(session, "large", "blob", large, GenericType.BYTE_BUFFER);
        });
    add(
        "counts with counters",
        session -> {
          String table = table(session, "counters", "id int PRIMARY KEY, n counter");
          PreparedStatement update = session.prepare("UPDATE " + table + " SET n = n + ? WHERE id = 1");
          session.execute(update.bind(5L));
          session.execute(update.bind(-2L));
          equal(3L, one(session, "SELECT n FROM " + table).getLong("n"));
        });
    add(
        "reads and writes JSON",
        session -> {
          String table = table(session, "json");
          session.execute(
              SimpleStatement.newInstance("INSERT INTO " + table + " JSON ?", "{\"id\": 1, \"v\": \"a\"}"));
          equal("{\"id\": 1, \"v\": \"a\"}", one(session, "SELECT JSON id, v FROM " + table).getString(0));
        });
    add(
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
}
