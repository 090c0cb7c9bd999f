"""Every setting, from the environment, with an embedded default that needs no installed service.

The table in docs/configuration.md is tested against this file.
"""

from pathlib import Path

import environ
from csp.constants import NONCE, NONE, SELF

from qc_site.env import broker_socket, data_folder, kept_secret

env = environ.Env()

BASE_DIR = Path(__file__).resolve().parent.parent
DATA = data_folder()

# --- who we are -----------------------------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", default=False)
PRODUCTION = env.bool("PRODUCTION", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="") or ("" if PRODUCTION else kept_secret(DATA / "secret_key"))
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[] if PRODUCTION else ["*"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "csp",
    "django_filters",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "inspections",
    "workers",
]

MIDDLEWARE = [
    "inspections.api.request_id.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "inspections.pages.sessions.OpenedPagesEndSessions",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "inspections.pages.errors.NotAllowed",
    "inspections.pages.legible.LegibleAddress",
    "inspections.pages.locking.IdleLock",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "qc_site.urls"
WSGI_APPLICATION = "qc_site.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "inspections.pages.locking.terminal",
                "inspections.pages.tab_counts.alarms",
            ],
            "builtins": ["inspections.pages.clock"],
        },
    }
]

# --- database -------------------------------------------------------------------------------------------------

# `process`: a killed process loses nothing. `power`: nor does a power cut (each file and commit is synced).
DURABILITY = env.str("DURABILITY", default="process")

DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{DATA / 'selvedge.sqlite3'}")}
DATABASES["default"]["CONN_MAX_AGE"] = None
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": (
            "PRAGMA journal_mode=WAL;"
            f"PRAGMA synchronous={'FULL' if DURABILITY == 'power' else 'NORMAL'};"
            "PRAGMA foreign_keys=ON;PRAGMA cache_size=-16000;PRAGMA mmap_size=134217728;"
        ),
    }
    # Tests too run on a file: a database in memory knows no WAL and locks differently.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA / "test.sqlite3")}
else:
    # A page's queries are short, and their guessed costs are not: compiling one takes longer than it does.
    by_url = DATABASES["default"].get("OPTIONS", {})
    DATABASES["default"]["OPTIONS"] = {"options": "-c jit=off", **by_url, "connect_timeout": 5}

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "inspections.Person"

# --- people ---------------------------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/login/"
SESSION_COOKIE_AGE = 60 * 60 * 12  # a long shift
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"

AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]  # a mill is one NAT address
AXES_CLIENT_IP_CALLABLE = "inspections.pages.signing_in.client_address"
AXES_LOCKOUT_TEMPLATE = "locked.html"
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False

# --- review ---------------------------------------------------------------------------------------------------

REVIEW_LEASE_S = env.int("REVIEW_LEASE_S", default=120)
AUDIT_SHARE = env.float("AUDIT_SHARE", default=0.05)  # of what a person is shown: images that the model passed
AUDIT_LEAST = env.int("AUDIT_LEAST", default=10)  # a line and day, asked where nothing flagged is left
BLIND_SHARE = env.float("BLIND_SHARE", default=0.1)  # of what is flagged: the model's answer is withheld
CONTROL_SHARE = env.float("CONTROL_SHARE", default=0.02)
SECOND_SHARE = env.float("SECOND_SHARE", default=0.02)
SHIFTS = env.list("SHIFTS", default=["06:00", "14:00", "22:00"])
IDLE_LOCK_S = env.int("IDLE_LOCK_S", default=600)  # 0: never

# --- retraining -----------------------------------------------------------------------------------------------

TRAININGS = Path(env.str("TRAININGS", default=str(DATA / "trainings")))  # work folders; empty when nothing trains
TRAIN_THREADS = env.int("TRAIN_THREADS", default=1)
TRAIN_NICE = env.int("TRAIN_NICE", default=19)  # of its process: it takes what judging leaves
TRAIN_LEASE_S = env.int("TRAIN_LEASE_S", default=30)
TRAIN_LEAST_IMAGES = env.int("TRAIN_LEAST_IMAGES", default=5)  # a class; fewer are refused before anything is read
TRAIN_AFTER_LABELS = env.int("TRAIN_AFTER_LABELS", default=0)  # new ones since the last; 0: no training by itself
LABEL_WEIGHT_BULK = env.float("LABEL_WEIGHT_BULK", default=0.5)  # in training; a single answer weighs 1
TEACH_LIST = env.int("TEACH_LIST", default=200)  # images that stand on the list of what to label next
GATE_RECALL_LOSS = env.float("GATE_RECALL_LOSS", default=0.05)  # a class; one-sided 95 % by source
GATE_CRITICAL_RECALL = env.float("GATE_CRITICAL_RECALL", default=0.9)
GATE_NEW_RECALL = env.float("GATE_NEW_RECALL", default=0.5)  # of a class that the champion does not know
GATE_OVERKILL = env.float("GATE_OVERKILL", default=0.05)
GATE_ECE = env.float("GATE_ECE", default=0.1)
GATE_LATENCY_MS = env.float("GATE_LATENCY_MS", default=200.0)  # an image, on the machine that measures
GATE_SHADOW = env.int("GATE_SHADOW", default=0)  # live captures judged in shadow first; 0: no shadow is asked for
MODEL_UPLOAD_BYTES = env.int("MODEL_UPLOAD_BYTES", default=512 * 1024 * 1024)  # of a bundle, packed or not
SHADOW_SHARE = env.float("SHADOW_SHARE", default=1.0)
SHADOW_MOST = env.int("SHADOW_MOST", default=20_000)  # captures compared with one challenger

# --- look-alikes ----------------------------------------------------------------------------------------------

LOOK_ALIKE_DAYS = env.int("LOOK_ALIKE_DAYS", default=30)  # the index holds these and whatever is labelled
LOOK_ALIKE_MOST = env.int("LOOK_ALIKE_MOST", default=200_000)  # captures in the index of a version
LOOK_ALIKE_LEAST = env.int("LOOK_ALIKE_LEAST", default=2_000)  # new ones worth a file; fewer are read from rows
LOOK_ALIKE_EXACT = env.int("LOOK_ALIKE_EXACT", default=100_000)  # beyond it, what is likely near is searched by a graph
LOOK_ALIKE_EVERY_S = env.float("LOOK_ALIKE_EVERY_S", default=60.0)

# --- the wire -------------------------------------------------------------------------------------------------

BEHIND_TLS_PROXY = env.bool("BEHIND_TLS_PROXY", default=PRODUCTION)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_TLS_PROXY else None
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=PRODUCTION)
# The container's own health check and a scraper beside it speak plain HTTP.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31536000 if PRODUCTION else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_SECONDS > 0
SECURE_HSTS_PRELOAD = SECURE_HSTS_SECONDS > 0
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
CSRF_FAILURE_VIEW = "inspections.pages.errors.csrf_failure"

# --- uploads --------------------------------------------------------------------------------------------------

MAX_IMAGE_BYTES = env.int("MAX_IMAGE_BYTES", default=20 * 1024 * 1024)
MAX_IMAGE_PIXELS = env.int("MAX_IMAGE_PIXELS", default=50_000_000)
MAX_WAITERS = env.int("MAX_WAITERS", default=4)
CAMERA_RATE = env.int("CAMERA_RATE", default=200)
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024  # everything of a form but its file
DATA_UPLOAD_MAX_NUMBER_FIELDS = 100
DATA_UPLOAD_MAX_NUMBER_FILES = 8

MEDIA_ROOT = Path(env.str("MEDIA_ROOT", default=str(DATA / "media")))
BUNDLES = Path(env.str("BUNDLES", default=str(DATA / "bundles")))
STARTER_BUNDLE = Path(env.str("STARTER_BUNDLE", default=str(BASE_DIR / "ml" / "starter")))

# --- static files ---------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(DATA / "static")))
STORAGES = {
    "default": {
        "BACKEND": "inspections.storage.AtomicFileStorage",
        "OPTIONS": {"location": str(MEDIA_ROOT)},
    },
    "staticfiles": {"BACKEND": "inspections.static_storage.Storage"},
}

# --- API ------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "inspections.api.auth.CameraKeyAuthentication",
        "inspections.api.auth.PersonSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["inspections.api.parsing.BoundedJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "inspections.api.problems.handle",
    "COERCE_DECIMAL_TO_STRING": False,
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Selvedge camera API",
    "DESCRIPTION": "Line cameras post fabric close-ups and learn the verdict.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": ["inspections.api.auth.PersonSessionAuthentication"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
}

# --- workers --------------------------------------------------------------------------------------------------

EMBEDDED_BROKER_SOCKET = broker_socket(DATA)
BROKER_URL = env.str("BROKER_URL", default=f"redis+socket://{EMBEDDED_BROKER_SOCKET}")
EMBEDDED_BROKER = BROKER_URL.startswith("redis+socket://")
DEVICE = env.str("DEVICE", default="auto")
JUDGE_BATCH = env.int("JUDGE_BATCH", default=32)
JUDGE_PROCESSES = env.int("JUDGE_PROCESSES", default=0)  # 0: one for each core, less one for everything else
LEASE_S = env.int("LEASE_S", default=20)
MAX_ATTEMPTS = env.int("MAX_ATTEMPTS", default=3)
SWEEP_EVERY_S = env.float("SWEEP_EVERY_S", default=3.0)

METRICS_TOKEN = env.str("METRICS_TOKEN", default="")

# --- alarms ---------------------------------------------------------------------------------------------------

ALARMS_EVERY_S = env.float("ALARMS_EVERY_S", default=10.0)
ALARM_PRIVATE_HOSTS = env.list("ALARM_PRIVATE_HOSTS", default=[])  # that webhooks may reach: names, networks
ALARM_CA_FILE = env.str("ALARM_CA_FILE", default="")  # PEM: authorities beside the machine's own
PUBLIC_URL = env.str("PUBLIC_URL", default="").rstrip("/")  # under which people open the pages: for links in messages
MQTT_URL = env.str("MQTT_URL", default="")
EMAIL_HOST = env.str("EMAIL_HOST", default="")  # empty: no e-mail is sent
EMAIL_PORT = env.int("EMAIL_PORT", default=25)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", default="")
EMAIL_HOST_PASSWORD = env.str("EMAIL_HOST_PASSWORD", default="")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", default=False)  # STARTTLS
EMAIL_USE_SSL = env.bool("EMAIL_USE_SSL", default=False)
EMAIL_TIMEOUT = env.float("EMAIL_TIMEOUT", default=10.0)
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", default="selvedge@localhost")

# --- language and time ----------------------------------------------------------------------------------------

LANGUAGE_CODE = env.str("LANGUAGE_CODE", default="en")
LANGUAGES = [("en", "English")]
USE_I18N = True
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_TZ = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "lines": {
            "()": "structlog.stdlib.ProcessorFormatter",
            "processor": "structlog.dev.ConsoleRenderer" if DEBUG else "structlog.processors.JSONRenderer",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django.request": {"level": "ERROR"},
        **{chatty: {"level": "WARNING"} for chatty in ("axes", "onnxscript", "onnx_ir")},
    },
}
