"""A Django project in one file, whose articles are read with API keys."""

import os
import sys

from django.conf import settings
from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path

from keywright import Verifier
from keywright.client import Client
from keywright.client.django import open_to_all, requires_key


def verifier() -> Verifier | Client:
    """Decides in this process, or asks a server over HTTP."""
    if "KEYWRIGHT_URL" in os.environ:
        return Client(os.environ["KEYWRIGHT_URL"], os.environ["KEYWRIGHT_API_KEY"], timeout=2, tries=1)
    return Verifier(os.environ["KEYWRIGHT_DATABASE_URL"], tenant="default")


@open_to_all
def health(_request: HttpRequest) -> JsonResponse:
    """Open to all."""
    return JsonResponse({"status": "ok"})


@requires_key("article:read", "article:{article_id}")
def read(request: HttpRequest, article_id: str) -> JsonResponse:
    """For keys that may read this article."""
    return JsonResponse(
        {"article": article_id, "for": request.user.username, "tenant": request.keywright.tenant}
    )


settings.configure(
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=["keywright.client.django.KeyRequiredMiddleware"],
    KEYWRIGHT={"VERIFIER": verifier},
)
urlpatterns = [path("health", health), path("articles/<str:article_id>", read)]
application = get_wsgi_application()

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
