"""Whatever a request says, the server has an answer, and it is never a fault of its own."""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from serving import Serves

EXAMPLES = 10
ENDLESS = ("/api/v1/events", "/api/v1/doctor")
"""Answered without an end, or after seconds."""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_request_meets_a_fault(serves: Serves) -> None:
    client = serves(requests_per_minute=1e9, queue=4)
    described = schemathesis.openapi.from_dict(client.get("/api/v1/openapi.json").json())
    faults, tried = [], 0

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
            answer = client.request(
                case.method, case.formatted_path, params=case.query, json=case.body if body_of(case) else None
            )
            if answer.status_code >= 500:
                faults.append(f"{case.method} {case.formatted_path} {case.query} {case.body}: {answer.text}")

        ask()
    assert faults == []
    assert tried > 50


def body_of(case: schemathesis.Case) -> bool:
    """Whether a case has a body that JSON can hold."""
    return case.media_type == "application/json"
