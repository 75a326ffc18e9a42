package dev.keyward.keyspaces.rules;

import java.lang.reflect.Field;
import java.util.Optional;

import org.apache.cassandra.cql3.CQLStatement;
import org.apache.cassandra.cql3.statements.PropertyDefinitions;
import org.apache.cassandra.cql3.statements.schema.AlterKeyspaceStatement;
import org.apache.cassandra.cql3.statements.schema.AlterTableStatement;
import org.apache.cassandra.cql3.statements.schema.CreateKeyspaceStatement;
import org.apache.cassandra.cql3.statements.schema.CreateTableStatement;

/** What stands behind WITH in a statement that was read. */
final class Attributes {
    private Attributes() {}

    /** Of a keyspace or a table that is created or altered. The parser gives no other way to them. */
    static Optional<PropertyDefinitions> of(CQLStatement.Raw statement) {
        if (!(statement instanceof CreateKeyspaceStatement.Raw) && !(statement instanceof AlterKeyspaceStatement.Raw)
                && !(statement instanceof CreateTableStatement.Raw) && !(statement instanceof AlterTableStatement.Raw))
            return Optional.empty();
        try {
            Field field = statement.getClass().getDeclaredField("attrs");
            field.setAccessible(true);
            return Optional.of((PropertyDefinitions) field.get(statement));
        } catch (ReflectiveOperationException error) {
            throw new LinkageError("This is not the Cassandra that local Keyspaces was written for", error);
        }
    }
}
