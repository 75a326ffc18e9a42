package dev.keyward.keyspaces.aws;

import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

import org.apache.cassandra.auth.AuthenticatedUser;
import org.apache.cassandra.auth.IResource;
import org.apache.cassandra.auth.IRoleManager;
import org.apache.cassandra.auth.Role;
import org.apache.cassandra.auth.RoleOptions;
import org.apache.cassandra.auth.RoleResource;
import org.apache.cassandra.exceptions.InvalidRequestException;

/**
 * Makes every principal that IAM let in a role of its own that may log in and is nothing else: no superusers, no
 * memberships, nothing stored. Role statements are refused before they come here.
 */
public final class IamRoleManager implements IRoleManager {
    private static Role ordinary(RoleResource role) {
        return new Role(role.getRoleName(), false, true, Map.of(), Set.of());
    }

    private static InvalidRequestException unsupported() {
        return new InvalidRequestException("Roles are managed by IAM");
    }

    @Override
    public boolean canLogin(RoleResource role) {
        return true;
    }

    @Override
    public boolean isSuper(RoleResource role) {
        return false;
    }

    @Override
    public boolean isExistingRole(RoleResource role) {
        return true;
    }

    @Override
    public Set<RoleResource> getRoles(RoleResource grantee, boolean includeInherited) {
        return Set.of(grantee);
    }

    @Override
    public Set<Role> getRoleDetails(RoleResource grantee) {
        return Set.of(ordinary(grantee));
    }

    @Override
    public Set<RoleResource> getAllRoles() {
        return Set.of();
    }

    @Override
    public Map<String, String> getCustomOptions(RoleResource role) {
        return Map.of();
    }

    @Override
    public Supplier<Map<RoleResource, Set<Role>>> bulkLoader() {
        return Map::of;
    }

    @Override
    public Set<Option> supportedOptions() {
        return Set.of();
    }

    @Override
    public Set<Option> alterableOptions() {
        return Set.of();
    }

    @Override
    public Set<? extends IResource> protectedResources() {
        return Set.of();
    }

    @Override
    public void createRole(AuthenticatedUser performer, RoleResource role, RoleOptions options) {
        throw unsupported();
    }

    @Override
    public void dropRole(AuthenticatedUser performer, RoleResource role) {
        throw unsupported();
    }

    @Override
    public void alterRole(AuthenticatedUser performer, RoleResource role, RoleOptions options) {
        throw unsupported();
    }

    @Override
    public void grantRole(AuthenticatedUser performer, RoleResource role, RoleResource grantee) {
        throw unsupported();
    }

    @Override
    public void revokeRole(AuthenticatedUser performer, RoleResource role, RoleResource revokee) {
        throw unsupported();
    }

    @Override
    public void validateConfiguration() {
        // Nothing to configure.
    }

    @Override
    public void setup() {
        // Nothing to set up: no role is stored.
    }
}
