"""The WSGI application that the web server runs."""

import os

from django.core.checks import ERROR, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "offerhub.settings")
application = get_wsgi_application()

# Django's own commands make these checks; a web server would start without them.
problems = [problem for problem in run_checks() if problem.level >= ERROR]
if problems:
    raise ImproperlyConfigured("; ".join(str(problem) for problem in problems))
