package dev.keyward.keyspaces.rules;

import java.util.List;
import java.util.Optional;

import dev.keyward.keyspaces.aws.Access;
import dev.keyward.keyspaces.aws.Action;
import org.apache.cassandra.service.ClientState;

/**
 * {@code RESTORE TABLE a FROM TABLE b}, which Cassandra does not know: read as far as its tables, so that local IAM can
 * be asked as Keyspaces asks (developer guide, "Configure restore table IAM permissions").
 *
 * @param accesses Restore on the new table, Select on the one that it is made from
 */
record Restore(List<Access> accesses) {
    private record Name(String keyspace, String table, int end) {}

    /** What {@code text} restores, where it is such a statement. */
    static Optional<Restore> in(String text, ClientState client) {
        Tokens tokens = Tokens.of(text);
        if (!tokens.word(0).equals("RESTORE") || !tokens.word(1).equals("TABLE"))
            return Optional.empty();
        return name(tokens, 2, client).flatMap(target -> source(tokens, target, client));
    }

    private static Optional<Restore> source(Tokens tokens, Name target, ClientState client) {
        int from = target.end();
        if (!tokens.word(from).equals("FROM") || !tokens.word(from + 1).equals("TABLE"))
            return Optional.empty();
        return name(tokens, from + 2, client).map(source -> new Restore(List.of(
                Access.toTable(Action.RESTORE, target.keyspace(), target.table()),
                Access.toTable(Action.SELECT, source.keyspace(), source.table()))));
    }

    private static Optional<Name> name(Tokens tokens, int place, ClientState client) {
        if (place >= tokens.all().size())
            return Optional.empty();
        if (!tokens.word(place + 1).equals("."))
            return Optional.of(new Name(client.getKeyspace(), tokens.name(place), place + 1));
        if (place + 2 >= tokens.all().size())
            return Optional.empty();
        return Optional.of(new Name(tokens.name(place), tokens.name(place + 2), place + 3));
    }
}
