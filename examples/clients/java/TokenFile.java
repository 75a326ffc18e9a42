import com.datastax.oss.driver.api.core.auth.PlainTextAuthProviderBase;
import com.datastax.oss.driver.api.core.metadata.EndPoint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

public final class TokenFile extends PlainTextAuthProviderBase {
  private final String role;
  private final Path path;

  public TokenFile(String role, Path path) {
    super("token file");
    this.role = role;
    this.path = path;
  }

  @Override
  protected Credentials getCredentials(EndPoint endPoint, String serverAuthenticator) {
    try {
      return new Credentials(role.toCharArray(), Files.readString(path).strip().toCharArray());
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }
}
