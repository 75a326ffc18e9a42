package dev.keyward.keyspaces.aws;

import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.Map;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.keyward.keyspaces.Settings;
import org.apache.cassandra.exceptions.AuthenticationException;
import org.apache.cassandra.transport.ServerError;

/**
 * The admin API of local AWS, which alone knows secrets and policies. What goes there is what a client sent; what
 * comes back is a name and a yes or no.
 */
final class LocalAws {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Settings settings = Settings.get();
    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(Duration.ofSeconds(2)).build();

    /**
     * @param principal ARN of the user or of the assumed role's session
     * @param account whose keyspaces the principal sees
     * @param session names this login to {@link #allows}
     */
    record Login(String principal, String account, String session) {}

    /**
     * Whose signature this is.
     *
     * @throws AuthenticationException with the text that Keyspaces gives, when nobody's
     */
    Login authenticate(Map<String, String> signed) {
        HttpResponse<String> response = post("/keyspaces/authenticate", signed);
        JsonNode answer = body(response);
        if (response.statusCode() == 403)
            throw new AuthenticationException(answer.path("message").asText());
        return new Login(text(answer, "principal"), text(answer, "account"), text(answer, "session"));
    }

    /** Whether the policies in force for this session allow the access. */
    boolean allows(String session, Access access) {
        Map<String, Object> question = Map.of("session", session, "action", access.action().toString(),
                "resources", List.of(access.resource()));
        HttpResponse<String> response = post("/keyspaces/authorize", question);
        if (response.statusCode() != 200)
            throw unexpected(response.statusCode() + " " + response.body());
        return body(response).path("allowed").asBoolean(false);
    }

    private HttpResponse<String> post(String path, Object question) {
        try {
            String token = Files.readString(settings.awsAdminTokenFile()).strip();
            HttpRequest request = HttpRequest.newBuilder(settings.awsAdmin().resolve(path))
                    .timeout(Duration.ofSeconds(5))
                    .header("Authorization", "Bearer " + token)
                    .header("Content-Type", "application/json")
                    .POST(HttpRequest.BodyPublishers.ofString(JSON.writeValueAsString(question)))
                    .build();
            return http.send(request, HttpResponse.BodyHandlers.ofString());
        } catch (IOException error) {
            throw new ServerError("Local AWS at " + settings.awsAdmin() + " did not answer: " + error);
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new ServerError("Interrupted while local AWS was asked");
        }
    }

    private static JsonNode body(HttpResponse<String> response) {
        try {
            return JSON.readTree(response.body());
        } catch (IOException error) {
            throw unexpected(response.statusCode() + " " + response.body());
        }
    }

    private static String text(JsonNode answer, String field) {
        if (!answer.path(field).isTextual())
            throw unexpected("no " + field + " in " + answer);
        return answer.path(field).asText();
    }

    private static ServerError unexpected(String what) {
        return new ServerError("Local AWS did not answer as its admin API should: " + what);
    }
}
