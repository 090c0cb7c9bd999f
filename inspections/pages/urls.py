"""The addresses of the pages."""

from django.urls import path

from inspections.pages import (
    agreement,
    audit_log,
    capture,
    capture_deeds,
    capture_uses,
    class_changes,
    files,
    flagged,
    keys,
    lines,
    quality,
    queue,
    signing_in,
    upload,
)

urlpatterns = [
    path("login/", signing_in.Login.as_view(), name="login"),
    path("logout/", signing_in.Logout.as_view(), name="logout"),
    path("unlock/", signing_in.unlock, name="unlock"),
    path("unlock/touch/", signing_in.touch, name="unlock-touch"),
    path("audit/", audit_log.audit, name="audit"),
    path("upload/", upload.upload, name="upload"),
    path("", lines.lines, name="lines"),
    path("lines/<slug:slug>/", lines.line, name="line"),
    path("flagged/", flagged.flagged, name="flagged"),
    path("queue/", queue.show, name="queue"),
    path("queue/items/", queue.items, name="queue-items"),
    path("queue/decide/", queue.decide, name="queue-decide"),
    path("keys/", keys.keys, name="keys"),
    path("escape/", quality.escape, name="escape"),
    path("agreement/", agreement.page_of_agreement, name="agreement"),
    path("classes/", class_changes.classes, name="classes"),
    path("classes/<slug:code>/", class_changes.change, name="class-change"),
    path("captures/<uuid:key>/", capture.capture, name="capture"),
    path("captures/<uuid:key>/label/", capture_deeds.label, name="capture-label"),
    path("captures/<uuid:key>/undo/", capture_deeds.undo, name="capture-undo"),
    path("captures/<uuid:key>/known/", capture_uses.known, name="capture-known"),
    path("captures/<uuid:key>/example/", capture_uses.example, name="capture-example"),
    path("captures/<uuid:key>/image/", files.image, name="capture-image"),
    path("captures/<uuid:key>/view/", files.view, name="capture-view"),
    path("captures/<uuid:key>/heatmap/", files.heatmap, name="capture-heatmap"),
]
