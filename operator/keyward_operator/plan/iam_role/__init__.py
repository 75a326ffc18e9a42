"""The plan for one KeyspacesIAMRole: from what was seen in the cluster and in IAM to calls of IAM and a status."""
