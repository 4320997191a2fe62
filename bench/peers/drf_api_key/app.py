"""Django REST framework with djangorestframework-api-key's check, and nothing else that Django would bring along."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import path

if TYPE_CHECKING:
    from rest_framework.request import Request

FOLDER = Path(os.environ["BENCH_FOLDER"])

settings.configure(
    SECRET_KEY=os.urandom(16).hex(),
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=[],
    INSTALLED_APPS=[
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "rest_framework",
        "rest_framework_api_key",
    ],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": FOLDER / "drf.sqlite",
            "CONN_MAX_AGE": None,
            "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL"},
        }
    },
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    },
    USE_TZ=True,
    LOGGING_CONFIG=None,
)
django.setup()

from rest_framework.response import Response  # noqa: E402 - Django must be set up before
from rest_framework.views import APIView  # noqa: E402 - Django must be set up before
from rest_framework_api_key.models import APIKey  # noqa: E402 - Django must be set up before
from rest_framework_api_key.permissions import HasAPIKey  # noqa: E402 - Django must be set up before


class Check(APIView):
    """Answers whoever holds a key."""

    permission_classes: ClassVar = [HasAPIKey]

    def get(self, _request: Request) -> Response:
        """What a load expects."""
        return Response({"valid": True})


class Ready(APIView):
    """Answers everybody."""

    def get(self, _request: Request) -> Response:
        """That the server answers."""
        return Response({"ready": True})


urlpatterns = [path("check", Check.as_view()), path("ready", Ready.as_view())]

if not (FOLDER / "tokens.json").exists():
    call_command("migrate", verbosity=0)
    made = [
        APIKey.objects.create_key(name=f"key {number}") for number in range(int(os.environ["BENCH_KEYS"]))
    ]
    (FOLDER / "tokens.json").write_text(json.dumps([token for _, token in made]))

app = get_wsgi_application()
