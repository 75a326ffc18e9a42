package dev.keyward.keyspaces;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;

/**
 * What the launcher decided: the JSON file that {@code -Dkeyward.keyspaces.settings} names, read once.
 *
 * @param awsAdmin URL of local AWS's admin API
 * @param awsAdminTokenFile file with its bearer token, read for each call because local AWS may be restarted
 * @param partition first part of every ARN, such as {@code aws}
 * @param region the only region; also the data centre and the rack that clients see
 * @param account the only account; its 12 digits are part of every ARN
 * @param address where clients connect; the first of the nine peers
 * @param readLevels consistency levels of reads, DDL and USE
 * @param writeLevels consistency levels of INSERT, UPDATE, DELETE and BATCH
 * @param serialLevels levels that are Cassandra's own business
 * @param initialCql files of CQL to run before the port opens
 */
public record Settings(
        URI awsAdmin,
        Path awsAdminTokenFile,
        String partition,
        String region,
        String account,
        String address,
        List<String> readLevels,
        List<String> writeLevels,
        List<String> serialLevels,
        List<Path> initialCql) {

    /** Cassandra constructs plug-ins without arguments, so the settings are found, not given. */
    public static Settings get() {
        return Loaded.SETTINGS;
    }

    private static final class Loaded {
        static final Settings SETTINGS = load(Path.of(System.getProperty("keyward.keyspaces.settings")));

        private static Settings load(Path file) {
            try {
                return new ObjectMapper()
                        .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
                        .readValue(file.toFile(), Settings.class);
            } catch (IOException error) {
                throw new UncheckedIOException("The settings in " + file + " cannot be read", error);
            }
        }
    }
}
