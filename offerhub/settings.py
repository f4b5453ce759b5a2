"""One settings file. Every difference between installations comes from the environment
(`.env.example` lists what can be set); the defaults run the sandbox on one machine."""

import secrets
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from offerhub import connections, kept, postgres
from offerhub.storages import private_files

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = postgres.VAR
env = environ.Env()
if (BASE_DIR / ".env").exists():
    env.read_env(BASE_DIR / ".env")

# --- the network ------------------------------------------------------------------------------
OFFERHUB_NETWORK = env.str("OFFERHUB_NETWORK", "sandbox")
if OFFERHUB_NETWORK not in {"sandbox", "testnet", "mainnet"}:
    raise ImproperlyConfigured("OFFERHUB_NETWORK must be sandbox, testnet or mainnet")
SANDBOX = OFFERHUB_NETWORK == "sandbox"
SANDBOX_URL = env.str("OFFERHUB_SANDBOX_URL", "") or kept.sandbox_url()
HORIZON_URL = env.str("OFFERHUB_HORIZON_URL", "")
RPC_URL = env.str("OFFERHUB_RPC_URL", "")
TRUSTLESS_WORK_URL = env.str("OFFERHUB_TRUSTLESS_WORK_URL", "")
TRUSTLESS_WORK_API_KEY = env.str("OFFERHUB_TRUSTLESS_WORK_API_KEY", "")
# The most requests to the escrow provider in any so many seconds, by all processes together; 0 is
# no limit. A sandbox that `manage.py up` starts enforces the same.
PROVIDER_LIMIT = env.int("OFFERHUB_PROVIDER_LIMIT", 0 if SANDBOX else 50)
PROVIDER_WINDOW = env.float("OFFERHUB_PROVIDER_WINDOW", 60.0)
# Accounts that the provider's fee may go to, and contracts that may deploy escrows; empty accepts
# any whose envelope says what was asked.
ESCROW_FEE_ADDRESSES = env.list("OFFERHUB_ESCROW_FEE_ADDRESSES", default=[])
ESCROW_FACTORIES = env.list("OFFERHUB_ESCROW_FACTORIES", default=[])
ESCROW_WASM_HASHES = env.list("OFFERHUB_ESCROW_WASM_HASHES", default=[])

# --- secrets ----------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", False)
if SANDBOX:
    SECRET_KEY = env.str("SECRET_KEY", "") or kept.secret("secret-key", secrets.token_urlsafe(48))
    # "id:base64 of 32 bytes", newest first; older ones stay readable until rotated away.
    KEY_ENCRYPTION_KEYS = env.str("OFFERHUB_KEY_ENCRYPTION_KEYS", "") or kept.key(
        "key-encryption-keys"
    )
    # The same for what is signed so that others can check it: closed days, proofs of funds.
    SIGNING_KEYS = env.str("OFFERHUB_SIGNING_KEYS", "") or kept.key("signing-keys")
else:
    SECRET_KEY = env.str("SECRET_KEY")
    SIGNING_KEYS = env.str("OFFERHUB_SIGNING_KEYS")
    KEY_ENCRYPTION_KEYS = env.str("OFFERHUB_KEY_ENCRYPTION_KEYS")

# --- applications -----------------------------------------------------------------------------
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
INSTALLED_APPS = [
    "offerhub.apps.OfferhubConfig",
    "offerhub.apps.OfferhubAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "axes",
    "pgtrigger",
    "django_filters",
    "rest_framework",
    "drf_spectacular",
    "django_structlog",
    "offerhub.budget",
    "offerhub.audit",
    "offerhub.marketplaces",
    "offerhub.events",
    "offerhub.approvals",
    "offerhub.api",
    "offerhub.users",
    "ledger",
    "offerhub.wallets",
    "offerhub.deposits",
    "orders",
    "disputes",
    "payouts",
    "offerhub.subscriptions",
    "offerhub.reconciliation",
    "offerhub.suspense",
    "offerhub.claims",
    "offerhub.reports",
]
MIDDLEWARE = [
    "offerhub.health.Health",
    "offerhub.api.middleware.RequestContext",
    "django.middleware.security.SecurityMiddleware",
    "offerhub.middleware.ContentSecurityPolicy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "offerhub.middleware.StaffSessions",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "offerhub.urls"
WSGI_APPLICATION = "offerhub.wsgi.application"
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
            ]
        },
    }
]

# --- database ---------------------------------------------------------------------------------
# manage.py and the tests set DATABASE_URL to the program's own server when it is unset.
DATABASES = {
    "default": connections.database(
        env.db("DATABASE_URL", "postgresql:///offerhub"),
        behind_pooler=env.bool("DATABASE_BEHIND_POOLER", False),
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Installs and refreshes the triggers with migrate; `core.checks` fails when one is missing.
PGTRIGGER_MIGRATIONS = True

# --- time, language, static -------------------------------------------------------------------
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-gb"
USE_I18N = False
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # the server warns when there is none
STATICFILES_DIRS = [path for path in [BASE_DIR / "static"] if path.exists()]
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True

# --- evidence ---------------------------------------------------------------------------------
# Files of disputes: a folder, or a bucket.
STORAGES["evidence"] = private_files(
    env.str("EVIDENCE_DIR", "") or VAR_DIR / "evidence",
    bucket=env.str("EVIDENCE_S3_BUCKET", ""),
    endpoint_url=env.str("EVIDENCE_S3_ENDPOINT", ""),
    region_name=env.str("EVIDENCE_S3_REGION", ""),
    access_key=env.str("EVIDENCE_S3_ACCESS_KEY", ""),
    secret_key=env.str("EVIDENCE_S3_SECRET_KEY", ""),
    prefix=env.str("EVIDENCE_S3_PREFIX", "evidence"),
)

# --- reports ----------------------------------------------------------------------------------
# Files of finance, kept as evidence is. They are written in REPORT_SCRATCH, which is on the same
# disk as the folder, and appear in the storage when they are whole.
REPORT_SCRATCH: Any = env.str("REPORTS_SCRATCH", "") or VAR_DIR / "reports-unfinished"
STORAGES["reports"] = private_files(
    env.str("REPORTS_DIR", "") or VAR_DIR / "reports",
    bucket=env.str("REPORTS_S3_BUCKET", ""),
    endpoint_url=env.str("REPORTS_S3_ENDPOINT", ""),
    region_name=env.str("REPORTS_S3_REGION", ""),
    access_key=env.str("REPORTS_S3_ACCESS_KEY", ""),
    secret_key=env.str("REPORTS_S3_SECRET_KEY", ""),
    prefix=env.str("REPORTS_S3_PREFIX", "reports"),
)
REPORT_DAYS = env.float("REPORT_DAYS", 30.0)  # until a file is deleted
REPORT_HOURS = env.int("REPORT_HOURS", 2)  # that one report may take
REPORTS_AT_ONCE = env.int("REPORTS_AT_ONCE", 2)  # that are being made
REPORTS_WAITING = env.int("REPORTS_WAITING", 20)  # of one marketplace, before more are refused
REPORT_MAIL_ATTACH = env.bool("REPORT_MAIL_ATTACH", False)
REPORT_MAIL_ATTACH_BYTES = env.int("REPORT_MAIL_ATTACH_BYTES", 5 * 1024 * 1024)

# --- staff ------------------------------------------------------------------------------------
AUTH_USER_MODEL = "marketplaces.StaffUser"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
# On the sandbox alone staff may sign in with the password only; a check refuses it elsewhere.
STAFF_CODE_OPTIONAL = env.bool("OFFERHUB_STAFF_CODE_OPTIONAL", SANDBOX)
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_IPWARE_PROXY_COUNT = env.int("TRUSTED_PROXIES", 0)
AXES_VERBOSE = False
AXES_LOCKOUT_TEMPLATE = "locked_out.html"
LOGIN_URL = "admin:login"

HTTPS = env.bool("HTTPS", not SANDBOX)
SESSION_COOKIE_NAME = "__Host-offerhub" if HTTPS else "offerhub"
CSRF_COOKIE_NAME = "__Host-offerhub-csrf" if HTTPS else "offerhub-csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Strict"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 8 * 3600
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 365 * 86400 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env.int("TRUSTED_PROXIES", 0) else None
)
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# --- API --------------------------------------------------------------------------------------
DATA_UPLOAD_MAX_MEMORY_SIZE = API_BODY_LIMIT = 1024 * 1024
# A write that needs the chain waits this long for its outcome unless `Prefer` says otherwise.
API_WAIT_SECONDS = env.float("OFFERHUB_API_WAIT_SECONDS", 10.0)
# How many requests of one web process may wait at a time; beyond it they answer 202 at once.
API_WAITERS = env.int("OFFERHUB_API_WAITERS", 8)
API_RATE_PER_SECOND = env.float("OFFERHUB_API_RATE_PER_SECOND", 2000.0 if SANDBOX else 50.0)
# Keep a log of the calls of each key for 30 days, without bodies.
API_CALL_LOG = env.bool("OFFERHUB_API_CALL_LOG", True)
# The port of `manage.py up`; its sandbox takes the tenth after it unless told otherwise.
PORT = env.int("PORT", 8000)
WEB_WORKERS = env.int("WEB_WORKERS", 2)
WEB_THREADS = env.int("WEB_THREADS", 8)
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["offerhub.api.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["offerhub.api.permissions.HasScope"],
    "DEFAULT_PARSER_CLASSES": ["offerhub.api.parsing.JsonParser"],
    "DEFAULT_RENDERER_CLASSES": ["offerhub.api.rendering.JsonRenderer"],
    "DEFAULT_SCHEMA_CLASS": "offerhub.api.schema.Schema",
    "EXCEPTION_HANDLER": "offerhub.api.problems.handle",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Offerhub",
    "DESCRIPTION": "Escrow and payments for marketplaces.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": [],  # the schema's own view does what is needed
}

# --- events and webhooks ------------------------------------------------------------------------
EVENTS_STRICT = False  # for tests: see offerhub/events/catalog.py
# Event streams that may be open at a time: in one web process, and of one key in it.
STREAMS_PER_PROCESS = env.int("STREAMS_PER_PROCESS", 500)
STREAMS_PER_KEY = env.int("STREAMS_PER_KEY", 200)
# Where webhooks may go: https to these ports, and to no address inside. Networks of one's own that
# look public are closed by naming them: "198.51.100.0/24,2001:db8:1::/48".
OUTBOUND_PORTS = [int(port) for port in env.list("OUTBOUND_PORTS", default=["443", "8443"])]
OUTBOUND_DENIED = env.list("OUTBOUND_DENIED_NETWORKS", default=[])
# Connections at a time: of the whole deliverer, and to one endpoint.
WEBHOOK_CONNECTIONS = env.int("WEBHOOK_CONNECTIONS", 200)
WEBHOOK_ENDPOINT_CONNECTIONS = env.int("WEBHOOK_ENDPOINT_CONNECTIONS", 10)
# An endpoint that has answered nothing well for so many days is disabled.
WEBHOOK_DISABLE_DAYS = env.float("WEBHOOK_DISABLE_DAYS", 5.0)
WEBHOOK_LOG_DAYS = env.float("WEBHOOK_LOG_DAYS", 30.0)  # how long ended deliveries are kept

# --- mail ---------------------------------------------------------------------------------------
# smtp://user:password@host:587, smtp+tls://… or smtp+ssl://…; unset, mails are files in var/.
if env.str("EMAIL_URL", ""):
    vars().update(env.email_url("EMAIL_URL"))
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = VAR_DIR / "mail"
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str("EMAIL_FROM", "Offerhub <offerhub@localhost>")
# Where people reach the product, for links in mails.
PUBLIC_URL = env.str("PUBLIC_URL", "").rstrip("/") or f"http://localhost:{PORT}"

# --- work -------------------------------------------------------------------------------------
# With no broker the sweeps of `manage.py work` do everything; with one, Celery does the same.
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", "")
CELERY_TASK_ACKS_LATE = True
DJANGO_STRUCTLOG_CELERY_ENABLED = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_DB_REUSE_MAX = 10_000  # else Celery closes its thread's connection after each task
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker waits for its broker for ever
CELERY_BROKER_CONNECTION_TIMEOUT = 2
# A request that rings does not wait for a broker that is away, nor for a silent one: the sweeps
# make it good. The last three are of Redis, whose connections would wait for ever; with them a
# worker notices that its own is dead.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0,
    "socket_timeout": 3,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
}
WORK_THREADS = env.int("WORK_THREADS", 8)
# Every wallet is read through Horizon at least this often, for what the event stream does not show.
WALLET_SCAN_HOURS = env.float("OFFERHUB_WALLET_SCAN_HOURS", 24.0)
# Claimable balances for our wallets are looked for wallet by wallet: how often at each, and how
# many requests that may take in a minute, whatever the number of wallets; 0 looks for none.
CLAIM_LOOK_MINUTES = env.float("OFFERHUB_CLAIM_LOOK_MINUTES", 15.0)
CLAIM_LOOKS_PER_MINUTE = env.int("OFFERHUB_CLAIM_LOOKS_PER_MINUTE", 60 if SANDBOX else 10)
MONITOR_SECONDS = env.float("OFFERHUB_MONITOR_SECONDS", 0.25 if SANDBOX else 5.0)

# --- money ------------------------------------------------------------------------------------
# XLM given to a managed wallet for network fees, and the level under which it is topped up.
WALLET_FEE_FLOAT = env.str("OFFERHUB_WALLET_FEE_FLOAT", "10" if SANDBOX else "3")
WALLET_FEE_LOW_WATER = env.str("OFFERHUB_WALLET_FEE_LOW_WATER", "4" if SANDBOX else "1")
# USDC under which a claimable balance is listed and not claimed: each claim costs a network fee.
CLAIM_MINIMUM = env.str("OFFERHUB_CLAIM_MINIMUM", "1")
# The most that one envelope may pay the network, in XLM: more is refused before signing.
MAX_NETWORK_FEE = env.str("OFFERHUB_MAX_NETWORK_FEE", "1")
# What the escrow provider's contracts take of each payout, in hundredths of a percent: to show a
# settlement before it happens. What is booked is read from the chain. The sandbox tells its own.
ESCROW_PROTOCOL_FEE_BPS = env.int("ESCROW_PROTOCOL_FEE_BPS", 30)

# --- automatic release --------------------------------------------------------------------------
# An event tells the marketplace so many hours before a milestone is released by itself.
RELEASE_REMINDER_HOURS = env.float("RELEASE_REMINDER_HOURS", 24.0)

# --- parties that hold their own keys -----------------------------------------------------------
# A step that a party does not sign within so many hours fails, and may be asked for again.
SIGNATURE_HOURS = env.float("SIGNATURE_HOURS", 168.0)

# --- orders that stand still --------------------------------------------------------------------
# An open order to which nothing has happened for so many days is a queue at the desk.
ORDER_QUIET_DAYS = env.float("ORDER_QUIET_DAYS", 30.0)

# --- campaigns ----------------------------------------------------------------------------------
# How many pledges of one campaign are released or refunded at a time.
CAMPAIGN_WINDOW = env.int("CAMPAIGN_WINDOW", 64)

# --- subscriptions ------------------------------------------------------------------------------
# A cycle's order is made and paid so many hours before the cycle begins (never more than half a
# cycle before).
SUBSCRIPTION_PREPARE_HOURS = env.float("SUBSCRIPTION_PREPARE_HOURS", 24.0)
# Days after a payment failed on which it is tried again, and how long after the last of them it is
# tried for the last time.
SUBSCRIPTION_RETRY_DAYS = [
    float(day) for day in env.list("SUBSCRIPTION_RETRY_DAYS", default=["1", "3", "5", "7"])
]
SUBSCRIPTION_GRACE_DAYS = env.float("SUBSCRIPTION_GRACE_DAYS", 3.0)
# A subscription that nobody resumed for so long is cancelled.
SUBSCRIPTION_PAUSE_DAYS = env.float("SUBSCRIPTION_PAUSE_DAYS", 180.0)

# --- disputes ---------------------------------------------------------------------------------
# The service clocks, in hours; they stand while a party must answer.
DISPUTE_FIRST_ANSWER_HOURS = env.float("DISPUTE_FIRST_ANSWER_HOURS", 24.0)
DISPUTE_DECISION_HOURS = env.float("DISPUTE_DECISION_HOURS", 120.0)
DISPUTE_PARTY_ANSWER_HOURS = env.float("DISPUTE_PARTY_ANSWER_HOURS", 48.0)
# A second person must approve a resolution that moves more USDC than this; or when what one person
# decided alone adds up to more for the order, or for themselves within a day. Empty is
# no limit; with 0 somebody else must agree to everything.
DISPUTE_APPROVAL_THRESHOLD = env.str("DISPUTE_APPROVAL_THRESHOLD", "250")
DISPUTE_APPROVAL_ORDER_SUM = env.str("DISPUTE_APPROVAL_ORDER_SUM", "250")
DISPUTE_APPROVAL_DAY_SUM = env.str("DISPUTE_APPROVAL_DAY_SUM", "1000")
# Withdrawals over this wait for a person of the desk; "0" switches that off.
WITHDRAWAL_APPROVAL_THRESHOLD = env.str("WITHDRAWAL_APPROVAL_THRESHOLD", "0")
# Channel accounts of a marketplace, at most: so many transactions of batches run at once.
PAYOUT_CHANNELS = env.int("PAYOUT_CHANNELS", 3)
# Hours that a new address of a user's address book waits before it may be paid, unless the
# marketplace says otherwise.
ADDRESS_COOLING_HOURS = env.int("ADDRESS_COOLING_HOURS", 0 if SANDBOX else 24)
APPROVAL_HOURS = env.int("APPROVAL_HOURS", 48)  # until a proposal expires

# --- reconciliation and proofs ------------------------------------------------------------------
# Seconds between two rounds that compare every wallet and contract with the chain; 0 is none.
RECONCILIATION_SECONDS = env.float("RECONCILIATION_SECONDS", 60.0 if SANDBOX else 900.0)
# A difference with something on its way is told of all the same after so many minutes.
RECONCILIATION_PATIENCE_MINUTES = env.float("RECONCILIATION_PATIENCE_MINUTES", 30.0)
# Hours between two proofs of funds of each marketplace; 0 makes them on demand alone.
PROOF_HOURS = env.float("OFFERHUB_PROOF_HOURS", 24.0)

# --- metrics ------------------------------------------------------------------------------------
# Who sends this as a bearer token may read `/metrics`. Unset, nobody may, but for this machine on
# the sandbox.
METRICS_TOKEN = env.str("OFFERHUB_METRICS_TOKEN", "")

# --- logs -------------------------------------------------------------------------------------
LOGGING_CONFIG = None
LOG_LEVEL = env.str("LOG_LEVEL", "INFO")
LOG_FORMAT = env.str("LOG_FORMAT", "json")
