"""P14: the audit trail is complete. Every route that changes something is called once, and its row is found.

The routes come from the resolver, and which of them answer a writing method comes from `access_table.csv`; one that
has neither a good request here nor a reason to be exempt fails. Nothing that a camera posts is here: its capture row
says itself which camera sent it and when, so it is its own record.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from inspections import changes
from inspections.models import (
    AlarmRule,
    AuditEvent,
    Capture,
    Channel,
    ChannelKind,
    DefectClass,
    Delivery,
    Label,
    ModelVersion,
    Person,
    ProvisionalClass,
    Quarantine,
    Recall,
    ReviewItem,
    Shift,
    Stage,
    TrainingRun,
)
from inspections.pages.class_forms import stamp
from inspections.review import screen
from inspections.review.answers import decide
from inspections.shift_keeping import stamp as shift_stamp
from inspections.shifts import hours_of
from inspections.snapshots import freeze
from tests import cast, gates
from tests.alarmed import a_channel, a_rule
from tests.cast import PASSWORD, a_camera, a_line, a_png, signed_in
from tests.charts import a_roll, pieces, slots, usual
from tests.floor import an_alarm
from tests.judged import judged
from tests.labelled import a_mill_of_labels
from tests.second_looks import a_challenger, a_recall, in_shadow
from tests.test_access import routes, table
from tests.trainings import a_training

pytestmark = pytest.mark.django_db
WRITING = ("POST", "PUT", "PATCH", "DELETE")

EXEMPT = {
    ("/api/v1/captures/", "POST"): "a camera's: the capture row itself is the record",
    ("/api/v1/cameras/heartbeat/", "POST"): "a camera's: that it is there, four times a minute",
    ("/api/v1/queue/", "DELETE"): "lets go of leases: who looks at what just now is no record of anything",
    ("/api/v1/queue/renew/", "POST"): "renews leases",
    ("/unlock/touch/", "POST"): "a hand is on the terminal: seconds of a session",
    ("/login/", "PUT"): "leads who is signed in to the first page, as it does with GET",
    ("/login/", "PATCH"): "leads who is signed in to the first page, as it does with GET",
    ("/login/", "DELETE"): "leads who is signed in to the first page, as it does with GET",
}


@dataclass(frozen=True)
class Mill:
    """Olga at her terminal, Mara the manager, and a flagged capture that nobody has labelled."""

    olga: Person
    mara: Person
    capture: Capture
    by_olga: Client
    by_mara: Client

    def labelled(self) -> Label:
        """The capture, labelled by Olga; what that wrote down is gone from the log."""
        outcome = decide(self.olga, self.capture, "cut", timezone.now())
        AuditEvent.objects.all().delete()
        return outcome.label  # type: ignore[union-attr]


@pytest.fixture
def mill(db: None) -> Mill:
    olga, mara = cast.olga(), cast.mara()
    return Mill(olga, mara, judged(a_camera()), signed_in(olga), signed_in(mara))


@dataclass(frozen=True)
class Wrote:
    """What a good request answered, and the row that must be there."""

    response: Any
    person: str
    action: str
    subject: str


def as_json(client: Client, where: str, body: Any, method: str = "post") -> Any:
    return getattr(client, method)(where, json.dumps(body), content_type="application/json")


def of_capture(mill: Mill) -> str:
    return f"capture {mill.capture.pk}"


def sign_in(mill: Mill) -> Wrote:
    response = Client().post("/login/", {"username": "olga", "password": PASSWORD})
    return Wrote(response, "olga", "sign-in", "person olga")


def sign_out(mill: Mill) -> Wrote:
    return Wrote(mill.by_olga.post("/logout/"), "olga", "sign-out", "person olga")


def unlock(mill: Mill) -> Wrote:
    return Wrote(mill.by_olga.post("/unlock/", {"password": PASSWORD}), "olga", "unlock", "person olga")


def upload(mill: Mill) -> Wrote:
    files = {"line": "loom-1", "image": SimpleUploadedFile("a.png", a_png(7))}
    response = mill.by_olga.post("/upload/", files)
    return Wrote(response, "olga", "upload", f"capture {Capture.objects.get(camera__slug='manual').pk}")


def label_by_api(mill: Mill) -> Wrote:
    response = as_json(mill.by_olga, f"/api/v1/captures/{mill.capture.pk}/labels/", {"label": "cut"})
    return Wrote(response, "olga", "label", of_capture(mill))


def labels_by_api(mill: Mill) -> Wrote:
    shown = screen.sign(mill.olga, [mill.capture.pk])
    body = {"label": "cut", "items": [{"capture": str(mill.capture.pk), "expected": None}], "screen": shown}
    return Wrote(as_json(mill.by_olga, "/api/v1/labels/", body), "olga", "label", of_capture(mill))


def undo_by_api(mill: Mill) -> Wrote:
    label = mill.labelled()
    return Wrote(mill.by_mara.delete(f"/api/v1/labels/{label.pk}/"), "mara", "undo", of_capture(mill))


def skip_by_api(mill: Mill) -> Wrote:
    assert mill.by_olga.get("/api/v1/queue/").json()["items"]
    response = mill.by_olga.post(f"/api/v1/captures/{mill.capture.pk}/skip/")
    return Wrote(response, "olga", "skip", of_capture(mill))


def label_by_form(mill: Mill) -> Wrote:
    response = mill.by_olga.post(f"/captures/{mill.capture.pk}/label/", {"answer": "cut", "token": str(uuid4())})
    return Wrote(response, "olga", "label", of_capture(mill))


def undo_by_form(mill: Mill) -> Wrote:
    sent = {"label": str(mill.labelled().pk)}
    return Wrote(mill.by_olga.post(f"/captures/{mill.capture.pk}/undo/", sent), "olga", "undo", of_capture(mill))


def known_answer(mill: Mill) -> Wrote:
    response = mill.by_mara.post(f"/captures/{mill.capture.pk}/known/", {"class": "hole", "was": ""})
    return Wrote(response, "mara", "known-answer", of_capture(mill))


def example(mill: Mill) -> Wrote:
    response = mill.by_mara.post(f"/captures/{mill.capture.pk}/example/", {"class": "hole"})
    return Wrote(response, "mara", "example", "class hole")


def decide_in_queue(mill: Mill) -> Wrote:
    sent = {"capture": str(mill.capture.pk), "label": "cut", "token": str(uuid4())}
    return Wrote(mill.by_olga.post("/queue/decide/", sent), "olga", "label", of_capture(mill))


def relabel(mill: Mill) -> Wrote:
    response = mill.by_olga.post(f"/teach/{mill.capture.pk}/label/", {"answer": "cut", "token": str(uuid4())})
    return Wrote(response, "olga", "label", of_capture(mill))


def reckon(mill: Mill) -> Wrote:
    return Wrote(mill.by_mara.post("/teach/ask/"), "mara", "reckon", "what to label")


def keys(mill: Mill) -> Wrote:
    response = as_json(mill.by_olga, "/keys/", {"keys": {"good": "b"}, "keys_off": False})
    return Wrote(response, "olga", "keys", "person olga")


def new_class(mill: Mill) -> Wrote:
    sent = {"name": "Snag", "code_": "snag", "family": "yarn", "definition": "A pulled loop."}
    return Wrote(mill.by_mara.post("/classes/", sent), "mara", "new-class", "class snag")


def example_marked(mill: Mill) -> Wrote:
    response = mill.by_mara.post("/classes/new-from-examples/mark/", {"capture": str(mill.capture.pk)})
    return Wrote(response, "mara", "class-draft", "person mara")


def drafted(mill: Mill) -> Wrote:
    mill.by_mara.post("/classes/new-from-examples/mark/", {"capture": str(mill.capture.pk)})
    AuditEvent.objects.all().delete()
    response = mill.by_mara.post("/classes/new-from-examples/", {"do": "keep", "name": "Snag"})
    return Wrote(response, "mara", "class-draft", "person mara")


def makers(mill: Mill) -> Wrote:
    response = signed_in(cast.ada()).post("/classes/makers/", {"may": ["olga"]})
    return Wrote(response, "ada", "may-make-classes", "person olga")


def class_taken_back(mill: Mill) -> Wrote:
    now, snag = timezone.now(), DefectClass.objects.create(code="snag", name="Snag", provisional=True)
    ProvisionalClass.objects.create(defect_class=snag, made_by=mill.mara, made_at=now, stage=Stage.STANDS)
    response = mill.by_mara.post("/classes/snag/take-back/", {"reason": "It was oil"})
    return Wrote(response, "mara", "class-taken-back", "class snag")


def definition(mill: Mill) -> Wrote:
    one = DefectClass.objects.get(code="hole")
    sent = {
        "name": one.name,
        "definition": "Light falls through.",
        "critical": "on",
        "active": "on",
        "seen": stamp(one),
    }
    return Wrote(mill.by_mara.post("/classes/hole/", sent), "mara", "definition", "class hole")


def train(mill: Mill) -> Wrote:
    a_mill_of_labels(mill.mara, rolls=10)
    freeze(mill.mara, timezone.now(), classes=["good", "hole"])  # its own row; the training takes this snapshot
    AuditEvent.objects.all().delete()
    sent = {"base": "scratch", "network": "resnet20v1", "preset": "quick", "classes": ["hole"]}
    response = mill.by_mara.post("/training/", sent)
    return Wrote(response, "mara", "train", f"training {TrainingRun.objects.get().pk}")


def cancel_training(mill: Mill) -> Wrote:
    run = a_training()
    return Wrote(mill.by_mara.post(f"/training/{run.pk}/cancel/"), "mara", "cancel-training", f"training {run.pk}")


def make_snapshot(mill: Mill) -> Wrote:
    a_mill_of_labels(mill.mara)
    AuditEvent.objects.all().delete()
    return Wrote(mill.by_mara.post("/snapshots/new/"), "mara", "snapshot", "snapshot S1")


def make_golden_set(mill: Mill) -> Wrote:
    a_mill_of_labels(mill.mara)
    AuditEvent.objects.all().delete()
    return Wrote(mill.by_mara.post("/snapshots/golden/", {"do": "make"}), "mara", "golden-set", "snapshot G1")


def quarantine(mill: Mill) -> Wrote:
    response = mill.by_mara.post("/quarantine/", {"person": "olga", "reason": "her first day"})
    return Wrote(response, "mara", "quarantine", f"quarantine {Quarantine.objects.get().pk}")


def lift_quarantine(mill: Mill) -> Wrote:
    found = Quarantine.objects.create(person=mill.olga, reason="new", by=mill.mara, at=timezone.now())
    response = mill.by_mara.post(f"/quarantine/{found.pk}/lift/")
    return Wrote(response, "mara", "lift-quarantine", f"quarantine {found.pk}")


def start_shadow(mill: Mill) -> Wrote:
    response = mill.by_mara.post(f"/models/{a_challenger().name}/shadow/start/", {"share": "50"})
    return Wrote(response, "mara", "shadow-start", "model 2026.11.2")


def stop_shadow(mill: Mill) -> Wrote:
    response = mill.by_mara.post(f"/models/{in_shadow().name}/shadow/stop/")
    return Wrote(response, "mara", "shadow-stop", "model 2026.11.2")


def ask_for_recall(mill: Mill) -> Wrote:
    today = f"{timezone.localdate():%Y-%m-%d}"
    response = mill.by_mara.post("/recalls/", {"version": a_challenger().name, "first": today, "last": today})
    return Wrote(response, "mara", "recall", f"recall {Recall.objects.get().pk}")


def cancel_recall(mill: Mill) -> Wrote:
    row = a_recall()
    return Wrote(mill.by_mara.post(f"/recalls/{row.pk}/cancel/"), "mara", "recall-cancel", f"recall {row.pk}")


def model_deed(name: str, action: str) -> Callable[[Mill], Wrote]:
    """A form of a version's pages, sent by the manager; the version passed its gate."""

    def send(mill: Mill) -> Wrote:
        version = gates.a_challenger(mill.mara)
        where = f"/models/{version}/{name}/"
        return Wrote(mill.by_mara.post(where, {"reason": "a better one"}), "mara", action, f"model {version}")

    return send


def override(mill: Mill) -> Wrote:
    version, ada = gates.a_challenger(mill.mara, passed=False), cast.ada()
    response = signed_in(ada).post(f"/models/{version}/gate/override/", {"reason": "Loom 3 makes no holes"})
    return Wrote(response, "ada", "gate-override", f"model {version}")


def roll_back(mill: Mill) -> Wrote:
    before, now = ModelVersion.objects.get(is_default=True), timezone.now()
    changes.install(gates.a_challenger(mill.mara), None, now)
    AuditEvent.objects.all().delete()
    response = mill.by_mara.post("/models/rollback/", {"reason": "it passes holes"})
    return Wrote(response, "mara", "rollback", f"model {before}")


def acknowledge(mill: Mill) -> Wrote:
    alarm = an_alarm()
    response = mill.by_olga.post(f"/alarms/{alarm.pk}/acknowledge/", {"note": "needle changed"})
    return Wrote(response, "olga", "acknowledge-alarm", f"alarm {alarm.pk}")


def resolve(mill: Mill) -> Wrote:
    alarm = an_alarm()
    response = mill.by_olga.post(f"/alarms/{alarm.pk}/resolve/", {"outcome": "a broken needle"})
    return Wrote(response, "olga", "resolve-alarm", f"alarm {alarm.pk}")


def note_on_alarm(mill: Mill) -> Wrote:
    alarm = an_alarm()
    response = mill.by_olga.post(f"/alarms/{alarm.pk}/note/", {"note": "the fitter comes at four"})
    return Wrote(response, "olga", "note-alarm", f"alarm {alarm.pk}")


def tell_again(mill: Mill) -> Wrote:
    alarm = an_alarm()
    given_up = Delivery.objects.create(
        alarm=alarm, channel=a_channel(), event="raised", state="failed", next_at=timezone.now()
    )
    response = mill.by_mara.post(f"/alarms/{alarm.pk}/again/", {"delivery": given_up.pk})
    return Wrote(response, "mara", "tell-again", f"alarm {alarm.pk}")


def choose_chart(mill: Mill) -> Wrote:
    sent = {"kind": "laney", "subgroup": "length-100", "rule_set": "western", "rules": ["2"]}
    return Wrote(mill.by_mara.post("/lines/loom-1/chart/", sent), "mara", "chart", "line loom-1")


def roll_style(mill: Mill) -> Wrote:
    pieces(a_line(), a_roll("R1", "twill"), timezone.now() - timedelta(hours=1), [0])
    response = mill.by_mara.post("/lines/loom-1/rolls/style/", {"roll": ["R1"], "style": "satin"})
    return Wrote(response, "mara", "roll-style", "roll R1")


def confirm_baseline(mill: Mill) -> Wrote:
    since = timezone.now() - timedelta(days=1)
    until = slots(a_line(), since.replace(hour=0, minute=0, second=0, microsecond=0), usual(40))
    sent = {"since": since.replace(hour=0, minute=0).isoformat(), "until": until.isoformat()}
    sent |= {"seen": "p time 10", "reason": "a quiet night"}
    return Wrote(mill.by_mara.post("/lines/loom-1/chart/baseline/", sent), "mara", "baseline", "line loom-1")


RULE = {"name": "too many", "kind": "limit", "percent": "5", "minutes": "15", "at_least": "20", "cool_down": "15"}


def make_rule(mill: Mill) -> Wrote:
    response = mill.by_mara.post("/alarms/rules/new/", {**RULE, "save": "yes"})
    return Wrote(response, "mara", "make-rule", f"alarm rule {AlarmRule.objects.get().pk}")


def change_rule(mill: Mill) -> Wrote:
    rule = a_rule()
    response = mill.by_mara.post(f"/alarms/rules/{rule.pk}/", {**RULE, "save": "yes"})
    return Wrote(response, "mara", "change-rule", f"alarm rule {rule.pk}")


def switch_rule(mill: Mill) -> Wrote:
    rule = a_rule()
    response = mill.by_mara.post(f"/alarms/rules/{rule.pk}/switch/", {"enabled": "no"})
    return Wrote(response, "mara", "change-rule", f"alarm rule {rule.pk}")


def by_ada() -> Client:
    return signed_in(cast.ada())


CHANNEL = {"name": "the fitters", "kind": "email", "target": "fitters@example.org", "enabled": "on"}


def make_channel(mill: Mill) -> Wrote:
    response = by_ada().post("/alarms/channels/", CHANNEL)
    return Wrote(response, "ada", "make-channel", f"channel {Channel.objects.get().pk}")


def change_channel(mill: Mill) -> Wrote:
    channel = a_channel(ChannelKind.EMAIL, "fitters@example.org")
    response = by_ada().post(f"/alarms/channels/{channel.pk}/", CHANNEL)
    return Wrote(response, "ada", "change-channel", f"channel {channel.pk}")


def try_channel(mill: Mill) -> Wrote:
    an_alarm()
    channel = a_channel()
    return Wrote(by_ada().post(f"/alarms/channels/{channel.pk}/test/"), "ada", "test-channel", f"channel {channel.pk}")


def upload_model(mill: Mill) -> Wrote:
    ada = cast.ada()
    response = signed_in(ada).post("/models/upload/", {"bundle": SimpleUploadedFile("b.zip", gates.zipped_bundle())})
    return Wrote(response, "ada", "new-model", f"model {ModelVersion.objects.get(origin='uploaded')}")


def move_threshold(mill: Mill) -> Wrote:
    sent = {"threshold": "0.3", "expected": "", "reason": "too many flags"}
    return Wrote(mill.by_mara.post("/lines/loom-1/threshold/", sent), "mara", "threshold", "line loom-1")


SHIFT = {"name": "Early", "starts": "06:00", "ends": "14:00", "days": [1, 2], "zone": "Asia/Dhaka"}


def a_shift() -> Shift:
    return Shift.objects.create(name="Late", starts=time(14), ends=time(22), days=[1], zone="Asia/Dhaka")


def new_shift(mill: Mill) -> Wrote:
    response = mill.by_mara.post("/shifts/", SHIFT)
    return Wrote(response, "mara", "new-shift", f"shift {Shift.objects.get().pk}")


def three_shifts(mill: Mill) -> Wrote:
    return Wrote(mill.by_mara.post("/shifts/three/"), "mara", "new-shifts", "shifts")


def change_shift(mill: Mill) -> Wrote:
    shift = a_shift()
    response = mill.by_mara.post(f"/shifts/{shift.pk}/", {**SHIFT, "seen": shift_stamp(hours_of(shift))})
    return Wrote(response, "mara", "shift", f"shift {shift.pk}")


def delete_shift(mill: Mill) -> Wrote:
    shift = a_shift()
    response = mill.by_mara.post(f"/shifts/{shift.pk}/delete/", {"seen": shift_stamp(hours_of(shift))})
    return Wrote(response, "mara", "delete-shift", f"shift {shift.pk}")


GOOD: dict[tuple[str, str], Callable[[Mill], Wrote]] = {
    ("/lines/<slug:slug>/threshold/", "POST"): move_threshold,
    ("/login/", "POST"): sign_in,
    ("/logout/", "POST"): sign_out,
    ("/unlock/", "POST"): unlock,
    ("/upload/", "POST"): upload,
    ("/teach/ask/", "POST"): reckon,
    ("/teach/<uuid:key>/label/", "POST"): relabel,
    ("/api/v1/captures/<uuid:pk>/labels/", "POST"): label_by_api,
    ("/api/v1/captures/<uuid:pk>/skip/", "POST"): skip_by_api,
    ("/api/v1/labels/", "POST"): labels_by_api,
    ("/api/v1/labels/<uuid:label>/", "DELETE"): undo_by_api,
    ("/captures/<uuid:key>/label/", "POST"): label_by_form,
    ("/captures/<uuid:key>/undo/", "POST"): undo_by_form,
    ("/captures/<uuid:key>/known/", "POST"): known_answer,
    ("/captures/<uuid:key>/example/", "POST"): example,
    ("/queue/decide/", "POST"): decide_in_queue,
    ("/keys/", "POST"): keys,
    ("/models/<str:name>/shadow/start/", "POST"): start_shadow,
    ("/models/<str:name>/shadow/stop/", "POST"): stop_shadow,
    ("/recalls/", "POST"): ask_for_recall,
    ("/recalls/<int:number>/cancel/", "POST"): cancel_recall,
    ("/training/", "POST"): train,
    ("/training/<int:training>/cancel/", "POST"): cancel_training,
    ("/snapshots/new/", "POST"): make_snapshot,
    ("/snapshots/golden/", "POST"): make_golden_set,
    ("/quarantine/", "POST"): quarantine,
    ("/quarantine/<int:quarantine>/lift/", "POST"): lift_quarantine,
    ("/classes/", "POST"): new_class,
    ("/shifts/", "POST"): new_shift,
    ("/shifts/three/", "POST"): three_shifts,
    ("/shifts/<int:shift>/", "POST"): change_shift,
    ("/shifts/<int:shift>/delete/", "POST"): delete_shift,
    ("/classes/<slug:code>/", "POST"): definition,
    ("/classes/new-from-examples/", "POST"): drafted,
    ("/classes/new-from-examples/mark/", "POST"): example_marked,
    ("/classes/makers/", "POST"): makers,
    ("/classes/<slug:code>/take-back/", "POST"): class_taken_back,
    ("/alarms/<int:alarm>/acknowledge/", "POST"): acknowledge,
    ("/alarms/<int:alarm>/resolve/", "POST"): resolve,
    ("/alarms/<int:alarm>/note/", "POST"): note_on_alarm,
    ("/alarms/<int:alarm>/again/", "POST"): tell_again,
    ("/alarms/rules/new/", "POST"): make_rule,
    ("/alarms/rules/<int:rule>/", "POST"): change_rule,
    ("/alarms/rules/<int:rule>/switch/", "POST"): switch_rule,
    ("/alarms/channels/", "POST"): make_channel,
    ("/alarms/channels/<int:channel>/", "POST"): change_channel,
    ("/alarms/channels/<int:channel>/test/", "POST"): try_channel,
    ("/lines/<slug:slug>/chart/", "POST"): choose_chart,
    ("/lines/<slug:slug>/chart/baseline/", "POST"): confirm_baseline,
    ("/lines/<slug:slug>/rolls/style/", "POST"): roll_style,
    ("/models/upload/", "POST"): upload_model,
    ("/models/rollback/", "POST"): roll_back,
    ("/models/<str:name>/promote/", "POST"): model_deed("promote", "promote"),
    ("/models/<str:name>/reject/", "POST"): model_deed("reject", "reject"),
    ("/models/<str:name>/gate/ask/", "POST"): model_deed("gate/ask", "gate"),
    ("/models/<str:name>/gate/override/", "POST"): override,
}
REFUSALS = {"401", "403", "405"}


def changing() -> set[tuple[str, str]]:
    """Each route and writing method that somebody gets past the door of: 404 and 400 are said behind it."""
    callers = [name for name in table()[0] if name not in {"route", "method"}]
    answers = {(row["route"], row["method"]): {row[name] for name in callers} for row in table()}
    every = {(route, method) for route in routes() for method in WRITING}
    return {one for one in every if not answers.get(one, {"no row"}) <= REFUSALS}


def test_every_route_that_changes_something_has_a_good_request_or_a_reason() -> None:
    assert set(GOOD) | set(EXEMPT) == changing()
    assert not set(GOOD) & set(EXEMPT)


@pytest.mark.parametrize("where", GOOD, ids=" ".join)
def test_every_change_leaves_its_row(mill: Mill, where: tuple[str, str]) -> None:
    start = timezone.now()
    wrote = GOOD[where](mill)
    assert 200 <= wrote.response.status_code < 400, wrote.response.content
    (row,) = AuditEvent.objects.select_related("person")
    assert (row.person and row.person.username, row.action, row.subject) == (wrote.person, wrote.action, wrote.subject)
    assert start <= row.at <= timezone.now()


def test_a_change_of_user_leaves_two_rows_each_under_its_own_name(mill: Mill) -> None:
    assert mill.by_olga.post("/unlock/", {"username": "mara", "password": PASSWORD}).status_code == 302
    rows = AuditEvent.objects.order_by("id").values_list("person__username", "action", "subject")
    assert list(rows) == [("olga", "sign-out", "person olga"), ("mara", "change-user", "person mara")]


@pytest.mark.parametrize(
    "sent",
    [
        lambda mill: mill.by_olga.post("/upload/", {"line": "loom-1", "image": SimpleUploadedFile("a.png", b"no")}),
        lambda mill: as_json(mill.by_olga, f"/api/v1/captures/{mill.capture.pk}/labels/", {"label": "nonsense"}),
        lambda mill: as_json(mill.by_olga, "/keys/", {"keys": {"good": "s"}}),
        lambda mill: mill.by_olga.post(f"/captures/{mill.capture.pk}/known/", {"class": "hole", "was": ""}),
    ],
)
def test_what_was_refused_leaves_none(mill: Mill, sent: Callable[[Mill], Any]) -> None:
    assert sent(mill).status_code >= 400
    assert AuditEvent.objects.count() == 0


# --- the page ---------------------------------------------------------------------------------------------------


def noted(mill: Mill, count: int, action: str = "label", person: Person | None = None) -> None:
    for number in range(count):
        AuditEvent.note(person or mill.olga, action, of_capture(mill), timezone.now(), label=f"class-{number}")


def text_of(client: Client, address: str, status: int = 200) -> str:
    response = client.get(address)
    assert response.status_code == status, response.content
    return response.content.decode()


@pytest.mark.parametrize(("person", "status"), [(cast.otto, 403), (cast.ada, 200)])
def test_managers_and_admins_read_it_and_operators_do_not(mill: Mill, person: Any, status: int) -> None:
    assert text_of(mill.by_mara, "/audit/")
    text_of(signed_in(person()), "/audit/", status)


def test_only_who_may_read_it_is_led_there(mill: Mill) -> None:
    assert 'href="/audit/"' in text_of(mill.by_mara, "/")
    assert 'href="/audit/"' not in text_of(mill.by_olga, "/")


def test_nobody_edits_it(mill: Mill) -> None:
    noted(mill, 1)
    ada = signed_in(cast.ada())
    assert {ada.generic(method, "/audit/").status_code for method in WRITING} == {405}
    assert AuditEvent.objects.count() == 1


def test_it_is_read_newest_first_in_pages_that_miss_and_repeat_nothing(mill: Mill) -> None:
    noted(mill, 250)
    seen: list[str] = []
    address = "/audit/"
    for _page in range(3):
        response = mill.by_mara.get(address)
        seen += [row.event.detail["label"] for row in response.context["rows"]]
        address = response.context["older"]
    assert seen == [f"class-{number}" for number in reversed(range(250))]
    assert address == ""


def test_it_is_narrowed_by_person_action_and_subject(mill: Mill) -> None:
    noted(mill, 2)
    noted(mill, 3, "undo")
    noted(mill, 4, "undo", mill.mara)
    AuditEvent.note(mill.mara, "undo", "capture of another kind", timezone.now())

    def found(query: str) -> int:
        return len(mill.by_mara.get(f"/audit/?{query}").context["rows"])

    assert found("") == 10
    assert found("person=olga") == 5
    assert found("person=olga&action=undo") == 3
    assert found(f"subject={mill.capture.pk}&action=undo") == 7
    assert found("person=nobody") == 0


def test_a_row_says_who_what_and_leads_to_the_capture(mill: Mill) -> None:
    mill.by_olga.post("/unlock/", {"password": PASSWORD})
    AuditEvent.note(mill.mara, "keys", "person mara", timezone.now(), keys={"good": "b"}, keys_off=False)
    AuditEvent.note(mill.mara, "some-new-action", of_capture(mill), timezone.now(), note="<b>bold</b>", before=None)
    text = text_of(mill.by_mara, "/audit/")
    assert "Gave the password" in text
    assert "good: b" in text
    assert "some-new-action" in text
    assert "&lt;b&gt;bold" in text
    assert f'href="/captures/{mill.capture.pk}/"' in text


@pytest.mark.parametrize("query", ["after=nonsense", f"person={'x' * 200}"])
def test_a_damaged_address_is_told(mill: Mill, query: str) -> None:
    assert "This address is damaged" in text_of(mill.by_mara, f"/audit/?{query}", 400)


@pytest.mark.parametrize("subject", ["capture nonsense", "line ../../x", "capture", "", "person <b>"])
def test_a_subject_without_a_page_has_no_link(mill: Mill, subject: str) -> None:
    AuditEvent.note(mill.mara, "label", subject, timezone.now())
    (row,) = mill.by_mara.get("/audit/").context["rows"]
    assert row.url == ""


def test_what_the_reader_is_asked_blind_is_left_out(mill: Mill) -> None:
    noted(mill, 1)
    held = {"blind": True, "holder": mill.mara, "lease_until": timezone.now()}
    ReviewItem.objects.filter(capture=mill.capture).update(**held)
    assert mill.by_mara.get("/audit/").context["rows"] == []
    assert len(signed_in(cast.ada()).get("/audit/").context["rows"]) == 1
