"""Manual upload: whose lines, what is taken, what is said of each file, and that a second send is harmless."""

import errno
from hashlib import sha256
from io import StringIO
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.test import Client

from inspections import intake
from inspections.models import AuditEvent, Camera, Capture, Person
from tests import cast
from tests.cast import a_camera, a_line, a_png, signed_in

pytestmark = pytest.mark.django_db
SCRIPT = {"Accept": "application/json"}


@pytest.fixture
def olga() -> Client:
    a_line("loom-2")
    return signed_in(cast.olga())


def a_file(data: bytes, name: str = "a.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, content_type="image/png")


def send(client: Client, *files: Any, line: str = "loom-1", headers: Any = SCRIPT, **fields: str) -> Any:
    return client.post("/upload/", {"line": line, "image": list(files), **fields}, headers=headers)


def kind_of(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["type"].rpartition("/")[2]


# --- what is taken ----------------------------------------------------------------------------------------------


def test_a_picture_becomes_a_capture_of_the_manual_camera_under_the_persons_name(olga: Client) -> None:
    response = send(olga, a_file(a_png()), roll="R-1", position_m="4.5", mm_per_px="0.25")
    capture = Capture.objects.select_related("camera", "roll").get()
    assert (response.status_code, response.json()["url"]) == (201, f"/captures/{capture.pk}/")
    assert (capture.line.slug, capture.camera.slug) == ("loom-1", "manual")
    assert (capture.roll and capture.roll.code, capture.position_m, capture.mm_per_px) == ("R-1", 4.5, 0.25)
    assert capture.capture_id == sha256(a_png()).hexdigest()
    assert default_storage.exists(capture.path)
    event = AuditEvent.objects.get()
    assert (event.person, event.action, event.subject) == (Person.objects.get(), "upload", f"capture {capture.pk}")


def test_a_picture_that_another_person_chose_is_not_sent_under_this_name(olga: Client) -> None:
    response = send(olga, a_file(a_png()), person="oscar")
    assert kind_of(response) == (409, "other-person")
    assert response.json()["words"] == "Somebody else is signed in here now. This picture was not sent."
    assert not Capture.objects.exists()
    assert send(olga, a_file(a_png()), person="olga").status_code == 201


@pytest.mark.parametrize("field", ["line", "roll", "person", "position_m"])
def test_characters_that_nobody_can_type_are_refused(olga: Client, field: str) -> None:
    sent = {"line": "loom-1", field: "loom\x00-1"}
    response = send(olga, a_file(a_png()), **sent)
    assert response.status_code in {400, 409}
    assert not Capture.objects.exists()


def test_the_same_picture_again_is_the_same_capture(olga: Client) -> None:
    first, second = send(olga, a_file(a_png())), send(olga, a_file(a_png(), "other-name.png"), roll="R-2")
    assert (second.status_code, second.json()["state"]) == (200, "duplicate")
    assert second.json()["url"] == first.json()["url"]
    assert Capture.objects.count() == AuditEvent.objects.count() == 1


def test_the_same_picture_on_another_line_is_another_capture(olga: Client) -> None:
    mara = signed_in(cast.mara())
    assert send(olga, a_file(a_png())).status_code == 201
    assert send(mara, a_file(a_png()), line="loom-2").status_code == 201


def test_what_a_person_may_not_say_is_not_taken_from_them(olga: Client) -> None:
    send(olga, a_file(a_png()), capture_id="mine", captured_at="2001-01-01T00:00:00Z", status="judged", label="good")
    capture = Capture.objects.get()
    assert capture.capture_id != "mine"
    assert capture.captured_at == capture.received_at
    assert (capture.status, capture.defect_class) == (0, None)


# --- who may ----------------------------------------------------------------------------------------------------


def test_an_operator_uploads_to_own_lines_alone(olga: Client) -> None:
    assert kind_of(send(olga, a_file(a_png()), line="loom-2")) == (400, "line-missing")
    assert olga.get("/upload/?line=loom-2").status_code == 404
    assert "loom-2" not in olga.get("/upload/").content.decode()
    assert Capture.objects.count() == 0


@pytest.mark.parametrize("person", [cast.mara, cast.ada])
def test_managers_and_admins_upload_to_every_line(olga: Client, person: Any) -> None:
    client = signed_in(person())
    assert 'value="loom-2" selected' in client.get("/upload/?line=loom-2").content.decode()
    assert send(client, a_file(a_png()), line="loom-2").status_code == 201


def test_nobody_uploads_without_a_session() -> None:
    a_line("loom-1")
    assert kind_of(send(Client(), a_file(a_png()))) == (401, "not-authenticated")
    assert send(Client(), a_file(a_png()), headers=None).headers["Location"] == "/login/?next=/upload/"
    assert send(cast.with_key(a_camera()), a_file(a_png())).status_code == 401


def test_a_token_is_asked_for(olga: Client) -> None:
    guarded = Client(enforce_csrf_checks=True)
    guarded.cookies = olga.cookies
    assert send(guarded, a_file(a_png())).status_code == 403
    guarded.get("/upload/")
    token = guarded.cookies["csrftoken"].value
    assert send(guarded, a_file(a_png()), headers={**SCRIPT, "X-CSRFToken": token}).status_code == 201


# --- what is refused, in words ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "answer", "words"),
    [
        (b"", (400, "image-missing"), "empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", (415, "unsupported-image"), "Not a picture"),
        (a_png()[:-200], (422, "image-undecodable"), "damaged"),
        (a_png(size=(8, 64)), (422, "image-too-small"), "Too small"),
        (a_png(size=(16, 1040)), (422, "image-too-narrow"), "Too narrow"),
        (a_png(size=(256, 256)), (422, "too-many-pixels"), "More than 0.05 megapixels"),
    ],
)
def test_what_is_no_picture_of_ours_is_refused_in_words(
    olga: Client, settings: Any, data: bytes, answer: tuple[int, str], words: str
) -> None:
    settings.MAX_IMAGE_PIXELS = 50_000
    response = send(olga, a_file(data))
    assert kind_of(response) == answer
    assert words in response.json()["detail"]
    assert Capture.objects.count() == AuditEvent.objects.count() == 0


def test_too_large_is_refused_by_the_form_and_before_it_is_read(olga: Client, settings: Any) -> None:
    settings.MAX_IMAGE_BYTES = 1024 * 1024
    assert kind_of(send(olga, a_file(b"\x89PNG\r\n\x1a\n" + bytes(1024 * 1024)))) == (413, "too-large")
    response = olga.post(
        "/upload/", b"", content_type="multipart/form-data; boundary=x", headers=SCRIPT, CONTENT_LENGTH=str(10**10)
    )
    assert kind_of(response) == (413, "too-large")
    assert "Larger than 1 MB" in response.json()["detail"]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("position_m", "-3", "Position"),
        ("mm_per_px", "0", "Scale"),
        ("mm_per_px", "NaN", "Scale"),
        ("roll", "x" * 65, "Roll"),
    ],
)
def test_a_wrong_field_is_named(olga: Client, field: str, value: str, words: str) -> None:
    response = send(olga, a_file(a_png()), **{field: value})
    assert kind_of(response) == (400, "bad-request")
    assert response.json()["detail"].startswith(words)


@pytest.mark.parametrize(("error", "status"), [(OSError(errno.ENOSPC, "full"), 507), (OperationalError("locked"), 503)])
def test_what_cannot_be_taken_now_says_when_to_come_again(
    olga: Client, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    def fails(*_args: Any, **_kwargs: Any) -> None:
        raise error

    monkeypatch.setattr(intake, "accept", fails)
    response = send(olga, a_file(a_png()))
    assert response.status_code == status
    assert int(response.headers["Retry-After"]) > 0
    page = send(olga, a_file(a_png()), headers=None)
    assert page.status_code == status
    assert "Nothing was kept of this picture" in page.content.decode()


# --- without JavaScript -----------------------------------------------------------------------------------------


def test_the_plain_form_takes_several_and_says_what_became_of_each(olga: Client) -> None:
    files = [a_file(a_png(1), "one.png"), a_file(b"no", "two <b>.png"), a_file(a_png(3), "three.png")]
    response = send(olga, *files, headers=None, roll="R-7")
    text = response.content.decode()
    assert response.status_code == 200
    assert Capture.objects.count() == 2
    assert text.count("Taken. It is judged like any other.") == 2
    assert "two &lt;b&gt;.png" in text
    assert "Not a picture that is taken here" in text
    assert 'value="R-7"' in text
    assert 'value="loom-1" selected' in text


def test_the_plain_form_with_nothing_in_it_says_so(olga: Client) -> None:
    response = send(olga, headers=None)
    assert response.status_code == 400
    assert "none was chosen" in response.content.decode()


def test_more_files_than_are_taken_at_once_take_none(olga: Client, settings: Any) -> None:
    files = [a_file(a_png(n)) for n in range(settings.DATA_UPLOAD_MAX_NUMBER_FILES + 1)]
    assert send(olga, *files, headers=None).status_code == 400
    assert Capture.objects.count() == 0


def test_who_has_no_line_is_told_whom_to_ask(db: None) -> None:
    client = signed_in(cast.a_person("nina", cast.Role.OPERATOR))
    assert "Ask an admin to put you on one" in client.get("/upload/").content.decode()


# --- the camera `manual` ----------------------------------------------------------------------------------------


def test_the_manual_camera_gets_no_key(db: None) -> None:
    with pytest.raises(CommandError, match="has no key"):
        call_command("camera_key", "loom-1", "manual", stdout=StringIO())
    assert not Camera.objects.exists()


def test_the_manual_camera_shows_once_it_was_used_and_never_as_silent(olga: Client) -> None:
    a_line("loom-1").manual_camera()
    before = olga.get("/lines/loom-1/").content.decode()
    assert "Manual upload" not in before
    assert "not seen yet" not in olga.get("/").content.decode()
    send(olga, a_file(a_png()))
    Camera.objects.update(seen_at="2026-01-01T00:00Z")
    after = olga.get("/lines/loom-1/").content.decode()
    assert "Manual upload" in after
    assert "By hand" in after
    assert "silent" not in olga.get("/").content.decode().lower().replace("i-silent", "")


def test_the_line_leads_to_the_upload(olga: Client) -> None:
    assert 'href="/upload/?line=loom-1"' in olga.get("/lines/loom-1/").content.decode()
