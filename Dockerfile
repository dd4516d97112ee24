# The digest is that of the index of all platforms, so that each gets its image.
FROM python:3.12-slim@sha256:78387bc3881b8273120a12ebe6c1ab22b018ccc2c9adf565ae1ac9b536e184ea AS build
WORKDIR /src
COPY requirements requirements
RUN python -m venv /opt/runs-conformance \
    && /opt/runs-conformance/bin/pip install --no-cache-dir --no-compile --require-hashes -r requirements/runtime.txt \
    && pip install --no-cache-dir --require-hashes -r requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY conformance conformance
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/runs-conformance/bin/pip install --no-cache-dir --no-compile --no-deps /wheels/*.whl

FROM python:3.12-slim@sha256:78387bc3881b8273120a12ebe6c1ab22b018ccc2c9adf565ae1ac9b536e184ea
COPY --from=build /opt/runs-conformance /opt/runs-conformance
RUN useradd --uid 10001 --create-home judge \
    && install --directory --owner judge --group judge /work
ENV PATH=/opt/runs-conformance/bin:$PATH PYTHONDONTWRITEBYTECODE=1
USER 10001
WORKDIR /work
EXPOSE 8080
ENTRYPOINT ["runs-conformance"]
CMD ["--help"]
