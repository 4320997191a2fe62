"""A project on Django REST framework in one file, whose articles are read with API keys."""

import os
import sys
from typing import ClassVar

from django.conf import settings
from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application
from django.urls import path

from keywright import Verifier
from keywright.client import Client


def verifier() -> Verifier | Client:
    """Decides in this process, or asks a server over HTTP."""
    if "KEYWRIGHT_URL" in os.environ:
        return Client(os.environ["KEYWRIGHT_URL"], os.environ["KEYWRIGHT_API_KEY"], timeout=2, tries=1)
    return Verifier(os.environ["KEYWRIGHT_DATABASE_URL"], tenant="default")


settings.configure(
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    ROOT_URLCONF=__name__,
    KEYWRIGHT={"VERIFIER": verifier},
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": ["keywright.client.drf.KeyAuthentication"],
        "DEFAULT_PERMISSION_CLASSES": ["keywright.client.drf.KeyPermission"],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "EXCEPTION_HANDLER": "keywright.client.drf.exception_handler",
        "UNAUTHENTICATED_USER": None,
    },
)
application = get_wsgi_application()

# Django REST framework reads the settings when it is imported.
from rest_framework.permissions import AllowAny  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

from keywright.client.drf import Rule  # noqa: E402


class Health(APIView):
    """Open to all."""

    authentication_classes: ClassVar = []
    permission_classes: ClassVar = [AllowAny]

    def get(self, _request: Request) -> Response:
        """Whether it runs."""
        return Response({"status": "ok"})


class Article(APIView):
    """For keys that may read this article."""

    keywright: ClassVar = {"get": Rule("article:read", "article:{article_id}")}

    def get(self, request: Request, article_id: str) -> Response:
        """One article."""
        return Response({"article": article_id, "for": request.user.username, "tenant": request.auth.tenant})


urlpatterns = [path("health", Health.as_view()), path("articles/<str:article_id>", Article.as_view())]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
