"""The addresses of alarms, their rules and their channels."""

from django.urls import path

from inspections.pages import alarm, alarm_deeds, alarm_list, channels, rules

urlpatterns = [
    path("alarms/", alarm_list.alarms, name="alarms"),
    path("alarms/raised/", alarm_list.raised, name="alarms-raised"),
    path("alarms/<int:alarm>/", alarm.alarm, name="alarm"),
    path("alarms/<int:alarm>/acknowledge/", alarm_deeds.acknowledge, name="alarm-acknowledge"),
    path("alarms/<int:alarm>/resolve/", alarm_deeds.resolve, name="alarm-resolve"),
    path("alarms/<int:alarm>/note/", alarm_deeds.note, name="alarm-note"),
    path("alarms/<int:alarm>/again/", alarm_deeds.again, name="alarm-send-again"),
    path("alarms/rules/", rules.rules, name="alarm-rules"),
    path("alarms/rules/new/", rules.rule_new, name="alarm-rule-new"),
    path("alarms/rules/<int:rule>/", rules.rule, name="alarm-rule"),
    path("alarms/rules/<int:rule>/switch/", rules.switch, name="alarm-rule-switch"),
    path("alarms/channels/", channels.channels, name="channels"),
    path("alarms/channels/<int:channel>/", channels.channel, name="channel"),
    path("alarms/channels/<int:channel>/test/", channels.test, name="channel-test"),
]
