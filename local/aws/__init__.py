"""A strict local STS and IAM: the AWS of the demo and of the tests.

It speaks the query protocols of AWS STS (2011-06-15) and AWS IAM (2010-05-08) over HTTPS, so that boto3 works
against it unchanged, and an admin API on loopback through which local Keyspaces asks whose key signed a login
and what a session may do. It refuses what it does not implement; README.md next to this file lists those
limits.

moto stores the IAM entities and answers the IAM calls. Signatures, web identity tokens, trust policies,
identity policies, session policies and the life of sessions are decided here.
"""
