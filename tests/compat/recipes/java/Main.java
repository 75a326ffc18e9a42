import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.config.DefaultDriverOption;
import com.datastax.oss.driver.api.core.config.DriverConfigLoader;
import com.datastax.oss.driver.api.core.ssl.ProgrammaticSslEngineFactory;
import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** A client that lives on: one query for each line of its input. `Main ADDRESS PORT CA ROLE TOKEN_FILE`. */
public final class Main {
  public static void main(String[] arguments) throws Exception {
    DriverConfigLoader options =
        DriverConfigLoader.programmaticBuilder()
            .withDuration(DefaultDriverOption.CONNECTION_INIT_QUERY_TIMEOUT, Duration.ofSeconds(20))
            .withDuration(DefaultDriverOption.CONTROL_CONNECTION_TIMEOUT, Duration.ofSeconds(20))
            .withDuration(DefaultDriverOption.RECONNECTION_BASE_DELAY, Duration.ofMillis(500))
            .withDuration(DefaultDriverOption.RECONNECTION_MAX_DELAY, Duration.ofSeconds(2))
            .build();
    try (CqlSession session =
            CqlSession.builder()
                .addContactPoint(new InetSocketAddress(arguments[0], Integer.parseInt(arguments[1])))
                .withLocalDatacenter("us-east-1")
                .withSslEngineFactory(new ProgrammaticSslEngineFactory(trust(arguments[2]), null, true))
                .withAuthProvider(new TokenFile(arguments[3], Path.of(arguments[4])))
                .withConfigLoader(options)
                .build();
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in))) {
      while (lines.readLine() != null) {
        System.out.println(answer(session));
      }
    }
    System.exit(0);
  }

  /** Asks again for a while: the connection may have ended, and a new one be on its way. */
  private static String answer(CqlSession session) throws InterruptedException {
    long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    while (true) {
      try {
        return session.execute("SELECT key FROM system.local").one().getString("key");
      } catch (RuntimeException error) {
        if (System.nanoTime() > deadline) {
          return error.toString();
        }
        Thread.sleep(500);
      }
    }
  }

  private static SSLContext trust(String authority) throws Exception {
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    try (InputStream pem = Files.newInputStream(Path.of(authority))) {
      store.setCertificateEntry("keyward", CertificateFactory.getInstance("X.509").generateCertificate(pem));
    }
    TrustManagerFactory managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    managers.init(store);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, managers.getTrustManagers(), null);
    return context;
  }
}
