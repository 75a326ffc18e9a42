"""What KeyspacesRoles and KeyspacesUsers come to: their status, worked out from a whole namespace."""
