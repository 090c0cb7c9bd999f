# Selvedge in one image. TORCH=none (the default) has what the web, the scheduler and judging on a CPU need;
# TORCH=cuda adds training and judging on a GPU; TORCH=cpu adds training without one.
#
#   docker build -t selvedge:none .
#   docker build -t selvedge:cuda --build-arg TORCH=cuda .
#   docker build -t selvedge:cpu  --build-arg TORCH=cpu --build-arg TORCH_INDEX=<PyTorch's CPU package index> .
#
# torch and torchvision must come from the same index: a CPU torch beside a default torchvision fails at import.

ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS packages
ARG TORCH=none
ARG TORCH_INDEX=
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
COPY requirements/core.txt requirements/train.txt /tmp/requirements/
RUN set -eu; cd /tmp/requirements; \
    case "$TORCH" in \
    none) pip install --no-deps -r core.txt ;; \
    cuda) pip install --no-deps -r train.txt ;; \
    cpu) \
        [ -n "$TORCH_INDEX" ] || { echo "TORCH=cpu needs --build-arg TORCH_INDEX=<PyTorch's CPU package index>" >&2; exit 1; }; \
        grep -E '^(torch|torchvision)==' train.txt > torch.txt; \
        grep -vE '^(torch|torchvision|triton|nvidia-[a-z0-9-]+|cuda-[a-z-]+)==' train.txt > rest.txt; \
        pip install --no-deps -r rest.txt; \
        pip install --no-deps --index-url "$TORCH_INDEX" -r torch.txt; \
        python -c 'import torch, torchvision; torchvision.ops.nms' ;; \
    *) echo "TORCH is none, cpu or cuda, not $TORCH" >&2; exit 1 ;; \
    esac

FROM python:${PYTHON}-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /data --shell /usr/sbin/nologin selvedge \
    && install -d -o selvedge -g selvedge -m 0750 /data
COPY --from=packages /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DATA=/data \
    STATIC_ROOT=/app/staticfiles \
    GRANIAN_HOST=0.0.0.0 \
    GRANIAN_PORT=8000 \
    OMP_NUM_THREADS=1
WORKDIR /app
COPY manage.py ./
COPY qc_site qc_site
COPY inspections inspections
COPY ml ml
COPY workers workers
COPY templates templates
RUN DATA=/tmp/build python manage.py collectstatic --no-input --verbosity 0 \
    && python -m compileall -q . && rm -rf /tmp/build
USER selvedge
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["python", "manage.py", "healthy", "web"]
ENTRYPOINT ["tini", "--"]
CMD ["granian", "--interface", "wsgi", "--http", "1", "--no-ws", "--workers", "2", "--blocking-threads", "16", \
     "--respawn-failed-workers", "--workers-kill-timeout", "10", "qc_site.wsgi:application"]
