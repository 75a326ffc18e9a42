import pytest
from pydantic import ValidationError

from keyward_api.resources.scheduling import Amounts


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("250m", "250m"),
        ("0.25", "250m"),
        ("1000m", "1"),
        ("1500m", "1500m"),
        ("1.5", "1500m"),
        ("2", "2"),
        ("2.000", "2"),
        ("0", "0"),
        ("0.001", "1m"),
    ],
)
def test_processors_are_written_as_the_api_server_does(written: str, canonical: str) -> None:
    assert Amounts(cpu=written).to_json_dict() == {"cpu": canonical}


@pytest.mark.parametrize(
    ("written", "canonical"),
    [("512Mi", "512Mi"), ("1024Mi", "1Gi"), ("1536Mi", "1536Mi"), ("1048576Ki", "1Gi"), ("2048Gi", "2Ti")],
)
def test_memory_is_written_as_the_api_server_does(written: str, canonical: str) -> None:
    assert Amounts(memory=written).to_json_dict() == {"memory": canonical}


@pytest.mark.parametrize(
    "amounts", [{"cpu": "much"}, {"cpu": "1.2345"}, {"cpu": "-1"}, {"memory": "1G"}, {"memory": "0Mi"}, {"memory": "1"}]
)
def test_what_is_no_amount_is_refused(amounts: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Amounts.model_validate(amounts)
