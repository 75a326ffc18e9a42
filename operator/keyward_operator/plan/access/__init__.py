"""What KeyspacesRoles, KeyspacesUsers and KeyspacesLocks come to: their status, worked out from a whole namespace."""
