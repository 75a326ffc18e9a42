"""What a platform team sets up in an account of local AWS, and the operator's identity there."""

from local.aws.client import REGION, Credentials
from tests.integration.local_services import ACCOUNT, LocalAws, allow, policy

EVERYBODY = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
"""Whoever in the account has a right to."""


def set_up(aws: LocalAws, *, boundary: str, roles: tuple[str, ...]) -> None:
    """Make the boundary, and roles for the operator and for agents; all are names."""
    rights = allow(["cassandra:*", "sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"], "*")
    aws.iam.create_policy(PolicyName=boundary, PolicyDocument=policy(rights))
    for name in roles:
        aws.iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(EVERYBODY))


def register(aws: LocalAws, issuer: str) -> None:
    """Make the OIDC provider of an issuer of tokens, if there is none."""
    iam = aws.iam
    try:
        iam.create_open_id_connect_provider(Url=issuer, ClientIDList=["sts.amazonaws.com"], ThumbprintList=["0" * 40])
    except iam.exceptions.EntityAlreadyExistsException:
        return


def session_of(aws: LocalAws, role: str) -> Credentials:
    """A session of a role, whose rights are those of the role alone."""
    starter = aws.user(f"{role}-starter", allow("sts:AssumeRole", "*"))
    arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
    answer = aws.client("sts", starter).assume_role(RoleArn=arn, RoleSessionName="operator")
    return Credentials.of_response(answer)


def environment(aws: LocalAws, identity: Credentials) -> dict[str, str]:
    """The variables by which boto3 finds local AWS and this identity."""
    return {
        "AWS_ACCESS_KEY_ID": identity.access_key_id,
        "AWS_SECRET_ACCESS_KEY": identity.secret_access_key,
        "AWS_SESSION_TOKEN": identity.session_token or "",
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL_IAM": aws.url,
        "AWS_ENDPOINT_URL_STS": aws.url,
        "AWS_CA_BUNDLE": str(aws.certificates.ca),
    }
