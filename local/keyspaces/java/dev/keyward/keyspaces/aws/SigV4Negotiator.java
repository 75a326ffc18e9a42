package dev.keyward.keyspaces.aws;

import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;

import dev.keyward.keyspaces.Settings;
import org.apache.cassandra.auth.AuthenticatedUser;
import org.apache.cassandra.auth.IAuthenticator.SaslNegotiator;
import org.apache.cassandra.exceptions.AuthenticationException;

/**
 * One login: the client names the mechanism SigV4, gets a nonce, and answers with a signature over it.
 *
 * <p>Source: AWS's published plug-ins for Python, Java, Go and Node.js, which agree. PLAIN, for service-specific
 * credentials, is refused as a wrong password is: local AWS issues none.
 */
public final class SigV4Negotiator implements SaslNegotiator {
    private static final String MECHANISM = "SigV4\0\0";
    private static final SecureRandom RANDOM = new SecureRandom();

    private String nonce;
    private Caller caller;

    @Override
    public byte[] evaluateResponse(byte[] response) {
        String text = new String(response, StandardCharsets.UTF_8);
        return nonce == null ? challenge(text) : verify(text);
    }

    private byte[] challenge(String text) {
        if (!text.equals(MECHANISM))
            throw new AuthenticationException(
                    "Provided username " + plainUser(text) + " and/or password are incorrect");
        byte[] random = new byte[16];
        RANDOM.nextBytes(random);
        nonce = HexFormat.of().formatHex(random);
        return ("nonce=" + nonce).getBytes(StandardCharsets.US_ASCII);
    }

    private byte[] verify(String text) {
        Map<String, String> fields = fields(text);
        Map<String, String> signed = new HashMap<>();
        signed.put("nonce", nonce);
        signed.put("region", Settings.get().region());
        signed.put("accessKeyId", required(fields, "access_key"));
        signed.put("amzdate", required(fields, "amzdate"));
        signed.put("signature", required(fields, "signature"));
        signed.put("sessionToken", fields.get("session_token"));
        caller = Iam.INSTANCE.login(signed);
        return null;
    }

    private static String required(Map<String, String> fields, String name) {
        String value = fields.get(name);
        if (value == null)
            throw new AuthenticationException("Authentication failure: " + name + " is missing");
        return value;
    }

    /** {@code name=value} pairs between commas; a token may hold {@code =} but no comma. */
    private static Map<String, String> fields(String text) {
        Map<String, String> fields = new HashMap<>();
        for (String pair : text.split(",")) {
            String[] halves = pair.split("=", 2);
            fields.put(halves[0], halves.length == 2 ? halves[1] : "");
        }
        return fields;
    }

    /** The user name of PLAIN (RFC 4616): authorization id, NUL, user, NUL, password. */
    private static String plainUser(String text) {
        String[] parts = text.split("\0", -1);
        return parts.length == 3 ? parts[1] : "";
    }

    @Override
    public boolean isComplete() {
        return caller != null;
    }

    @Override
    public AuthenticatedUser getAuthenticatedUser() {
        return caller;
    }
}
