# One image for workers, gateway and commands. What it runs is said by the command:
#   docker run streamagents                        a worker of the starter app
#   docker run streamagents streamagents gateway   the webhook ingress
# An application of yours: FROM streamagents, COPY crm.py ., ENV STREAMAGENTS_APP=crm

FROM python:3.11-slim-bookworm AS build
WORKDIR /src
# The environment has no pip of its own: the one that is here installs into it.
RUN python -m venv --without-pip /opt/streamagents
# Only what the lock names, byte for byte; this layer stays until the lock changes.
COPY requirements-image.lock ./
RUN pip --python /opt/streamagents/bin/python install --no-cache-dir --disable-pip-version-check \
        --only-binary :all: --require-hashes --requirement requirements-image.lock
COPY pyproject.toml README.md ./
COPY streamagents streamagents
# Built with the builder that the lock brought, which then goes again.
RUN pip --python /opt/streamagents/bin/python install --no-cache-dir --disable-pip-version-check \
        --no-deps --no-build-isolation . \
    && pip --python /opt/streamagents/bin/python uninstall --quiet --yes \
        editables hatchling pathspec pluggy trove-classifiers \
    && /opt/streamagents/bin/python -m compileall -q /opt/streamagents

FROM python:3.11-slim-bookworm
RUN groupadd --gid 10001 streamagents \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /app streamagents \
    && install --directory --owner 10001 --group 10001 /app /data \
    && pip uninstall --quiet --yes --root-user-action ignore pip setuptools wheel
COPY --from=build /opt/streamagents /opt/streamagents
COPY deploy/alive.py /usr/local/lib/streamagents/alive.py
# The application lies in /app, what may be written in /data and /tmp: the rest can be read-only.
ENV PATH=/opt/streamagents/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MALLOC_ARENA_MAX=2 \
    STREAMAGENTS_DATA_DIR=/data
WORKDIR /app
USER 10001:10001
VOLUME /data
EXPOSE 6066 8080
# Exec form: SIGTERM reaches the worker itself, which drains and ends.
CMD ["streamagents", "worker"]
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["python", "-IS", "/usr/local/lib/streamagents/alive.py", "worker"]
