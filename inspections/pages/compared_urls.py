"""The addresses of what judges beside the verdict in force: shadow, recall and lineage."""

from django.urls import path

from inspections.pages import lineage, recall, recalls, shadow

urlpatterns = [
    path("models/<str:name>/shadow/", shadow.shadow, name="shadow"),
    path("models/<str:name>/shadow/start/", shadow.start, name="shadow-start"),
    path("models/<str:name>/shadow/stop/", shadow.stop, name="shadow-stop"),
    path("recalls/", recalls.recalls, name="recalls"),
    path("recalls/<int:number>/", recall.recall, name="recall"),
    path("recalls/<int:number>/cancel/", recall.cancel, name="recall-cancel"),
    path("recalls/<int:number>/list.csv", recall.as_csv, name="recall-csv"),
    path("captures/<uuid:key>/lineage/", lineage.lineage, name="lineage"),
]
