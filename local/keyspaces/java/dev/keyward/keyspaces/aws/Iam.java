package dev.keyward.keyspaces.aws;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.keyward.keyspaces.Settings;
import org.apache.cassandra.exceptions.UnauthorizedException;

/**
 * Who a caller is and what it may do, by the word of local AWS.
 *
 * <p>An answer is believed for one second: a changed policy bites on open connections that soon. Real Keyspaces may
 * take ten minutes.
 */
public final class Iam {
    public static final Iam INSTANCE = new Iam();

    /** What every driver reads before it gives the connection to its user. */
    private static final List<Access> NEEDED_TO_CONNECT = Stream.of(
                    List.of("system", "local"), List.of("system", "peers"),
                    List.of("system_schema", "keyspaces"), List.of("system_schema_mcs", "keyspaces"))
            .map(name -> Access.toTable(Action.SELECT, name.get(0), name.get(1)))
            .toList();

    private record Question(String session, Access access) {}

    private final LocalAws aws = new LocalAws();
    private final Cache<Question, Boolean> answers =
            Caffeine.newBuilder().expireAfterWrite(Duration.ofSeconds(1)).maximumSize(10_000).build();

    private Iam() {}

    /**
     * The caller behind a signature.
     *
     * @throws org.apache.cassandra.exceptions.AuthenticationException if nobody signed so (0x0100)
     * @throws UnauthorizedException if the caller may not even read the system tables (0x2100)
     */
    Caller login(Map<String, String> signed) {
        LocalAws.Login login = aws.authenticate(signed);
        Caller caller = new Caller(login.principal(), login.session());
        boolean known = login.account().equals(Settings.get().account());
        if (!known || !NEEDED_TO_CONNECT.stream().allMatch(access -> allows(caller, access)))
            throw new UnauthorizedException("User " + caller.getName() + " has no permissions.");
        return caller;
    }

    /** @throws UnauthorizedException naming the first access that the caller does not have */
    public void require(Caller caller, Collection<Access> accesses) {
        for (Access access : accesses)
            if (!allows(caller, access))
                throw new UnauthorizedException(
                        String.format("User: %s is not authorized to perform: %s on resource: %s",
                                caller.getName(), access.action(), access.resource()));
    }

    private boolean allows(Caller caller, Access access) {
        return answers.get(
                new Question(caller.session(), access),
                question -> aws.allows(question.session(), question.access()));
    }
}
