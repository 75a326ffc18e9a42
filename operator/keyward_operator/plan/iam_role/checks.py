"""The checks: each a sentence about an IAM role that is true or not."""

from keyward_api import names
from keyward_api.iam_roles.permissions import INLINE_LIMIT, TRUST_LIMIT
from keyward_api.names import Condition, Reason
from keyward_operator.iam.calls import Aspect
from keyward_operator.iam.convergence import foreign_policies
from keyward_operator.iam.ownership import Holding
from keyward_operator.plan.finalizers import finalizers_of
from keyward_operator.plan.iam_role.view import View, trusted
from keyward_operator.plan.verdicts import Verdict, enumerate_names, fails, holds, join, passes_on, unknown

REFUSALS = (
    *(Reason.IAM_REFUSED, Reason.ACCESS_DENIED, Reason.NO_AWS_IDENTITY, Reason.IAM_ROLE_NOT_FOUND, Reason.NAME_TAKEN),
    *(Reason.PRINCIPAL_NOT_FOUND, Reason.LIMIT_EXCEEDED, Reason.DELETION_BLOCKED),
)
"""Reasons of calls that IAM refused."""


def spec_cannot_be_read(view: View) -> Verdict | None:
    """A newer or damaged object: on doubt nothing is done for it."""
    if view.spec is None:
        return fails(Reason.INVALID_SPEC, f"the spec cannot be read, so the role is left alone: {view.problem}")
    return None


def platform_does_not_permit(view: View) -> Verdict | None:
    """The platform's settings admit no such role in this namespace."""
    if view.admission is not None and view.admission.violations:
        messages = join([violation.message for violation in view.admission.violations])
        return fails(Reason.NOT_PERMITTED, messages + _what_becomes_of_it(view))
    return None


def _what_becomes_of_it(view: View) -> str:
    if view.may_change:
        return "; the role is trusted by nobody until then" if view.holding is Holding.OURS else ""
    if view.manages and names.IAM_ROLE_FINALIZER in finalizers_of(view.observed.document):
        return "; the role that was made stays as it is, for none may be changed here: take its trust away by hand"
    return ""


def permitted(view: View) -> Verdict:
    """Nothing spoke against it."""
    return holds(Reason.PERMITTED, "the platform permits this role")


def role_is_not_permitted(view: View) -> Verdict | None:
    """What hangs on permission fails for the same reason, in fewer words."""
    if view.denied:
        reason = Reason.INVALID_SPEC if view.spec is None else Reason.NOT_PERMITTED
        return fails(reason, f"nothing is done for this role: see the condition {Condition.PERMITTED}")
    return None


def iam_is_not_asked(view: View) -> Verdict | None:
    """The platform keeps the operator out of IAM: nothing is known, and nothing speaks against the role."""
    if not view.is_asked:
        return unknown(
            Reason.NOT_VERIFIED,
            "the platform's `tenants[].iam.mode` is 'None' for this namespace, so nothing is read from IAM: the "
            "condition RolesAssumable of a KeyspacesDatabase tells whether its agents can assume the role",
        )
    return None


@passes_on(Reason.ACCESS_DENIED, Reason.NO_AWS_IDENTITY)
def iam_does_not_tell(view: View) -> Verdict | None:
    """The operator has no identity, or its own role does not permit the question."""
    trouble = view.observed.unreadable
    return unknown(trouble.reason, trouble.message) if trouble else None


def role_is_in_another_account(view: View) -> Verdict | None:
    """IAM answers for the account of the operator's own identity only."""
    if view.in_own_account or view.observed.account is None:
        return None
    own = view.observed.account.account_id
    if view.manages:
        return fails(
            Reason.OTHER_ACCOUNT,
            f"the operator's own identity is of account {own}, in which alone it makes roles: set `accountID` to it, "
            "or let `management` be 'Adopt'",
        )
    return unknown(
        Reason.NOT_VERIFIED, f"the operator's own identity is of account {own}, so it cannot look at this role"
    )


def making_was_refused(view: View) -> Verdict | None:
    """IAM did not let the operator make or describe the role."""
    return _refused(view, Aspect.EXISTENCE)


def role_does_not_exist(view: View) -> Verdict | None:
    """There is none of that name."""
    if view.holding is not Holding.ABSENT:
        return None
    if view.manages:
        return unknown(Reason.PENDING, "the role is being made")
    return fails(
        Reason.IAM_ROLE_NOT_FOUND,
        f"{view.arn()} does not exist: create it with the trust policy in status.trustPolicy, or let `management` be "
        "'Manage'",
    )


def name_is_taken(view: View) -> Verdict | None:
    """Somebody else's role has the name: it is left alone."""
    role = view.observed.role
    if not view.manages or view.holding is not Holding.FOREIGN or role is None:
        return None
    return fails(
        Reason.NAME_TAKEN,
        f"{role.arn} exists and was not made for this object, so it is left alone: choose another `roleName`, let "
        f"`management` be 'Adopt', or, to hand it over, {_tag_command(view)}",
    )


def tags_were_lost(view: View) -> Verdict | None:
    """It lies where ours does, without the tags that say so."""
    role = view.observed.role
    if not view.manages or view.holding is not Holding.LOST or role is None:
        return None
    return fails(
        Reason.OWNERSHIP_LOST,
        f"{role.arn} no longer carries the tags of this object, so it is left alone: to have it kept again, "
        f"{_tag_command(view)}; else delete it, and it is made anew",
    )


def role_lies_elsewhere(view: View) -> Verdict | None:
    """The platform's path is another by now, and a role cannot be moved."""
    role = view.observed.role
    if not view.manages or view.holding is not Holding.OURS or role is None or role.path == view.path:
        return None
    return fails(
        Reason.PATH_DIFFERS,
        f"{role.arn} was made before the platform's path became {view.path}, and a role cannot be moved: delete it, "
        "and it is made anew there",
    )


def role_exists(view: View) -> Verdict:
    """IAM tells of it."""
    return holds(Reason.FOUND, f"{view.arn()} exists")


def role_is_not_known(view: View) -> Verdict | None:
    """Of a role that does not stand nothing else can be said."""
    stands = view.holding is Holding.OURS if view.manages else view.holding is not Holding.ABSENT
    if not view.is_asked or view.observed.unreadable or not view.in_own_account:
        return unknown(Reason.NOT_VERIFIED, f"not looked at: see the condition {Condition.EXISTS}")
    if not stands or role_lies_elsewhere(view):
        return unknown(Reason.PENDING, f"waits for the role: see the condition {Condition.EXISTS}")
    return None


def nobody_uses_the_role(view: View) -> Verdict | None:
    """No grant names it, so nothing is asked of it; one that is managed trusts nobody."""
    if view.observed.databases:
        return None
    return holds(
        Reason.NO_DATABASES, "no KeyspacesDatabase of this namespace and account has a grant that names the role"
    )


def trust_policy_is_too_large(view: View) -> Verdict | None:
    """IAM takes only so many characters: databases beyond are left out."""
    uses = [use for use in view.observed.databases if use.agent_role_exists]
    left_out = sorted({use.name for use in uses} - {use.name for use in trusted(uses)})
    if not view.manages or not left_out:
        return None
    return fails(
        Reason.POLICY_TOO_LARGE,
        f"the agents of {enumerate_names(left_out)} are not trusted, for IAM takes {TRUST_LIMIT} characters of a "
        "trust policy: spread the databases over several KeyspacesIAMRoles, or let them share an agents' role",
    )


def trust_was_refused(view: View) -> Verdict | None:
    """IAM did not take the trust policy."""
    return _refused(view, Aspect.TRUST)


def agents_role_does_not_exist(view: View) -> Verdict | None:
    """No trust policy can name a role that is not there."""
    missing = [use for use in view.observed.databases if not use.agent_role_exists]
    if not view.manages or not missing:
        return None
    named = enumerate_names([f"{use.agent_role_arn} of KeyspacesDatabase {use.name}" for use in missing])
    return fails(
        Reason.AGENT_ROLE_NOT_FOUND,
        f"the agents' own role does not exist, so it cannot be trusted: create {named}, unless the operator makes it",
    )


def trust_is_being_set(view: View) -> Verdict | None:
    """A change is under way."""
    return unknown(Reason.PENDING, "the trust policy is being set") if _is_changed(view, Aspect.TRUST) else None


def adopted_role_does_not_trust_the_agents(view: View) -> Verdict | None:
    """What its trust policy lacks."""
    role = view.observed.role
    if view.manages or role is None:
        return None
    gap = view.trust_gap(role)
    if gap.missing:
        return fails(Reason.TRUST_INCOMPLETE, f"the trust policy of {role.arn} lacks {gap.missing}")
    if gap.denied:
        return fails(Reason.EXPLICIT_DENY, f"the trust policy of {role.arn} denies {enumerate_names(gap.denied)}")
    if gap.unbound:
        return fails(
            Reason.ROLE_NOT_BOUND,
            f"{role.arn} can be assumed by {enumerate_names(gap.unbound)} without an ExternalId, so other databases of "
            "that role's agents could use it: let its trust policy ask for the one in status.trustPolicy",
        )
    if gap.conditional:
        return unknown(
            Reason.CONDITIONS_NOT_JUDGED,
            f"the trust policy of {role.arn} trusts {enumerate_names(gap.conditional)} on conditions that only AWS can "
            "judge: the condition RolesAssumable of the KeyspacesDatabase tells",
        )
    return None


def agents_are_trusted(view: View) -> Verdict:
    """By all databases that use the role."""
    named = enumerate_names([use.name for use in view.observed.databases])
    return holds(Reason.TRUSTED, f"the agents of {named} are trusted")


def inline_policy_is_too_large(view: View) -> Verdict | None:
    """IAM takes only so many characters: the role then has no inline policy."""
    if not view.manages or len(view.permissions) <= INLINE_LIMIT:
        return None
    return fails(
        Reason.POLICY_TOO_LARGE,
        f"the inline policy would have {len(view.permissions)} characters, and IAM takes {INLINE_LIMIT}, so the role "
        "has none: name fewer keyspaces and tables in `permissions`, or use '*'",
    )


def permissions_were_refused(view: View) -> Verdict | None:
    """IAM did not take policy, boundary or attachment."""
    return _refused(view, Aspect.PERMISSIONS)


def others_attached_policies(view: View) -> Verdict | None:
    """A managed role has rights that its spec does not say."""
    role = view.observed.role
    foreign = foreign_policies(role, view.attachable) if view.manages and role else ()
    if foreign:
        return fails(
            Reason.FOREIGN_POLICIES,
            f"the role also has {enumerate_names(foreign)}, which are not the operator's: take them off, or say in "
            "the spec what the role may do",
        )
    return None


def permissions_are_being_set(view: View) -> Verdict | None:
    """A change is under way."""
    changed = _is_changed(view, Aspect.PERMISSIONS)
    return unknown(Reason.PENDING, "the permissions are being set") if changed else None


def adopted_role_lacks_permissions(view: View) -> Verdict | None:
    """What its policies lack of what grants allow."""
    role = view.observed.role
    if view.manages or role is None:
        return None
    gap = view.permission_gap(role)
    if gap.missing:
        return fails(Reason.PERMISSIONS_INCOMPLETE, f"the policies of {role.arn} lack {gap.missing}")
    bound = view.boundary_gap(role)
    if bound and bound.missing:
        return fails(
            Reason.PERMISSIONS_INCOMPLETE, f"the permissions boundary {role.boundary} does not admit {bound.missing}"
        )
    denied = (*gap.denied, *(bound.denied if bound else ()))
    if denied:
        return fails(Reason.EXPLICIT_DENY, f"the policies of {role.arn} deny {enumerate_names(denied)}")
    conditional = (*gap.conditional, *(bound.conditional if bound else ()))
    if conditional:
        return unknown(
            Reason.CONDITIONS_NOT_JUDGED,
            f"the policies of {role.arn} allow {enumerate_names(conditional)} on conditions that only AWS can judge",
        )
    return None


def permissions_suffice(view: View) -> Verdict:
    """For all that grants allow."""
    return holds(Reason.SUFFICIENT, "the role may do what it is for")


@passes_on(*REFUSALS)
def _refused(view: View, aspect: Aspect) -> Verdict | None:
    refusals = [trouble for trouble in view.troubles if trouble.aspect is aspect]
    if not refusals:
        return None
    message = join([trouble.message for trouble in refusals])
    if all(trouble.passes for trouble in refusals):
        return unknown(Reason.PENDING, f"IAM does not show yet what was changed: {message}")
    return fails(refusals[0].reason, message)


def _is_changed(view: View, aspect: Aspect) -> bool:
    return any(call.aspect is aspect for call in view.repairs)


def _tag_command(view: View) -> str:
    tags = " ".join(f"Key={key},Value={value}" for key, value in view.observed.ownership.tags.items())
    name = view.spec.role_name if view.spec else ""
    return f"run `aws iam tag-role --role-name {name} --tags {tags}`"
