# pullcord in a container: docker build -t pullcord . Started as it is, it speaks MCP on standard input and output (docker
# run -i); with "serve --http --host 0.0.0.0" behind it over HTTP, on port 8642. Beyond the container callers must then be
# checked: add --tokens, or --issuer and --resource, and --allowed-host.
FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml hatch_build.py constraints.txt README.md LICENSE ./
COPY src src
COPY manifests/platforms manifests/platforms
RUN python -m venv /opt/pullcord && /opt/pullcord/bin/pip install --no-cache-dir --constraint constraints.txt ".[redis]" && /opt/pullcord/bin/pip uninstall --yes pip

FROM python:3.13-slim
# The image's own pip is not needed to run, either.
RUN pip uninstall --yes pip && useradd --no-create-home --uid 10001 pullcord
COPY --from=build /opt/pullcord /opt/pullcord
ENV PATH=/opt/pullcord/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
EXPOSE 8642
ENTRYPOINT ["pullcord"]
CMD ["serve"]
