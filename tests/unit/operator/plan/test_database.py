from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from keyward_api import names
from keyward_api.resources.policy import KeyspacesPolicySpec
from keyward_operator.children import Child
from keyward_operator.kinds import reference_to
from keyward_operator.plan.database import AGAIN_WHERE_HELD, after_refusals
from keyward_operator.plan.observed import Observed
from keyward_operator.plan.result import AGAIN_WHERE_TAKEN, Issue, Plan
from tests.unit.operator import iam_roles
from tests.unit.operator.builders import (
    AWS_ROOTS,
    DB_USER,
    LIFETIME,
    NOW,
    OPTIONAL,
    REFERENCES,
    ROLE_ARN,
    applied,
    carry_out,
    changed_child,
    child_of,
    conditions,
    database,
    lock,
    observed,
    plan_for,
    pod,
    report,
    role,
    serving,
    settings,
    settled,
    user,
    view_for,
)

CUSTOM = {"type": "Custom", "address": "keyspaces.example"}


def made_by(steps: Plan) -> list[Child]:
    return [child_of(reference_to(manifest)) for manifest in steps.apply]


def deleted_by(steps: Plan) -> list[Child]:
    return [child_of(deletion.reference) for deletion in steps.delete]


def labelled(world: Observed, child: Child, **labels: str) -> Observed:
    live = world.children[child]
    metadata = {**live["metadata"], "labels": {**live["metadata"]["labels"], **labels}}
    return changed_child(world, child, metadata=metadata)


def published(world: Observed) -> KeyspacesPolicySpec:
    return KeyspacesPolicySpec.model_validate(world.children[Child.POLICY]["spec"])


def deleting(world: Observed) -> Observed:
    metadata = {**world.database["metadata"], "deletionTimestamp": "2026-11-23T12:00:00Z"}
    return replace(world, database={**world.database, "metadata": metadata})


def test_the_finalizer_comes_before_the_first_child() -> None:
    document = database()
    document["metadata"]["finalizers"] = ["somebody/else"]
    steps = plan_for(observed(database=document))
    assert steps.finalizers == ("somebody/else", names.FINALIZER)


def test_the_first_plan_makes_what_the_rest_waits_for() -> None:
    steps = plan_for(observed())
    assert steps.issue is Issue.FIRST
    assert Child.SERVICE in made_by(steps)
    assert Child.SERVICE_ACCOUNT in made_by(steps)
    assert Child.POLICY not in made_by(steps)
    assert Child.DEPLOYMENT not in made_by(steps)
    assert steps.requeue_after == 0


def test_what_iam_needs_is_in_status_before_anything_works() -> None:
    status = plan_for(observed()).status
    assert status is not None
    identity = status["identity"]
    assert identity["serviceAccount"] == "keyward-agents/payments.orders"
    assert identity["externalID"] == "cluster-uid/payments/orders"
    assert "cluster-uid/payments/orders" in identity["trustPolicy"]
    assert "system:serviceaccount:keyward-agents:payments.orders" in identity["agentTrustPolicy"]


def test_the_second_plan_makes_the_rest_the_deployment_last() -> None:
    world = carry_out(observed(), plan_for(observed()))
    steps = plan_for(world)
    assert made_by(steps)[-1] is Child.DEPLOYMENT
    assert {Child.POLICY, Child.CLIENT_CA} <= set(made_by(steps))
    world = carry_out(world, steps)
    assert published(world).database.service_address == "10.0.0.7"
    assert set(world.children) == set(Child) - OPTIONAL


def test_a_settled_world_needs_nothing() -> None:
    assert plan_for(settled()).does_nothing
    assert plan_for(serving(), now=NOW + timedelta(days=30)).does_nothing


@pytest.mark.parametrize("child", sorted(set(Child) - OPTIONAL - {Child.CA_SECRET, Child.SERVICE}))
def test_a_child_that_vanished_is_made_again(child: Child) -> None:
    world = settled()
    children = {name: live for name, live in world.children.items() if name is not child}
    assert made_by(plan_for(replace(world, children=children))) == [child]


@pytest.mark.parametrize(
    ("child", "part"),
    [
        (Child.CLIENT_SERVICE, {"spec": {"type": "ExternalName", "externalName": "evil.example"}}),
        (Child.CLIENT_CA, {"data": {"ca.crt": "another CA"}}),
        (Child.ROLE, {"rules": []}),
    ],
)
def test_a_child_that_drifted_is_applied_again(child: Child, part: dict[str, Any]) -> None:
    assert made_by(plan_for(changed_child(settled(), child, **part))) == [child]


def test_what_others_added_to_a_child_stays() -> None:
    world = settled()
    assert plan_for(labelled(world, Child.SERVICE, team="payments")).does_nothing


def test_a_valid_authority_is_kept_however_long_it_takes() -> None:
    steps = plan_for(settled(), now=NOW + LIFETIME - timedelta(seconds=1))
    assert steps.issue is Issue.SUCCESSOR


def test_an_expired_or_broken_authority_is_replaced() -> None:
    assert plan_for(settled(), now=NOW + LIFETIME).issue is Issue.FIRST
    broken = changed_child(settled(), Child.CA_SECRET, data={"tls.crt": "YQ==", "tls.key": "YQ=="})
    assert plan_for(broken).issue is Issue.FIRST


def test_a_removed_user_is_gone_from_the_policy() -> None:
    world = settled()
    assert published(world).identities
    assert not published(settled(replace(world, users=()))).identities


def test_a_user_that_is_being_deleted_has_no_grant() -> None:
    leaving = user()
    leaving["metadata"]["deletionTimestamp"] = "2026-11-23T12:00:00Z"
    assert not published(settled(observed(users=(leaving,)))).grants


def test_a_new_role_arn_rolls_the_pods() -> None:
    world = settled()
    other = database(agent={"replicas": 2, "identity": {"roleARN": "arn:aws:iam::111122223333:role/other"}})
    steps = plan_for(replace(world, database={**other, "status": world.database["status"]}))
    assert made_by(steps) == [Child.POLICY, Child.SERVICE_ACCOUNT, Child.DEPLOYMENT]
    template = steps.apply[-1]["spec"]["template"]["metadata"]["annotations"]
    before = world.children[Child.DEPLOYMENT]["spec"]["template"]["metadata"]["annotations"]
    assert template != before


def test_an_account_that_was_made_anew_rolls_the_pods_whose_tokens_ended_with_the_old_one() -> None:
    world = settled()
    without = {child: live for child, live in world.children.items() if child is not Child.SERVICE_ACCOUNT}
    steps = plan_for(replace(world, children=without))
    assert (made_by(steps), deleted_by(steps), steps.requeue_after) == ([Child.SERVICE_ACCOUNT], [], 0)
    (account,) = steps.apply
    anew = replace(world, children={**without, Child.SERVICE_ACCOUNT: applied(account, uid="another")})
    assert made_by(plan_for(anew)) == [Child.DEPLOYMENT]


class TestNotPermitted:
    def test_nothing_is_made(self) -> None:
        steps = plan_for(observed(database=database(endpoint=CUSTOM)))
        assert (steps.apply, steps.issue) == ((), None)
        world = carry_out(observed(database=database(endpoint=CUSTOM)), steps)
        assert conditions(world)["Ready"]["reason"] == "NotPermitted"
        assert "endpointTypes" in conditions(world)["Ready"]["message"]
        assert "identity" in world.database["status"]

    def test_agents_that_run_lose_every_grant_and_then_go(self) -> None:
        world = serving()
        narrow = settings(tenants=[{"accounts": ["999999999999"]}])
        steps = plan_for(world, narrow)
        assert made_by(steps) == [Child.POLICY]
        assert deleted_by(steps) == [Child.DEPLOYMENT]
        after = carry_out(world, steps)
        assert published(after).grants == ()
        assert published(after).revision != published(world).revision
        assert published(after).database == published(world).database
        assert after.database["status"]["caBundle"] == world.database["status"]["caBundle"]
        assert plan_for(replace(after, pods=()), narrow).apply == ()

    def test_permission_restores_what_clients_know(self) -> None:
        world = settled()
        denied = settled(world, settings(tenants=[]))
        assert conditions(denied)["Permitted"]["status"] == "False"
        again = settled(denied)
        assert again.database["status"]["caBundle"] == world.database["status"]["caBundle"]
        assert published(again) == published(world)

    def test_a_namespace_label_may_permit(self) -> None:
        tenants = [{"namespaceSelector": {"matchLabels": {"tier": "gold"}}, "endpointTypes": ["Public"]}]
        assert conditions(settled(platform=settings(tenants=tenants)))["Permitted"]["status"] == "False"
        gold = observed(namespace_labels={"tier": "gold"})
        assert conditions(settled(gold, settings(tenants=tenants)))["Permitted"]["status"] == "True"


@pytest.mark.parametrize("spec", [{"aws": {"accountID": "1"}}, {"endpoint": {"type": "VPC"}}, {"agent": None}])
def test_a_spec_that_cannot_be_read_closes_the_database(spec: dict[str, Any]) -> None:
    world = serving()
    broken = {**database(**spec), "status": world.database["status"]}
    after = carry_out(world, plan_for(replace(world, database=broken)))
    assert published(after).grants == ()
    assert Child.DEPLOYMENT not in after.children
    assert conditions(after)["Permitted"]["reason"] == "InvalidSpec"


class TestNames:
    @pytest.mark.parametrize("child", sorted(set(Child) - OPTIONAL))
    def test_a_foreign_object_is_never_touched(self, child: Child) -> None:
        reference = REFERENCES[child]
        foreign = {
            "apiVersion": reference.kind.api_version,
            "kind": reference.kind.kind,
            "metadata": {"name": reference.name, "namespace": reference.namespace, "uid": "theirs"},
            "spec": {},
        }
        steps = plan_for(observed(children={child: foreign}))
        assert child not in made_by(steps)
        assert steps.delete == ()
        assert not (child is Child.CA_SECRET and steps.issue)
        ready = conditions(carry_out(observed(), steps))["Ready"]
        assert (ready["status"], ready["reason"]) == ("False", "NameTaken")
        assert str(reference) in ready["message"]

    def test_a_revocation_passes_even_where_a_name_is_taken(self) -> None:
        world = labelled(settled(), Child.CLIENT_SERVICE, **{names.LABEL_MANAGED_BY: "somebody"})
        steps = plan_for(replace(world, users=()))
        assert made_by(steps) == [Child.POLICY]
        assert not steps.apply[0]["spec"]["grants"]

    def test_a_database_whose_name_is_taken_is_looked_at_again(self) -> None:
        world = labelled(settled(), Child.CLIENT_SERVICE, **{names.LABEL_MANAGED_BY: "somebody"})
        assert plan_for(world).requeue_after == AGAIN_WHERE_TAKEN
        assert (plan_for(settled()).requeue_after or 0) > 86400

    def test_without_its_service_the_policy_keeps_the_address(self) -> None:
        world = labelled(settled(), Child.SERVICE, **{names.LABEL_MANAGED_BY: "somebody"})
        (policy,) = plan_for(replace(world, users=())).apply
        assert policy["spec"]["database"]["serviceAddress"] == "10.0.0.7"

    def test_children_of_a_predecessor_are_removed_and_made_anew(self) -> None:
        world = settled()
        old = labelled(world, Child.CA_SECRET, **{names.LABEL_OWNER_UID: "predecessor"})
        steps = plan_for(old)
        assert deleted_by(steps) == [Child.CA_SECRET]
        assert steps.issue is None
        assert steps.requeue_after is not None
        assert plan_for(carry_out(old, steps)).issue is Issue.FIRST


class TestDeletion:
    def test_children_go_first_and_what_grants_access_before_them(self) -> None:
        steps = plan_for(deleting(serving()))
        assert deleted_by(steps)[:2] == [Child.POLICY, Child.DEPLOYMENT]
        assert set(deleted_by(steps)) == set(Child) - OPTIONAL
        assert (steps.finalizers, steps.apply, steps.status) == (None, (), None)
        assert steps.requeue_after is not None

    def test_then_our_finalizer_goes_and_no_other(self) -> None:
        world = deleting(observed())
        world.database["metadata"]["finalizers"] = ["somebody/else", names.FINALIZER]
        assert plan_for(world) == Plan(finalizers=("somebody/else",))
        world.database["metadata"]["finalizers"] = ["somebody/else"]
        assert plan_for(world).does_nothing

    def test_a_foreign_object_does_not_hold_it_up(self) -> None:
        world = deleting(observed(children={Child.SERVICE: {"metadata": {"uid": "theirs"}, "spec": {}}}))
        assert plan_for(world) == Plan(finalizers=())


class TestAgents:
    def test_a_pod_without_identity_is_replaced_one_at_a_time_the_oldest_first(self) -> None:
        pods = (
            pod("young", injected=False, created="2026-11-23T11:59:00Z"),
            pod("old", injected=False, created="2026-11-23T11:58:00Z"),
            pod("fine"),
        )
        steps = plan_for(replace(settled(), pods=pods))
        assert steps.replace_pod is not None
        assert (steps.replace_pod.reference.name, steps.replace_pod.uid) == ("old", "uid-old")
        assert [event.action for event in steps.events if event.action == "ReplacePod"] == ["ReplacePod"]
        assert steps.requeue_after is not None

    def test_a_pod_that_says_so_itself_is_replaced(self) -> None:
        reports = [report("agent-1", ready=False, reason="IdentityNotInjected: there is no token")]
        world = changed_child(settled(), Child.POLICY, status={"agents": reports})
        steps = plan_for(replace(world, pods=(pod("agent-1"),)))
        assert steps.replace_pod is not None

    def test_replacements_are_spaced_out(self) -> None:
        world = replace(settled(), pods=(pod(injected=False),), replacement_due=False)
        steps = plan_for(world)
        assert steps.replace_pod is None
        assert steps.requeue_after is not None

    def test_a_pod_that_goes_already_is_left_alone(self) -> None:
        leaving = pod(injected=False)
        leaving["metadata"]["deletionTimestamp"] = "2026-11-23T12:00:00Z"
        assert plan_for(replace(settled(), pods=(leaving,))).replace_pod is None

    def test_reports_of_pods_that_are_gone_are_forgotten(self) -> None:
        world = serving()
        (_, second) = world.pods
        steps = plan_for(replace(world, pods=(second,)))
        assert steps.forget_agents == ("agent-1",)


def test_the_platforms_roots_are_mounted_and_go_when_the_platform_takes_them_back() -> None:
    roots = settings(agents={"image": "keyward/agent:1", "caBundle": AWS_ROOTS})
    world = settled(platform=roots)
    assert world.children[Child.AWS_ROOTS]["data"] == {"ca.crt": AWS_ROOTS}
    steps = plan_for(world)
    assert deleted_by(steps) == [Child.AWS_ROOTS]
    assert Child.DEPLOYMENT in made_by(steps)
    assert Child.AWS_ROOTS not in settled(world).children


def test_an_unused_name_may_be_anybodys() -> None:
    foreign = {"metadata": {"name": "payments.orders", "namespace": "keyward-agents", "uid": "theirs"}}
    world = settled(observed(children={Child.AWS_ROOTS: foreign}))
    assert conditions(world)["Ready"]["reason"] != "NameTaken"


def test_a_field_that_is_no_longer_wanted_is_dropped() -> None:
    world = settled()
    account = world.children[Child.SERVICE_ACCOUNT]
    more = {**account["metadata"], "annotations": {**account["metadata"]["annotations"], "old": "x"}}
    widened = applied({**account, "metadata": {k: v for k, v in more.items() if k != "managedFields"}})
    assert made_by(plan_for(replace(world, children={**world.children, Child.SERVICE_ACCOUNT: widened}))) == [
        Child.SERVICE_ACCOUNT
    ]


def test_status_counts_users_and_grants() -> None:
    world = settled(observed(users=(user("a"), user("b")), roles=(role(),)))
    assert (world.database["status"]["users"], world.database["status"]["grants"]) == (2, 2)
    assert world.database["status"]["policyRevision"] == published(world).revision
    assert world.database["status"]["address"] == "keyward-orders.payments.svc:9142"


def test_a_revocation_waits_for_nothing_that_cannot_be_made() -> None:
    world = replace(serving(), users=())
    children = {child: found for child, found in world.children.items() if child is not Child.CLIENT_SERVICE}
    assert made_by(plan_for(replace(world, children=children))) == [Child.POLICY, Child.CLIENT_SERVICE]


def test_a_database_is_looked_at_when_the_next_access_ends_and_nothing_is_left_of_it_then() -> None:
    ends = (NOW + timedelta(minutes=5)).isoformat()
    world = settled(observed(users=(user("app", expireTime=ends), user("other"))))
    steps = plan_for(world)
    assert steps == Plan(requeue_after=300.0)
    assert {grant.user for grant in published(world).grants} == {"app", "other"}
    then = NOW + timedelta(minutes=5)
    world = carry_out(world, plan_for(world, now=then))
    assert [grant.user for grant in published(world).grants] == ["other"]
    assert plan_for(world, now=then).does_nothing


def test_a_lock_is_published_at_once_and_taken_away_at_its_end() -> None:
    world = settled(replace(serving(), locks=(lock(target={"user": "app"}, expireTime="2026-11-23T12:05:00Z"),)))
    assert [each.users for each in published(world).locks] == [("app",)]
    steps = plan_for(world)
    assert (steps.does_nothing, steps.requeue_after) == (True, 300.0)
    then = NOW + timedelta(minutes=5)
    assert published(carry_out(world, plan_for(world, now=then))).locks == ()


@pytest.mark.parametrize("uid", [None, "a predecessor's"], ids=["own", "orphan"])
def test_a_child_that_a_finalizer_holds_is_deleted_once(uid: str | None) -> None:
    world = settled()
    if uid:
        world = labelled(world, Child.CLIENT_SERVICE, **{names.LABEL_OWNER_UID: uid})
    going = deleting(world)
    assert Child.CLIENT_SERVICE in deleted_by(plan_for(going))
    metadata = {**world.children[Child.CLIENT_SERVICE]["metadata"], "deletionTimestamp": "2026-11-23T12:00:00Z"}
    held = changed_child(going, Child.CLIENT_SERVICE, metadata=metadata)
    assert Child.CLIENT_SERVICE not in deleted_by(plan_for(held))
    last = plan_for(replace(held, children={Child.CLIENT_SERVICE: held.children[Child.CLIENT_SERVICE]}))
    assert (last.delete, last.finalizers) == ((), None)
    assert last.requeue_after == AGAIN_WHERE_HELD
    lives = changed_child(world, Child.CLIENT_SERVICE, metadata=metadata)
    assert deleted_by(plan_for(lives)) == []


def test_a_lock_that_is_about_to_be_deleted_holds_until_it_is_gone() -> None:
    leaving = lock(target={"database": "orders"})
    leaving["metadata"]["deletionTimestamp"] = "2026-11-23T11:59:00Z"
    assert len(published(settled(observed(locks=(leaving,)))).locks) == 1


def test_a_lock_that_cannot_be_read_locks_the_database_and_its_condition_says_so() -> None:
    world = settled(replace(serving(), locks=(lock(target={}),)))
    assert [each.name for each in published(world).locks] == ["incident"]
    assert conditions(world)["PolicyCompiled"]["reason"] == "LockInvalid"


class TestExternalAddress:
    PLATFORM = settings(tenants=[{"serviceTypes": ["ClusterIP", "LoadBalancer"]}])
    AGENT: ClassVar[dict[str, Any]] = {
        "identity": {"roleARN": ROLE_ARN},
        "service": {"type": "LoadBalancer", "hostnames": ["db.example.com"]},
    }

    def test_a_load_balancer_is_made_and_its_address_told(self) -> None:
        world = serving(self.PLATFORM, agent=self.AGENT)
        assert "externalAddress" not in world.database["status"]
        ingress = {"loadBalancer": {"ingress": [{"hostname": "abc.elb.amazonaws.com"}]}}
        world = settled(changed_child(world, Child.EXTERNAL_SERVICE, status=ingress), self.PLATFORM)
        assert world.database["status"]["externalAddress"] == "abc.elb.amazonaws.com:9143"
        arguments = world.children[Child.DEPLOYMENT]["spec"]["template"]["spec"]["containers"][0]["args"]
        assert "--server-name=db.example.com" in arguments

    def test_without_the_platforms_consent_there_is_none(self) -> None:
        world = settled(observed(database=database(agent=self.AGENT)))
        assert Child.EXTERNAL_SERVICE not in world.children
        assert "tenants[].serviceTypes" in conditions(world)["Ready"]["message"]

    def test_it_goes_when_nobody_asks_for_it_any_more(self) -> None:
        world = serving(self.PLATFORM, agent=self.AGENT)
        plain = {**database(), "status": world.database["status"]}
        assert deleted_by(plan_for(replace(world, database=plain), self.PLATFORM)) == [Child.EXTERNAL_SERVICE]


class TestAutoscaling:
    AGENT: ClassVar[dict[str, Any]] = {
        "replicas": 2,
        "identity": {"roleARN": ROLE_ARN},
        "autoscaling": {"maxReplicas": 5},
    }

    @pytest.mark.parametrize(("chosen", "kept"), [(1, 2), (4, 4), (9, 5)])
    def test_what_the_autoscaler_chose_is_kept_within_its_bounds(self, chosen: int, kept: int) -> None:
        world = serving(agent=self.AGENT)
        live = world.children[Child.DEPLOYMENT]
        scaled = changed_child(world, Child.DEPLOYMENT, spec={**live["spec"], "replicas": chosen})
        assert settled(scaled).children[Child.DEPLOYMENT]["spec"]["replicas"] == kept

    def test_without_it_the_owners_number_counts(self) -> None:
        world = serving()
        live = world.children[Child.DEPLOYMENT]
        scaled = changed_child(world, Child.DEPLOYMENT, spec={**live["spec"], "replicas": 4})
        assert settled(scaled).children[Child.DEPLOYMENT]["spec"]["replicas"] == 2


def test_a_platform_without_network_policies_gets_none_and_loses_those_it_had() -> None:
    platform = settings(agents={"image": "keyward/agent:1", "networkPolicy": {"enabled": False}})
    assert deleted_by(plan_for(settled(), platform)) == [Child.NETWORK_POLICY]
    assert Child.NETWORK_POLICY not in settled(platform=platform).children


def test_what_the_api_server_refused_is_in_the_status_for_as_long_as_it_refuses_it() -> None:
    world = settled()
    steps = plan_for(world)
    told = after_refusals(steps, view_for(world), {Child.DEPLOYMENT: "quota"})
    assert [(event.action, event.reason) for event in told.events] == [("Ready", "Refused")]
    after = carry_out(world, told)
    assert conditions(after)["Ready"]["message"] == f"{REFERENCES[Child.DEPLOYMENT]}: quota"
    again = after_refusals(plan_for(after), view_for(after), {Child.DEPLOYMENT: "quota"})
    assert (again.status, again.events) == (None, ()), "nothing is written twice"
    assert conditions(settled(after))["Ready"]["reason"] != "Refused"


def test_grants_name_the_roles_that_the_operator_makes_below_the_platforms_path() -> None:
    reader = iam_roles.document(roleName=DB_USER)
    other = {**reader, "metadata": {**reader["metadata"], "name": "other"}, "spec": {**reader["spec"]}}
    other["spec"] |= {"roleName": "Other", "management": "Adopt"}
    world = observed(iam_roles=(reader, other), roles=(role(dbUsers=["*"]),))
    named = [grant.role_arn for grant in published(settled(world, iam_roles.platform())).grants]
    prefix = "arn:aws:iam::111122223333:role"
    assert sorted(named) == [f"{prefix}/Other", f"{prefix}{iam_roles.PATH}{DB_USER}"]
