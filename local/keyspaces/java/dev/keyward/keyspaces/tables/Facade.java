package dev.keyward.keyspaces.tables;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.UUID;

/** What Keyspaces tells every client about itself, whoever answers. */
final class Facade {
    static final String CLUSTER_NAME = "Amazon Keyspaces";
    static final String RELEASE_VERSION = "3.11.2";
    static final String CQL_VERSION = "3.4.4";
    static final String NATIVE_PROTOCOL_VERSION = "4";
    static final String THRIFT_VERSION = "20.1.0";
    static final String PARTITIONER = "org.apache.cassandra.dht.Murmur3Partitioner";
    static final InetAddress LOOPBACK = address("127.0.0.1");

    private Facade() {}

    /** Never asks a name server: {@code literal} is an IP address. */
    static InetAddress address(String literal) {
        try {
            return InetAddress.getByName(literal);
        } catch (UnknownHostException error) {
            throw new IllegalArgumentException(literal + " is not an IP address", error);
        }
    }

    /** A name-based UUID, as Keyspaces' are. */
    static UUID hostId(InetAddress address) {
        return UUID.nameUUIDFromBytes(address.getAddress());
    }
}
