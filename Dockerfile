# The service as an image: `docker build -t jejak .`; settings are environment variables, see docs/reference/settings.md.
FROM python:3.11.14-slim-bookworm

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
RUN useradd --system --uid 10001 --create-home jejak && install -d -o jejak -g jejak /var/lib/jejak
WORKDIR /opt/jejak

COPY requirements-build.txt requirements.txt ./
RUN pip install --no-cache-dir --require-hashes -r requirements-build.txt -r requirements.txt

COPY pyproject.toml README.md LICENSE ./
COPY statements statements
COPY lrs lrs
COPY lti_tool lti_tool
COPY jejak jejak
RUN pip install --no-cache-dir --no-deps --no-build-isolation .

USER jejak
WORKDIR /var/lib/jejak
VOLUME /var/lib/jejak
ENV JEJAK_STORE=sqlite:////var/lib/jejak/jejak.db
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD ["python", "-c", \
    "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/health/ready', timeout=4)"]
CMD ["jejak", "serve", "--bind", "0.0.0.0:8080", "--workers", "2"]
