package dev.keyward.keyspaces;

import java.lang.reflect.Field;
import java.util.List;

import org.apache.cassandra.cql3.QueryProcessor;
import org.apache.cassandra.transport.ProtocolVersion;
import org.apache.cassandra.utils.CassandraVersion;

/**
 * Makes this server one of native protocol v3 and v4 and of CQL 3.4.4.
 *
 * <p>Cassandra 5 has no setting for either. The table that it decodes versions by is an array, so the newer ones are
 * taken out of it: a v5 OPTIONS or STARTUP is then answered as any unknown version is, with 0x000A and the versions
 * there are. The header of that answer says v5, which clients that asked for v5 can read.
 */
final class ProtocolVersions {
    private ProtocolVersions() {}

    /** To be called before the port opens. */
    static void limit() {
        try {
            ProtocolVersion[] decoded =
                    (ProtocolVersion[]) field(ProtocolVersion.class, "SUPPORTED_VERSIONS").get(null);
            for (int index = 0; index < decoded.length; index++)
                if (decoded[index].isGreaterThan(ProtocolVersion.V4))
                    decoded[index] = null;
            ProtocolVersion.SUPPORTED.removeAll(List.of(ProtocolVersion.V5, ProtocolVersion.V6));
            field(CassandraVersion.class, "patch").setInt(QueryProcessor.CQL_VERSION, 4); // 3.4.7 is not Keyspaces'
        } catch (ReflectiveOperationException error) {
            throw new LinkageError("This is not the Cassandra that local Keyspaces was written for", error);
        }
    }

    private static Field field(Class<?> owner, String name) throws NoSuchFieldException {
        Field field = owner.getDeclaredField(name);
        field.setAccessible(true);
        return field;
    }
}
