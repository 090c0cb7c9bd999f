"""Telling people of alarms: e-mail, webhook, MQTT.

The `Delivery` row is the queue. Whoever takes one holds it by `next_at` and counts the attempt before it is made, so a
process that dies while it tells leaves a row that is taken again. `outbox` takes and settles, the three channels send
and answer with what went wrong, `teller` keeps a thread for each channel, so that none holds up another or the alarms.
"""
