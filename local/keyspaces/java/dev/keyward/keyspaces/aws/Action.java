package dev.keyward.keyspaces.aws;

/** The IAM actions that local Keyspaces asks for (service authorization reference of Amazon Keyspaces). */
public enum Action {
    SELECT("Select"),
    MODIFY("Modify"),
    CREATE("Create"),
    ALTER("Alter"),
    DROP("Drop"),
    RESTORE("Restore"),
    UPDATE_PARTITIONER("UpdatePartitioner");

    private final String name;

    Action(String name) {
        this.name = name;
    }

    /** As policies write it. */
    @Override
    public String toString() {
        return "cassandra:" + name;
    }
}
