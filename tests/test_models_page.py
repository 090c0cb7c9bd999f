"""The pages of the registry: what each version is, the gate's rules in words, and the forms that change something."""

import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from inspections.models import GateReport, ModelVersion, Person, Snapshot, State, VersionChange
from tests import cast, gates, mill
from tests.bundles import CENTRES, cloth
from tests.cast import signed_in
from tests.gates import a_golden_set, registered, zipped_bundle
from workers import assessing, changing

pytestmark = pytest.mark.django_db
WORSE = {"centres": (CENTRES[0], CENTRES[2], CENTRES[1])}


@pytest.fixture
def mara(db: None) -> Person:
    return cast.mara()


@pytest.fixture
def by_mara(mara: Person) -> Client:
    return signed_in(mara)


@pytest.fixture
def by_ada(db: None) -> Client:
    return signed_in(cast.ada())


@pytest.fixture
def champion(tmp_path: Path, mara: Person) -> ModelVersion:
    gates.three_classes()
    a_golden_set(mara)
    return gates.in_force(tmp_path)


def text_of(client: Client, address: str, status: int = 200) -> str:
    response = client.get(address)
    assert response.status_code == status, response.content
    return response.content.decode()


def test_a_mill_without_a_model_is_told_how_to_get_one(by_mara: Client) -> None:
    assert "install_model ml/starter" in text_of(by_mara, "/models/")


def test_the_list_says_state_place_gate_and_where_from(
    tmp_path: Path, champion: ModelVersion, by_mara: Client, django_assert_max_num_queries: Any
) -> None:
    challenger = registered(tmp_path, 1, parent=champion)
    gates.held(challenger)
    with django_assert_max_num_queries(20):
        text = text_of(by_mara, "/models/")
    for words in ("Active", "The mill", "Candidate", "Passed", f"from {champion}"):
        assert words in text


def test_only_who_may_see_it_is_led_there(champion: ModelVersion, by_mara: Client) -> None:
    assert 'href="/models/"' in text_of(by_mara, "/")
    assert 'href="/models/"' not in text_of(signed_in(cast.olga()), "/")


def test_a_challenger_is_measured_and_promoted_on_the_pages(
    tmp_path: Path, champion: ModelVersion, by_mara: Client, posting: Client
) -> None:
    version = registered(tmp_path, 1)
    page = f"/models/{version}/"
    assert "not held against the golden set yet" in text_of(by_mara, page)
    assert by_mara.post(f"{page}gate/ask/").status_code == 302
    assert "It waits for a worker" in text_of(by_mara, f"{page}gate/")
    assessing.work()
    assert "Passed: it may be promoted" in text_of(by_mara, f"{page}gate/")
    assert by_mara.post(f"{page}promote/", {"reason": "fewer false alarms"}).status_code == 302
    assert "Being checked" in text_of(by_mara, page)
    changing.work()
    assert "Judges the mill" in text_of(by_mara, page)
    assert mill.judged(posting, cloth()).verdicts.get().version == version
    assert by_mara.post("/models/rollback/", {"reason": "it misses cuts"}).status_code == 302
    changing.work()
    assert mill.judged(posting, cloth(seed=1)).verdicts.get().version == champion


def test_one_that_failed_says_why_and_cannot_be_promoted(
    tmp_path: Path, champion: ModelVersion, by_mara: Client
) -> None:
    version = registered(tmp_path, 1, **WORSE)
    gates.held(version)
    text = text_of(by_mara, f"/models/{version}/gate/")
    assert "recall 0.000, the champion&#x27;s 1.000" in text
    refused = by_mara.post(f"/models/{version}/promote/", {"reason": "I like it"})
    assert refused.status_code == 409
    assert "The gate failed" in refused.content.decode()
    assert not VersionChange.objects.exists()


def test_what_was_not_measured_is_not_told_as_failed_and_a_golden_set_is_near(tmp_path: Path, by_mara: Client) -> None:
    gates.three_classes()
    gates.in_force(tmp_path)
    version = registered(tmp_path, 1)
    report = gates.held(version)
    nothing = sum(rule["passed"] is None for rule in report.rules)
    text = " ".join(text_of(by_mara, f"/models/{version}/gate/").split())
    assert f"{nothing} rules were not measured. </strong> There is no golden set to measure on. <a" in text
    assert 'id="make-golden" href="/snapshots/golden/"' in text
    assert "not hold." not in text


def test_only_an_admin_overrides_and_only_with_a_reason(
    tmp_path: Path, champion: ModelVersion, by_mara: Client, by_ada: Client
) -> None:
    version = registered(tmp_path, 1, **WORSE)
    gates.held(version)
    address = f"/models/{version}/gate/override/"
    assert "override" not in text_of(by_mara, f"/models/{version}/gate/")
    assert by_mara.post(address, {"reason": "Loom 3 makes no holes"}).status_code == 403
    assert by_ada.post(address, {"reason": "because"}).status_code == 409
    assert by_ada.post(address, {"reason": "Loom 3 makes no holes"}).status_code == 302
    assert "Overridden by ada" in text_of(by_mara, f"/models/{version}/gate/")
    assert by_mara.post(f"/models/{version}/promote/", {"reason": "for loom 3"}).status_code == 302


def test_a_report_that_the_admin_has_not_seen_is_not_overridden(
    tmp_path: Path, champion: ModelVersion, by_ada: Client
) -> None:
    version = registered(tmp_path, 1, **WORSE)
    seen = gates.held(version)
    assert f'name="report" value="{seen.pk}"' in text_of(by_ada, f"/models/{version}/gate/")
    newer = gates.held(version)
    reason = {"report": seen.pk, "reason": "Loom 3 makes no holes"}
    assert by_ada.post(f"/models/{version}/gate/override/", reason).status_code == 409
    newer.refresh_from_db()
    assert not newer.stands_open


def test_a_number_of_the_matrix_opens_its_images(tmp_path: Path, champion: ModelVersion, by_mara: Client) -> None:
    version = registered(tmp_path, 1, **WORSE)
    gates.held(version)
    page = by_mara.get(f"/models/{version}/gate/")
    (new, old) = page.context["matrices"]
    assert [cell.count for cell in new.rows[2][1]] == [0, 12, 0, 0]  # hole: good, cut, hole, unknown
    assert [cell.count for cell in old.rows[2][1]] == [0, 0, 12, 0]
    opened = by_mara.get(f"/models/{version}/gate/{new.rows[2][1][1].url.split('#')[0]}")
    assert len(opened.context["images"]) == 12
    nothing = by_mara.get(f"/models/{version}/gate/?truth=hole&said=cut&of=champion")
    assert nothing.context["images"] == []


def test_the_gate_in_json_says_the_same(tmp_path: Path, champion: ModelVersion, by_mara: Client) -> None:
    version = registered(tmp_path, 1, **WORSE)
    assert by_mara.get(f"/api/v1/models/{version}/gate/").json()["state"] == "none"
    gates.held(version)
    body = by_mara.get(f"/api/v1/models/{version}/gate/").json()
    assert (body["state"], body["passed"], body["champion"], body["golden"]) == ("done", False, champion.name, "G1")
    assert {rule["name"] for rule in body["rules"] if not rule["passed"]} == {"recall", "calibration"}
    assert body["measured"]["compared"]["mcnemar"]["b"] == 24
    assert by_mara.get("/api/v1/models/2020.1.1/gate/").json()["type"].endswith("not-found")


def test_a_rejected_version_stays_and_is_never_promoted(
    tmp_path: Path, champion: ModelVersion, by_mara: Client
) -> None:
    version = registered(tmp_path, 1)
    gates.held(version)
    assert by_mara.post(f"/models/{version}/reject/", {"reason": ""}).status_code == 409
    assert by_mara.post(f"/models/{version}/reject/", {"reason": "slow on loom 3"}).status_code == 302
    assert "slow on loom 3" in text_of(by_mara, f"/models/{version}/")
    assert by_mara.post(f"/models/{version}/promote/", {"reason": "again"}).status_code == 409
    assert by_mara.post(f"/models/{champion}/reject/", {"reason": "no"}).status_code == 409


# --- bundles that come and go ------------------------------------------------------------------------------------


def uploaded(client: Client, data: bytes) -> Any:
    return client.post("/models/upload/", {"bundle": SimpleUploadedFile("bundle.zip", data)})


def lying(data: bytes) -> bytes:
    """Its list of files would begin before the file does."""
    end = data.rindex(b"PK\5\6")
    return data[: end + 12] + b"\xff\xff\xff\x7f" + data[end + 16 :]


def zipped(**files: bytes) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def test_an_uploaded_bundle_becomes_a_candidate_and_is_measured(champion: ModelVersion, by_ada: Client) -> None:
    response = uploaded(by_ada, zipped_bundle())
    version = ModelVersion.objects.get(origin="uploaded")
    assert (response.status_code, response["Location"]) == (302, f"/models/{version}/")
    assert (version.state, version.installed_by and version.installed_by.username) == (State.CANDIDATE, "ada")
    assessing.work()
    assert GateReport.objects.get(version=version).passed


def test_the_same_bundle_twice_is_one_version_and_is_said(champion: ModelVersion, by_ada: Client) -> None:
    first = uploaded(by_ada, zipped_bundle())
    again = by_ada.post("/models/upload/", {"bundle": SimpleUploadedFile("b.zip", zipped_bundle())}, follow=True)
    assert again.redirect_chain == [(first["Location"], 302)]
    assert "is here already" in again.content.decode()
    assert ModelVersion.objects.count() == 2


def a_link() -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        entry = zipfile.ZipInfo("weights.safetensors")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    return out.getvalue()


def a_bomb() -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("spec.json", b"{}")
        archive.writestr("weights.safetensors", b"\0" * 3_000_000)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"no zip at all", "no zip that can be read"),
        (b"PK\x03\x04" + b"cut off", "no zip that can be read"),
        (lying(zipped(**{"spec.json": b"{}"})), "no zip that can be read"),
        (zipped(**{"../../evil.json": b"x"}), "../../evil.json"),
        (zipped(**{"/etc/spec.json": b"x"}), "/etc/spec.json"),
        (zipped(**{"a/b/spec.json": b"x"}), "a/b/spec.json"),
        (zipped(**{"model.pkl": b"x", "spec.json": b"{}"}), "model.pkl"),
        (zipped(**{"a/spec.json": b"{}", "b/spec.json": b"{}"}), "twice, or files of two folders"),
        (zipped(**{f"{number}.json": b"x" for number in range(30)}), "30 files"),
        (zipped(**{"spec.json": b"{}"}), "format None"),
        (zipped(**{"CARD.md": b"hello"}), "spec.json cannot be read"),
        (a_link(), "weights.safetensors"),
        (a_bomb(), "unpacks to more than 1000000 bytes"),
    ],
    ids=["text", "cut", "lying", "dots", "root", "deep", "pickle", "twice", "many", "format", "card", "link", "bomb"],
)
def test_anything_else_is_refused_and_leaves_nothing(by_ada: Client, settings: Any, data: bytes, reason: str) -> None:
    settings.MODEL_UPLOAD_BYTES = 1_000_000
    response = uploaded(by_ada, data)
    assert response.status_code == 400
    assert reason in response.content.decode()
    assert not ModelVersion.objects.exists()
    assert list(Path(settings.BUNDLES).iterdir()) == []


def test_a_body_that_is_too_large_is_not_even_read(by_ada: Client, settings: Any) -> None:
    settings.MODEL_UPLOAD_BYTES = 1000
    assert uploaded(by_ada, b"x" * 200_000).status_code == 413


def test_a_bundle_is_downloaded_whole_and_can_be_uploaded_again(
    tmp_path: Path, champion: ModelVersion, by_mara: Client, by_ada: Client
) -> None:
    response = by_mara.get(f"/models/{champion}/download/")
    data = b"".join(response.streaming_content)
    assert response["Content-Disposition"] == f'attachment; filename="model-{champion}.zip"'
    assert (
        "is here already"
        in by_ada.post("/models/upload/", {"bundle": SimpleUploadedFile("b.zip", data)}, follow=True).content.decode()
    )
    (champion.folder / "graph.onnx").write_bytes(b"spoilt")
    assert by_mara.get(f"/models/{champion}/download/").status_code == 404


def test_what_the_reader_is_asked_blind_is_not_shown_with_its_truth(
    tmp_path: Path, champion: ModelVersion, mara: Person, by_mara: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    golden = Snapshot.objects.get()
    secret = {row.capture_id for row in golden.rows.filter(defect_class__code="hole")[:2]}
    monkeypatch.setattr("inspections.pages.gate.withheld", lambda person: secret)
    version = registered(tmp_path, 1, **WORSE)
    gates.held(version)
    page = by_mara.get(f"/models/{version}/gate/?truth=hole&said=cut&of=challenger")
    assert (len(page.context["images"]), page.context["more"]) == (10, 0)
