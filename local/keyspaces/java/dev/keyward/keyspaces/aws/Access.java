package dev.keyward.keyspaces.aws;

import dev.keyward.keyspaces.Settings;

/**
 * One action on one resource: what a policy allows or denies.
 *
 * @param action what is to be done
 * @param resource ARN of a keyspace or of a table
 */
public record Access(Action action, String resource) {
    /** The ARN of a keyspace ends with a slash; types have none of their own and count as their keyspace. */
    public static Access toKeyspace(Action action, String keyspace) {
        return new Access(action, arn(keyspace + "/"));
    }

    public static Access toTable(Action action, String keyspace, String table) {
        return new Access(action, arn(keyspace + "/table/" + table));
    }

    private static String arn(String path) {
        Settings settings = Settings.get();
        return String.join(":", "arn", settings.partition(), "cassandra", settings.region(), settings.account(),
                "/keyspace/" + path);
    }
}
