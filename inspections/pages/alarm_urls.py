"""The addresses of alarms, their rules and their channels."""

from django.urls import path

from inspections.pages import alarm, alarm_deeds, alarm_list

urlpatterns = [
    path("alarms/", alarm_list.alarms, name="alarms"),
    path("alarms/<int:alarm>/", alarm.alarm, name="alarm"),
    path("alarms/<int:alarm>/acknowledge/", alarm_deeds.acknowledge, name="alarm-acknowledge"),
    path("alarms/<int:alarm>/resolve/", alarm_deeds.resolve, name="alarm-resolve"),
    path("alarms/<int:alarm>/note/", alarm_deeds.note, name="alarm-note"),
]
