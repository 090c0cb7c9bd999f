"""The addresses of the pages."""

from django.urls import path

from inspections.pages import agreement, audit_log, capture, files, flagged, lines, quality, signing_in, upload

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
    path("escape/", quality.escape, name="escape"),
    path("agreement/", agreement.page_of_agreement, name="agreement"),
    path("captures/<uuid:key>/", capture.capture, name="capture"),
    path("captures/<uuid:key>/image/", files.image, name="capture-image"),
    path("captures/<uuid:key>/view/", files.view, name="capture-view"),
    path("captures/<uuid:key>/heatmap/", files.heatmap, name="capture-heatmap"),
]
