"""How the manifests of the pod identity webhook's own module are adapted."""

import base64

from local.cluster import webhook


def test_the_configuration_fails_closed_for_all_but_what_must_start_without_it() -> None:
    original = {
        "metadata": {"name": "w", "annotations": {"cert-manager.io/inject-ca-from": "x"}},
        "webhooks": [
            {
                "failurePolicy": "Ignore",
                "clientConfig": {"service": {"name": "pod-identity-webhook"}},
                "objectSelector": {"matchExpressions": [{"key": "skip", "operator": "DoesNotExist"}]},
            }
        ],
    }
    adapted = webhook.adapted_configuration(original, b"authority")
    assert adapted["metadata"] == {"name": "w"}
    (hook,) = adapted["webhooks"]
    assert hook["failurePolicy"] == "Fail"
    assert base64.b64decode(hook["clientConfig"]["caBundle"]) == b"authority"
    assert hook["objectSelector"]["matchExpressions"] == [
        {"key": "skip", "operator": "DoesNotExist"},
        {"key": "app", "operator": "NotIn", "values": ["pod-identity-webhook"]},
    ]
    (system,) = hook["namespaceSelector"]["matchExpressions"]
    assert system == {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-system"]}


def test_the_deployment_runs_our_image_for_our_region() -> None:
    container = {"image": "IMAGE", "imagePullPolicy": "Always", "command": ["/webhook", "--in-cluster=false"]}
    adapted = webhook.adapted_deployment({"spec": {"template": {"spec": {"containers": [container]}}}})
    assert adapted["spec"]["template"]["spec"]["containers"] == [
        {
            "image": webhook.IMAGE,
            "imagePullPolicy": "Never",
            "command": [
                *("/webhook", "--in-cluster=false"),
                *("--aws-default-region=us-east-1", "--sts-regional-endpoint=true"),
            ],
        }
    ]
