"""The served OpenAPI schema is true: valid, and kept by what the API answers to anything that fits or breaks it."""

import os
from typing import Any

import pytest
import schemathesis
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, settings
from openapi_spec_validator import validate
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from tests import cast

CASES = int(os.environ.get("SCHEMA_CASES", "60"))  # for each operation; `make soak` asks for thousands

raw: dict[str, Any] = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
schema = schemathesis.openapi.from_dict(raw)


def test_the_schema_is_valid_openapi_3_1() -> None:
    assert raw["openapi"].startswith("3.1")
    validate(raw)


def test_the_schema_holds_every_status_of_the_contract() -> None:
    answers = raw["paths"]["/api/v1/captures/"]["post"]["responses"]
    assert {"200", "201", "400", "401", "403", "409", "413", "415", "422", "429", "503", "507"} <= set(answers)


@pytest.mark.django_db
def test_the_schema_is_served_to_people_and_to_nobody_else(client: Any) -> None:
    assert client.get("/api/schema/").status_code == 401
    assert cast.with_key(cast.a_camera()).get("/api/schema/").status_code == 401
    page = cast.signed_in(cast.olga())
    assert page.get("/api/schema/").status_code == 200
    assert page.get("/api/docs/").status_code == 200


FOR_PEOPLE = ("/queue/", "/labels/", "/skip/", "/lines/")
CSRF = "c" * 32


@pytest.fixture
def callers(transactional_db: None, settings: Any) -> dict[bool, dict[str, str]]:
    """The headers of a camera (False) and of a person (True)."""
    settings.CAMERA_RATE = 10**6
    session = cast.signed_in(cast.mara()).cookies["sessionid"].value
    return {
        False: {"Authorization": f"Api-Key {cast.a_camera().issue_key()}"},
        True: {"Cookie": f"sessionid={session}; csrftoken={CSRF}", "X-CSRFToken": CSRF},
    }


@pytest.mark.filterwarnings("ignore:Skipped test cases")  # it knows no bytes for TIFF and BMP; test_bad_images does
@schema.parametrize()
@settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_request_gets_a_server_error_or_an_answer_outside_the_schema(
    case: Any, live_server: Any, callers: dict[bool, dict[str, str]]
) -> None:
    is_for_people = any(part in case.path for part in FOR_PEOPLE)
    case.headers = {**(case.headers or {}), **callers[is_for_people]}
    response = case.call(base_url=live_server.url, timeout=60)
    assert response.status_code not in {401, 403} or not is_for_people, response.text
    case.validate_response(response, checks=(not_a_server_error, content_type_conformance, response_schema_conformance))
