"""The addresses of the registry: versions, the gate, promotion and rollback."""

from django.urls import path

from inspections.pages import gate, model, models_list

urlpatterns = [
    path("models/", models_list.models, name="models"),
    path("models/upload/", models_list.upload, name="model-upload"),
    path("models/rollback/", model.roll_back, name="rollback"),
    path("models/<str:name>/", model.model, name="model"),
    path("models/<str:name>/promote/", model.promote, name="model-promote"),
    path("models/<str:name>/reject/", model.reject, name="model-reject"),
    path("models/<str:name>/download/", model.download, name="model-download"),
    path("models/<str:name>/gate/", gate.of_model, name="gate"),
    path("models/<str:name>/gate/ask/", gate.ask, name="gate-ask"),
    path("models/<str:name>/gate/override/", gate.override, name="gate-override"),
]
