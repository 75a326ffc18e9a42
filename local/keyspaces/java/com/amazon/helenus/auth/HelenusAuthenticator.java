package com.amazon.helenus.auth;

import java.net.InetAddress;
import java.util.Map;
import java.util.Set;

import dev.keyward.keyspaces.aws.SigV4Negotiator;
import org.apache.cassandra.auth.AuthenticatedUser;
import org.apache.cassandra.auth.IAuthenticator;
import org.apache.cassandra.auth.IResource;
import org.apache.cassandra.exceptions.AuthenticationException;

/**
 * The authenticator of Amazon Keyspaces under its real class name: the name travels in AUTHENTICATE, and some drivers
 * (gocql up to 1.7) answer only the names that they know.
 */
public final class HelenusAuthenticator implements IAuthenticator {
    @Override
    public SaslNegotiator newSaslNegotiator(InetAddress clientAddress) {
        return new SigV4Negotiator();
    }

    @Override
    public boolean requireAuthentication() {
        return true;
    }

    @Override
    public Set<? extends IResource> protectedResources() {
        return Set.of();
    }

    @Override
    public AuthenticatedUser legacyAuthenticate(Map<String, String> credentials) {
        throw new AuthenticationException("Logins of protocol v1 are not supported");
    }

    @Override
    public void validateConfiguration() {
        // Everything that this class needs is in Settings, which refuses to load when it is incomplete.
    }

    @Override
    public void setup() {
        // Keeps nothing of its own: local AWS knows the identities.
    }
}
