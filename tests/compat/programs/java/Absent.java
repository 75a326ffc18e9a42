

/** What Amazon Keyspaces has not. */
final class Absent extends Group {
  Absent(String address, String keyspace) {
    super(address, keyspace);
    add(
        "truncates a table",
        session -> {
          String table = table(session, "truncated");
          session.execute("INSERT INTO " + table + " (id, v) VALUES (1, 'a')");
          session.execute("TRUNCATE " + table);
          equal(0, session.execute("SELECT id FROM " + table).all().size());
        });
    add(
        "creates an index", session -> session.execute("CREATE INDEX ON " + table(session, "indexed") + " (v)"));
    add(
        "creates a materialized view",
        session ->
            session.execute(
                "CREATE MATERIALIZED VIEW " + keyspace + ".by_value AS SELECT id, v FROM " + table(session, "viewed")
                    + " WHERE v IS NOT NULL AND id IS NOT NULL PRIMARY KEY (v, id)"));
    add(
        "creates a function",
        session ->
            session.execute(
                "CREATE FUNCTION " + keyspace + ".twice (n int) RETURNS NULL ON NULL INPUT RETURNS int "
                    + "LANGUAGE java AS 'return n * 2;'"));
  }
}
