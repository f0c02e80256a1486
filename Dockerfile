FROM python:3.11-slim-bookworm AS build
WORKDIR /portal
COPY requirements.txt ./
RUN python -m venv /portal/.venv \
 && /portal/.venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt

FROM python:3.11-slim-bookworm
RUN useradd --create-home --uid 10001 portal && mkdir /data && chown portal:portal /data
WORKDIR /portal
COPY --from=build /portal/.venv /portal/.venv
COPY . .
ENV PATH=/portal/.venv/bin:$PATH FABRIC_DATA_DIR=/data PYTHONUNBUFFERED=1
USER portal
VOLUME /data
EXPOSE 8000 8443
CMD ["python", "manage.py", "serve", "--host", "0.0.0.0", "--port", "8000", "--tls-port", "8443"]
