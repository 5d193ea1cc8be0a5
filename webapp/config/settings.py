"""All settings of the site. Every variable is named RANKZERO_* and described in docs/configuration.md."""

from __future__ import annotations

from typing import Any

from celery.schedules import crontab
from csp.constants import NONCE, NONE, SELF

from webapp.config import env
from webapp.config.lab import default_tiers
from webapp.config.paths import ROOT, state_dir, valkey_socket

STATE = state_dir()
DEBUG = env.env_bool("DEBUG", default=False)
SECRET_KEY = env.secret_key(STATE)
ORIGINS = env.env_list("ORIGINS")  # https://learn.example.org: also turns on secure cookies and HSTS
HTTPS = any(origin.startswith("https://") for origin in ORIGINS)
ALLOWED_HOSTS = env.env_list("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = ORIGINS
TIERS = env.env_list("TIERS", default_tiers())  # what this installation has workers for
WORKER_GRACE_S = env.env_int("WORKER_GRACE_S", 1, high=3600)  # what a run may still take when its worker is stopped
PROXIES = env.env_int("PROXIES", 0, high=8)  # how many proxies of ours stand before the site

SOURCE_URL = env.env_str("SOURCE_URL").rstrip("/")  # where the public reads this repository's files

INSTALLED_APPS = [
    "webapp.config",
    "webapp.accounts",
    "webapp.catalog",
    "webapp.cohorts",
    "webapp.submissions",
    "webapp.learning",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "axes",
    "csp",
    "channels",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "webapp.config.middleware.PermissionsPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "webapp.accounts.middleware.PreferencesMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "webapp.config.urls"
ASGI_APPLICATION = "webapp.config.asgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "webapp" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "webapp.catalog.context.site",
                "webapp.submissions.reviewing.reviews_waiting",
                "webapp.submissions.notices.regrade_notices",
            ]
        },
    }
]

DATABASES = {"default": env.database(STATE)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = env.env_secret("REDIS_URL") or f"unix://{valkey_socket()}"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "rz:cache",
    }
}

LANGUAGE_CODE = "en"
LANGUAGES = env.languages(env.env_list("LANGUAGES", "en"))
LOCALE_PATHS = [ROOT / "webapp" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = env.env_str("TIME_ZONE", "UTC")

# Vite's files carry a hash in their names, so they are served as they are and cached for ever.
FRONTEND_DIST = ROOT / "webapp" / "frontend" / "dist"
VITE_MANIFEST = FRONTEND_DIST / ".vite" / "manifest.json"
STATIC_URL = "/static/"
STATICFILES_DIRS = [FRONTEND_DIST] if FRONTEND_DIST.is_dir() else []
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
WHITENOISE_IMMUTABLE_FILE_TEST = r"^.+[.-][0-9A-Za-z_-]{8,12}\..+$"

# A submission may carry one field a file; the service checks names, number and sizes itself and says so at the field.
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024**2
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000
DATA_UPLOAD_MAX_NUMBER_FILES = 0  # files come as text fields

# Sign-in
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"
HAS_MAIL = bool(env.env_secret("EMAIL_URL"))
SIGNUP, SIGNUP_DOMAINS = env.signup()
ACCOUNT_ADAPTER = "webapp.accounts.adapter.AccountAdapter"
SOCIALACCOUNT_ADAPTER = "webapp.accounts.adapter.SocialAccountAdapter"
ACCOUNT_FORMS = {"signup": "webapp.accounts.forms.SignupForm", "add_email": "webapp.accounts.forms.AddEmailForm"}
SOCIALACCOUNT_FORMS = {"signup": "webapp.accounts.forms.SocialSignupForm"}
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*", "password2*"]
# Where the address decides who may come in, it has to be proved; a site without a mail server prints the message.
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if HAS_MAIL or SIGNUP == "domain" else "none"
ACCOUNT_MAX_EMAIL_ADDRESSES = 5
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_EMAIL_NOTIFICATIONS = HAS_MAIL  # a message about each change of password, address or second factor
ACCOUNT_USERNAME_BLACKLIST = ["admin", "root", "system", "support", "rankzero"]
ACCOUNT_USERNAME_MIN_LENGTH = 2
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[Rank Zero] "
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
ALLAUTH_TRUSTED_PROXY_COUNT = PROXIES
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_ALLOW_UNVERIFIED_EMAIL = ACCOUNT_EMAIL_VERIFICATION == "none"  # where no address is ever proved
MFA_TOTP_ISSUER = "Rank Zero"
SOCIALACCOUNT_PROVIDERS: dict[str, Any] = {}
SOCIALACCOUNT_STORE_TOKENS = False
OIDC_SERVER = env.env_str("OIDC_SERVER_URL")
if OIDC_SERVER:
    SOCIALACCOUNT_PROVIDERS["openid_connect"] = {
        "APPS": [
            {
                "provider_id": env.env_str("OIDC_ID", "oidc"),
                "name": env.env_str("OIDC_NAME", "Single sign-on"),
                "client_id": env.env_str("OIDC_CLIENT_ID"),
                "secret": env.env_secret("OIDC_CLIENT_SECRET"),
                "settings": {"server_url": OIDC_SERVER},
            }
        ]
    }
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_CALLABLE = "webapp.accounts.adapter.login_name"
AXES_LOCKOUT_TEMPLATE = "429.html"
AXES_HTTP_RESPONSE_CODE = 429
AXES_RESET_ON_SUCCESS = True
AXES_ENABLE_ADMIN = False
AXES_CLIENT_IP_CALLABLE = "webapp.accounts.adapter.client_ip"

# Mail: with no server named, messages (password resets) are printed, and kept as files, for the operator to read.
DEFAULT_FROM_EMAIL = env.env_str("EMAIL_FROM", "rankzero@localhost")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
if HAS_MAIL:
    locals().update(env.mail())
else:
    EMAIL_BACKEND = "webapp.accounts.mail.OperatorsMail"
    EMAIL_FILE_PATH = STATE / "mail"

# Security headers
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = False  # the proxy that ends TLS redirects
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PROXIES else None
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        # No style attribute either: what Mermaid writes as such goes through the CSSOM (frontend/src/lib/cssom.ts).
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],  # plots of runnable cells
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "worker-src": [SELF],
        "form-action": [SELF, *([OIDC_SERVER] if OIDC_SERVER else [])],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# Queue. Messages only wake workers: the row in the database is the work, so a message may be lost.
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_DISABLE_PREFETCH = True  # a busy worker keeps no wake-up to itself while another one idles
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,  # of a message that a worker took and never started: then it wakes another one
    "socket_connect_timeout": 5,
    "health_check_interval": 25,
    # A click does not wait for a broker that is away: the row is safe, and a sweep wakes the queue.
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0,
}
CELERY_TASK_CREATE_MISSING_QUEUES = True
CELERY_TASK_DEFAULT_QUEUE = "smoke"
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a broker that is away for a day is no reason to give up
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
# How long a claim on a run lasts, how often it is renewed, and how often claims that ended are taken back.
LEASE_S = env.env_int("LEASE_S", 60, low=3, high=3600)
HEARTBEAT_S = env.env_int("HEARTBEAT_S", 15, low=1, high=1200)
SWEEP_S = env.env_int("SWEEP_S", 15, low=1, high=600)
CELERY_BEAT_SCHEDULE = {
    "sweep": {
        "task": "webapp.submissions.tasks.sweep",
        "schedule": float(SWEEP_S),
        "options": {"queue": "smoke", "expires": float(SWEEP_S)},
    },
    "retention": {
        "task": "webapp.submissions.tasks.retention",
        "schedule": crontab(hour="3", minute="17"),
        "options": {"queue": "smoke", "expires": 3600.0},
    },
}

# What a learner may use; see webapp/submissions/fairness.py and quotas.py
RUNS_PER_USER = env.env_int("RUNS_PER_USER", 2, low=1, high=1000)  # running at once in one queue, while others wait
GPU_MINUTES_PER_DAY = env.env_int("GPU_MINUTES_PER_DAY", 0, high=24 * 60)  # 0: no limit; a cohort may say otherwise

# Days after which something is deleted (0: never); see webapp/submissions/operations/retention.py
KEEP_LOGS_DAYS = env.env_int("KEEP_LOGS_DAYS", 180, high=36_500)
KEEP_CELLS_DAYS = env.env_int("KEEP_CELLS_DAYS", 30, high=36_500)
KEEP_SIGNINS_DAYS = env.env_int("KEEP_SIGNINS_DAYS", 90, high=36_500)
KEEP_MAIL_DAYS = env.env_int("KEEP_MAIL_DAYS", 7, high=36_500)

METRICS_TOKEN = env.env_secret("METRICS_TOKEN")  # who may read /metrics; without it, this machine alone

LOG_LEVEL = env.env_choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOG_FORMAT = env.env_choice("LOG_FORMAT", "text", ("text", "json"))
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "run": {"()": "webapp.config.logs.RunFilter"},
        "secrets": {"()": "webapp.config.logs.SecretsFilter"},
    },
    "formatters": {
        "text": {"format": "%(asctime)s %(levelname)s %(name)s%(run)s: %(message)s"},
        "json": {"()": "webapp.config.logs.JsonFormatter"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["run", "secrets"]}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "django.server": {"handlers": [], "propagate": True},
        "axes": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},  # one line a run is enough: ours
        "celery.worker.request": {"level": "WARNING"},  # sweeps that came too late, one line each
        "celery.app.trace": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},  # it names every sweep
        "multiprocessing": {"level": "ERROR", "propagate": True},  # a pool's processes, as Celery's fork tells of them
        # uvicorn comes with handlers of its own
        "uvicorn": {"handlers": [], "propagate": True, "level": "WARNING"},
        "uvicorn.error": {"handlers": [], "propagate": True},
        "httpx": {"level": "WARNING"},
    },
}
