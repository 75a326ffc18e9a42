import com.datastax.oss.driver.api.core.CqlSession;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** The checks of tests/compat/checks.py with the Java driver 4: `java Checks ADDRESS KEYSPACE [NAME ...]`. */
public final class Checks {
  private Checks() {}

  public static void main(String[] arguments) {
    String address = arguments[0];
    String keyspace = arguments[1];
    Set<String> only = new HashSet<>(Arrays.asList(arguments).subList(2, arguments.length));
    List<Group> groups =
        List.of(
            new Connecting(address, keyspace),
            new Schema(address, keyspace),
            new Statements(address, keyspace),
            new Batches(address, keyspace),
            new Values(address, keyspace),
            new Flags(address, keyspace),
            new Absent(address, keyspace));
    try (CqlSession session = groups.get(0).connect(options -> {})) {
      session.execute("DROP KEYSPACE IF EXISTS " + keyspace);
      session.execute("CREATE KEYSPACE " + keyspace + " WITH replication = " + Group.REPLICATION);
      for (Group group : groups) {
        group.checks().forEach(
            (name, check) -> {
              if (only.isEmpty() || only.contains(name)) {
                report(name, check, session);
              }
            });
      }
    }
    System.exit(0);
  }

  private static void report(String name, Group.Check check, CqlSession session) {
    String outcome = "passed";
    String message = "";
    try {
      check.run(session);
    } catch (Exception | AssertionError error) {
      outcome = "failed";
      message = error.toString();
    }
    message = message.substring(0, Math.min(1000, message.length()));
    System.out.printf(
        "{\"name\": \"%s\", \"outcome\": \"%s\", \"message\": \"%s\"}%n", name, outcome, escaped(message));
  }

  private static String escaped(String text) {
    return text.replace("\\", "\\\\").replace("\"", "\\\"").replaceAll("\\p{Cntrl}", " ");
  }
}
