import pytest
from pydantic import ValidationError

from keyward_api.tenants import PlatformSettings


def test_a_misspelt_setting_is_an_error() -> None:
    with pytest.raises(ValidationError, match="endpointType"):
        PlatformSettings.model_validate({"agents": {"image": "x"}, "tenants": [{"endpointType": ["Public"]}]})


@pytest.mark.parametrize("operator", ["In", "NotIn"])
def test_a_selector_that_compares_with_nothing_is_an_error(operator: str) -> None:
    selector = {"matchExpressions": [{"key": "team", "operator": operator, "values": []}]}
    with pytest.raises(ValidationError, match="need `values`"):
        PlatformSettings.model_validate({"agents": {"image": "x"}, "tenants": [{"namespaceSelector": selector}]})
