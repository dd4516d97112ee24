FROM python:3.12-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY conformance conformance
RUN python -m venv /opt/runs-conformance \
    && /opt/runs-conformance/bin/pip install --no-cache-dir --no-compile .

FROM python:3.12-slim
COPY --from=build /opt/runs-conformance /opt/runs-conformance
RUN useradd --uid 10001 --create-home judge \
    && install --directory --owner judge --group judge /work
ENV PATH=/opt/runs-conformance/bin:$PATH PYTHONDONTWRITEBYTECODE=1
USER 10001
WORKDIR /work
EXPOSE 8080
ENTRYPOINT ["runs-conformance"]
CMD ["--help"]
