package dev.keyward.keyspaces.aws;

import org.apache.cassandra.auth.AuthenticatedUser;

/** Who logged in: Cassandra knows the user by the principal's ARN, local AWS by the session. */
public final class Caller extends AuthenticatedUser {
    private final String session;

    Caller(String principal, String session) {
        super(principal);
        this.session = session;
    }

    /** What local AWS calls this login; opaque. */
    String session() {
        return session;
    }

    @Override
    public boolean equals(Object other) {
        return super.equals(other) && other instanceof Caller caller && session.equals(caller.session);
    }

    @Override
    public int hashCode() {
        return session.hashCode();
    }
}
