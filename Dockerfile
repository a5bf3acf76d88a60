# docker build -t ltrr .
# docker run -p 8080:8080 -v ltrr:/data -v "$PWD/tokens:/tokens:ro" ltrr
FROM python:3.12-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY ltrr_cli ltrr_cli
COPY sample_data sample_data
RUN python -m venv /opt/ltrr && /opt/ltrr/bin/pip install --no-cache-dir '.[serve]'

FROM python:3.12-slim
RUN useradd --system --uid 10001 --create-home ltrr && install -d -o ltrr -g ltrr /data
COPY --from=build /opt/ltrr /opt/ltrr
ENV PATH=/opt/ltrr/bin:$PATH LTRR_HOME=/data OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 PYTHONUNBUFFERED=1
USER 10001
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=3s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
# index first: docker run --rm -v ltrr:/data -v "$PWD:/in:ro" ltrr index /in/catalog.jsonl.gz
ENTRYPOINT ["ltrr"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8080", "--token-file", "/tokens", "-v"]
