"""The web's entry point: a WSGI application. Every worker process of a server imports it, once."""

import os

from django.core.wsgi import get_wsgi_application

from qc_site.warm import warm_up

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "qc_site.settings")
application = get_wsgi_application()
warm_up()
