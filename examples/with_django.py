"""Letters from Django: a view starts a job, another one says where it stands.

Shown: a client for programs without an event loop, which all threads share; a job that starts when
the transaction of the view is committed. A project has the views and the urls in its own modules.

    overnight --app with_django:app worker
    python -m django runserver --settings with_django --pythonpath .
"""

from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.urls import path
from pydantic import BaseModel

from overnight import App, BlockingClient, Context, Pipeline
from overnight.errors import NotFound

SECRET_KEY, DEBUG, ALLOWED_HOSTS = "of this example", True, ["*"]  # the settings
ROOT_URLCONF = "with_django"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}


class Letter(BaseModel):
    to: str


letters = Pipeline[Letter, str]("letters", id=lambda letter: f"letter-{letter.to}")


@letters.step
def write(ctx: Context, letter: Letter) -> str:
    return f"Dear {letter.to}"


app = App("post", [letters])
client = BlockingClient(app)  # it connects when it is first used


def begin(request: HttpRequest) -> JsonResponse:
    letter = Letter.model_validate_json(request.body)
    with transaction.atomic():  # what else the view writes
        transaction.on_commit(lambda: client.start(letters, letter))
    return JsonResponse({"job": f"letter-{letter.to}"}, status=202)


def show(request: HttpRequest, job: str) -> JsonResponse:
    try:
        status = client.job(job).status()
    except NotFound as error:
        return JsonResponse({"error": str(error)}, status=404)
    text = client.job(job, letters).result() if status.has_succeeded else None
    return JsonResponse({"state": status.state, "text": text})


urlpatterns = [path("letters/", begin), path("letters/<str:job>/", show)]
