"""Alive, ready, and the numbers for Prometheus."""

from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from tests import cast, mill
from tests.bundles import HOLE, cloth

pytestmark = pytest.mark.django_db


def test_alive_needs_nothing(client: Client, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert client.get("/healthz").status_code == 200


def test_ready_tells_details_to_people_only(client: Client, tmp_path: Path) -> None:
    mill.install(tmp_path)
    assert client.get("/readyz").json() == {"ready": True}
    checks = cast.signed_in(cast.mara()).get("/readyz").json()["checks"]
    assert [check["name"] for check in checks] == ["database", "storage", "model"]


def test_not_ready_without_storage(client: Client, tmp_path: Path, settings: Any) -> None:
    mill.install(tmp_path)
    (tmp_path / "a file").touch()
    settings.MEDIA_ROOT = tmp_path / "a file"
    response = client.get("/readyz")
    assert (response.status_code, response["Retry-After"]) == (503, "5")


def test_metrics_count_what_waits_and_what_was_judged(client: Client, posting: Client, tmp_path: Path) -> None:
    mill.install(tmp_path)
    with time_machine.travel(timezone.now().replace(minute=30)):  # the hour that is counted must not end meanwhile
        mill.judged(posting, cloth(HOLE))
        mill.posted(posting, cloth())
        text = client.get("/metrics").content.decode()
    assert "selvedge_pending_captures 1.0" in text
    assert 'selvedge_hour_flagged{line="loom-1"} 1.0' in text
    assert 'selvedge_camera_silent{camera="left",line="loom-1"} 0.0' in text


def test_metrics_are_for_this_machine_or_who_has_the_token(client: Client, settings: Any) -> None:
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.9").status_code == 401
    settings.METRICS_TOKEN = "a token"
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer a token"}).status_code == 200
