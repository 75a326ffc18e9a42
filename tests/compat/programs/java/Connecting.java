import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.ProtocolVersion;
import com.datastax.oss.driver.api.core.config.DefaultDriverOption;
import com.datastax.oss.driver.api.core.config.ProgrammaticDriverConfigLoaderBuilder;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import com.datastax.oss.driver.api.core.cql.SimpleStatement;
import com.datastax.oss.driver.api.core.metadata.Node;
import com.datastax.oss.driver.api.core.metadata.NodeState;
import java.util.function.Consumer;

/** Versions, nodes and compression. */
final class Connecting extends Group {
  Connecting(String address, String keyspace) {
    super(address, keyspace);
    add(
        "connects without being told a version",
        ignored -> {
          try (CqlSession session = connect(options -> {})) {
            equal("local", one(session, "SELECT key FROM system.local").getString("key"));
          }
        });
    add("runs on protocol v3", ignored -> runsOn("V3"));
    add("runs on protocol v4", ignored -> runsOn("V4"));
    add(
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
    add(
        "sees one node and its data centre",
        session -> {
          Node node = session.getMetadata().getNodes().values().iterator().next();
          equal(1, session.getMetadata().getNodes().size());
          equal("us-east-1", node.getDatacenter());
          equal(NodeState.UP, node.getState());
          equal(address, node.getBroadcastRpcAddress().get().getAddress().getHostAddress());
          require(session.getMetadata().getTokenMap().isPresent(), "there is a token map");
        });
    add("asks for lz4", ignored -> asksFor("lz4"));
    add("asks for snappy", ignored -> asksFor("snappy"));
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
}
