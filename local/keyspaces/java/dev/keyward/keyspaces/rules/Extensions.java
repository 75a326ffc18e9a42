package dev.keyward.keyspaces.rules;

import java.util.List;
import java.util.Locale;

import org.apache.cassandra.cql3.CQLStatement;
import org.apache.cassandra.exceptions.InvalidRequestException;

/** Properties that Keyspaces has and Cassandra has not: refused in words that say so, where Cassandra's would mislead. */
final class Extensions {
    private static final List<String> PROPERTIES =
            List.of("CUSTOM_PROPERTIES", "TAGS", "AUTOSCALING_SETTINGS", "CLIENT_SIDE_TIMESTAMPS");

    private Extensions() {}

    /** For what Cassandra read; it would object only when it runs the statement. */
    static void check(CQLStatement.Raw statement) {
        Attributes.of(statement).ifPresent(attributes -> {
            for (String property : PROPERTIES)
                if (attributes.hasProperty(property.toLowerCase(Locale.US)))
                    throw unsupported(property);
        });
    }

    /** For what Cassandra cannot read: maps in maps, and tags that are added or dropped. */
    static void check(String text) {
        Tokens.of(text).named(PROPERTIES).ifPresent(property -> {
            throw unsupported(property);
        });
    }

    private static InvalidRequestException unsupported(String property) {
        return new InvalidRequestException(property + " is not supported by local Keyspaces");
    }
}
