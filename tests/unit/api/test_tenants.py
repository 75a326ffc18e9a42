import pytest
from pydantic import ValidationError

from keyward_api.tenants import PlatformSettings


def test_a_misspelt_setting_is_an_error() -> None:
    with pytest.raises(ValidationError, match="endpointType"):
        PlatformSettings.model_validate({"agents": {"image": "x"}, "tenants": [{"endpointType": ["Public"]}]})
