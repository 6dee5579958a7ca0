# A Django project with one model, for `shell_plus`: the database is $BENCH_DATABASE.
import os
import sys

from django.conf import settings
from django.core.management import execute_from_command_line

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["BENCH_DATABASE"]}},
    INSTALLED_APPS=["django_extensions", "django_shell"],
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
)
execute_from_command_line(sys.argv)
