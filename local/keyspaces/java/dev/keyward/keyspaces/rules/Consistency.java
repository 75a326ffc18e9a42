package dev.keyward.keyspaces.rules;

import java.util.List;

import dev.keyward.keyspaces.Settings;
import org.apache.cassandra.cql3.CQLStatement;
import org.apache.cassandra.cql3.statements.BatchStatement;
import org.apache.cassandra.cql3.statements.ModificationStatement;
import org.apache.cassandra.db.ConsistencyLevel;
import org.apache.cassandra.exceptions.InvalidRequestException;

/**
 * Keyspaces' consistency levels, which it checks for every statement: for USE and DDL too, where Cassandra ignores
 * them. The levels come from the launcher, because the agent upgrades to the same table.
 */
final class Consistency {
    private Consistency() {}

    /** @throws InvalidRequestException in the words of Keyspaces (0x2200) */
    static void check(CQLStatement statement, ConsistencyLevel level) {
        Settings settings = Settings.get();
        boolean write = statement instanceof ModificationStatement || statement instanceof BatchStatement;
        List<String> supported = write ? settings.writeLevels() : settings.readLevels();
        if (!supported.contains(level.name()) && !settings.serialLevels().contains(level.name()))
            throw new InvalidRequestException(String.format(
                    "Consistency level %s is not supported for this operation. Supported consistency levels are: %s",
                    level, String.join(", ", supported)));
    }
}
