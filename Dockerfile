# docker build -t framework . && docker run --rm -v "$PWD/runs:/app/runs" framework strategy=breakout
FROM python:3.11-slim
RUN apt-get update && apt-get install --yes --no-install-recommends make git \
    && rm -rf /var/lib/apt/lists/* && useradd --create-home --uid 1000 trader
WORKDIR /app
COPY --chown=trader pyproject.toml constraints.txt README.md ./
COPY --chown=trader framework framework
COPY --chown=trader conf conf
COPY --chown=trader strategies strategies
RUN pip install --no-cache-dir --constraint constraints.txt --editable '.[live,notices,monitor]' && chown trader /app
USER trader
# Compile the engine once, so that every container starts at once.
RUN python -m framework report=false database=sqlite:////tmp/warm.db run_dir=/tmp/warm \
    && rm -rf /tmp/warm*
ENTRYPOINT ["python", "-m", "framework"]
