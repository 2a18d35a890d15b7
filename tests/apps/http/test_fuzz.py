"""Whatever a request says, the server has an answer, and it is never a fault of its own."""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from serving import Serves

EXAMPLES = 10
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
"""What is answered must be what the description says."""
ENDLESS = ("/api/v1/events", "/api/v1/doctor")
"""Answered without an end, or after seconds."""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_request_meets_a_fault(serves: Serves) -> None:
    client = serves(requests_per_minute=1e9, queue=4)
    described = schemathesis.openapi.from_dict(client.get("/api/v1/openapi.json").json())
    faults, tried, answers = [], 0, set()

    for found in described.get_all_operations():
        operation = found.ok()
        if operation.path in ENDLESS:
            continue
        tried += 1

        @seed(1)
        @settings(
            max_examples=EXAMPLES, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
        )
        @given(case=operation.as_strategy())
        def ask(case: schemathesis.Case) -> None:
            named(case)
            answer = client.request(
                case.method, case.formatted_path, params=case.query, json=case.body if body_of(case) else None
            )
            if answer.status_code >= 500:
                faults.append(f"{case.method} {case.formatted_path} {case.query} {case.body}: {answer.text}")
            elif answer.status_code < 400:
                case.validate_response(answer, checks=CHECKS)
            answers.add(answer.status_code)

        ask()
    assert faults == []
    assert tried > 50
    assert answers >= {200, 202, 404, 422}


def named(case: schemathesis.Case) -> None:
    """Give some cases a name that there is, or none would come far."""
    if (
        case.path.startswith("/api/v1/voices/{name}")
        and case.method != "DELETE"
        and len(case.path_parameters["name"]) % 2
    ):
        case.path_parameters["name"] = "narrator"
    if isinstance(case.body, dict) and "voice" in case.body:
        case.body["voice"] = "narrator"


def body_of(case: schemathesis.Case) -> bool:
    """Whether a case has a body that JSON can hold."""
    return case.media_type == "application/json"
