"""What is deployed is what exists: the objects fit Kubernetes' schemas, and what they name is in the program."""

import json
import re
import ssl
from pathlib import Path
from typing import Any

import anyio
import httpx2
import kubernetes_validate  # type: ignore[import-untyped]  # it ships no types
import pytest
import yaml
from anyio.streams.buffered import BufferedByteReceiveStream
from tests.e2e.processes import started
from tests.support import shipped
from tests.upstream.certificates import certificate

from pullcord.assembly.permits import SHARED
from pullcord.commands.main import main
from pullcord.config.environment import placeholder_fault
from pullcord.config.settings import platforms
from pullcord.model.errors import SettingsError
from pullcord.serving.application import HEALTH, READY
from pullcord.serving.elicitation import STATE_KEY
from pullcord.serving.front import PATH, Front
from pullcord.serving.metrics import METRICS
from pullcord.serving.tokens import TokenFile

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "manifests" / "kubernetes"
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
OBJECTS: dict[str, dict[str, Any]] = {
    path.name: yaml.safe_load(path.read_text())
    for path in sorted(FOLDER.glob("*.yaml"))
    if path.name not in {"kustomization.yaml", "pod_monitor.example.yaml"}
}
MONITOR = yaml.safe_load((FOLDER / "pod_monitor.example.yaml").read_text())
DEPLOYMENT = OBJECTS["deployment.yaml"]
POD = DEPLOYMENT["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]
MOUNT, TLS_MOUNT = "/etc/pullcord", "/etc/pullcord-tls"
SECRET = OBJECTS["secret.example.yaml"]["stringData"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


@pytest.mark.parametrize("name", OBJECTS)
@pytest.mark.parametrize("version", ["1.31", kubernetes_validate.latest_version()])
def test_every_object_fits_the_schema_of_its_kind(name: str, version: str) -> None:
    kubernetes_validate.validate(OBJECTS[name], version, strict=True)
    assert OBJECTS[name]["metadata"]["name"] == "pullcord"


def test_the_schemas_would_tell() -> None:
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(
            {**DEPLOYMENT, "spec": {**DEPLOYMENT["spec"], "replica": 2}},
            kubernetes_validate.latest_version(),
            strict=True,
        )


def test_everything_but_the_example_secret_is_applied() -> None:
    assert set(KUSTOMIZATION["resources"]) == OBJECTS.keys() - {"secret.example.yaml"}
    assert {each["kind"] for each in OBJECTS.values()} == {
        "Deployment",
        "HorizontalPodAutoscaler",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "Secret",
        "Service",
        "ServiceAccount",
    }
    (image,) = KUSTOMIZATION["images"]
    assert image["name"] == CONTAINER["image"]
    assert re.fullmatch("sha256:[0-9a-f]{64}", image["digest"])
    assert "newTag" not in image


def test_the_objects_mean_the_same_pods_and_ports() -> None:
    labels = DEPLOYMENT["spec"]["template"]["metadata"]["labels"]
    spec = {name: each.get("spec", {}) for name, each in OBJECTS.items()}
    for selected in (
        spec["deployment.yaml"]["selector"]["matchLabels"],
        spec["service.yaml"]["selector"],
        spec["pod_disruption_budget.yaml"]["selector"]["matchLabels"],
        spec["network_policy.yaml"]["podSelector"]["matchLabels"],
        *(each["labelSelector"]["matchLabels"] for each in POD["topologySpreadConstraints"]),
    ):
        assert selected == labels
    port, probes_port = CONTAINER["ports"]
    assert port["containerPort"] == Front().port
    assert f"--port={port['containerPort']}" in CONTAINER["args"]
    (served,) = spec["service.yaml"]["ports"]
    assert (served["port"], served["targetPort"]) == (port["containerPort"], port["name"])
    assert f"--probes={probes_port['containerPort']}" in CONTAINER["args"]
    callers, monitoring = spec["network_policy.yaml"]["ingress"]
    assert callers["ports"] == [{"protocol": "TCP", "port": port["containerPort"]}]
    assert monitoring["ports"] == [{"protocol": "TCP", "port": probes_port["containerPort"]}]
    assert MONITOR["spec"]["selector"]["matchLabels"] == labels
    (endpoint,) = MONITOR["spec"]["podMetricsEndpoints"]
    assert (endpoint["port"], endpoint["path"]) == (probes_port["name"], METRICS)
    assert spec["horizontal_pod_autoscaler.yaml"]["scaleTargetRef"]["name"] == DEPLOYMENT["metadata"]["name"]
    assert POD["serviceAccountName"] == OBJECTS["service_account.yaml"]["metadata"]["name"]
    probes = {name: CONTAINER[f"{name}Probe"]["httpGet"] for name in ("liveness", "readiness", "startup")}
    assert {name: probe["path"] for name, probe in probes.items()} == {
        "liveness": HEALTH,
        "readiness": READY,
        "startup": HEALTH,
    }
    assert {probe["port"] for probe in probes.values()} == {probes_port["name"]}


def test_nobody_reaches_a_pod_but_who_is_named() -> None:
    rules = OBJECTS["network_policy.yaml"]["spec"]["ingress"]
    sources = [source for rule in rules for source in rule["from"]]
    assert sources
    assert all(labels["matchLabels"] for source in sources for labels in source.values())


def test_a_pod_can_do_no_more_than_it_must() -> None:
    assert POD["securityContext"]["runAsNonRoot"] is True
    assert CONTAINER["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert POD["automountServiceAccountToken"] is False
    assert CONTAINER["resources"]["limits"].keys() == {"cpu", "memory"}
    # preStop, then the drain, is over before Kubernetes kills.
    assert CONTAINER["lifecycle"]["preStop"]["sleep"]["seconds"] + 10 <= POD["terminationGracePeriodSeconds"]


def test_the_number_of_replicas_is_the_autoscalers_alone_so_that_applying_again_stops_none() -> None:
    assert "replicas" not in DEPLOYMENT["spec"]
    assert OBJECTS["horizontal_pod_autoscaler.yaml"]["spec"]["minReplicas"] >= 2


def test_every_option_and_variable_that_is_named_exists(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("serve", "token"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
    known = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    texts = "".join(path.read_text() for path in FOLDER.glob("*.yaml"))
    command = "".join(re.findall(r"^(?:# Beyond|ENTRYPOINT|CMD).*", DOCKERFILE, re.MULTILINE))
    assert set(re.findall(r"--[a-z][a-z-]*", texts + command)) <= known
    catalogue = shipped()
    variables = {STATE_KEY, SHARED}
    for platform in platforms(catalogue).values():
        variables |= {*(key.env for key in platform.keys), platform.url_env, *platform.variables.values()}
    variables |= {each.env for operation in catalogue.values() for each in operation.parameters if each.env}
    named = set(re.findall(r"name: ([A-Z][A-Z_]+)", texts))
    assert {name for name in named if name.startswith("PULLCORD_")} == {f"{STATE_KEY}_FILE", f"{SHARED}_FILE"}
    assert named
    assert {name.removesuffix("_FILE") for name in named} <= variables


def test_every_file_that_is_read_is_in_the_secret() -> None:
    secret = OBJECTS["secret.example.yaml"]
    volume, tls = POD["volumes"]
    assert volume["secret"]["secretName"] == secret["metadata"]["name"]
    mounts = {each["name"]: each["mountPath"] for each in CONTAINER["volumeMounts"]}
    assert mounts == {volume["name"]: MOUNT, tls["name"]: TLS_MOUNT}
    given = json.dumps([CONTAINER["args"], CONTAINER["env"]])
    assert set(re.findall(rf"{MOUNT}/([a-z-]+)", given)) == SECRET.keys()
    # As Kubernetes names the parts of a Secret of the type kubernetes.io/tls.
    assert set(re.findall(rf"{TLS_MOUNT}/([a-z.]+)", given)) == {"tls.crt", "tls.key"}


def test_what_the_example_holds_is_refused_as_an_examples(tmp_path: Path) -> None:
    faults = {name: placeholder_fault(value) for name, value in SECRET.items() if name != "tokens"}
    assert [name for name, fault in faults.items() if not fault] == []
    tokens = tmp_path / "tokens"
    tokens.write_text(SECRET["tokens"])
    with pytest.raises(SettingsError, match="this is an example's line"):
        TokenFile(tokens)


@pytest.mark.anyio
async def test_the_container_starts_as_it_is_deployed_and_answers_its_probes(tmp_path: Path) -> None:
    """The very arguments and variables; only keys are whole, the mount is elsewhere, and the address this machine's."""
    for name, content in SECRET.items():
        (tmp_path / name).write_text(content.replace("...", "0123456789").replace("0" * 16, "0123456789abcdef"))
    authority, _ = certificate(tmp_path)
    near = {"--host=0.0.0.0": "--host=127.0.0.1", "--port=8642": "--port=0", "--probes=8643": "--probes=0"}
    moved = {each: near.get(each, each).replace(TLS_MOUNT, str(tmp_path)) for each in CONTAINER["args"]}
    arguments = [moved[each].replace(MOUNT, str(tmp_path)) for each in CONTAINER["args"]]
    assert near.keys() <= set(CONTAINER["args"])
    variables = {each["name"]: each["value"].replace(MOUNT, str(tmp_path)) for each in CONTAINER["env"]}
    trust = ssl.create_default_context(cafile=str(authority))
    async with (
        started(*arguments, settings=variables) as process,
        httpx2.AsyncClient(timeout=60, verify=trust) as client,
    ):
        assert process.stderr
        lines = BufferedByteReceiveStream(process.stderr)
        told = [(await lines.receive_until(b"\n", 1000)).decode() for _ in range(3)]
        url = httpx2.URL(told[0].split()[-1])
        assert (url.scheme, url.path) == ("https", PATH)
        (probes,) = re.findall(rf"at (\S+){HEALTH}", told[2])
        for probe in (HEALTH, READY, METRICS):
            response = await client.get(f"{probes}{probe}", headers={"Host": "10.0.0.7:8643"})
            assert response.status_code == 200
        assert (await client.post(url, headers={"Host": "pullcord:8642"}, json={})).status_code == 401
        process.terminate()
        with anyio.fail_after(60):
            assert await process.wait() == 0


def test_the_image_is_built_from_what_is_here_and_runs_as_nobody() -> None:
    copied = [line.split()[1:-1] for line in DOCKERFILE.splitlines() if re.match(r"COPY (?!--from)", line)]
    assert [source for sources in copied for source in sources if not (ROOT / source).exists()] == []
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {source for sources in copied for source in sources} == {each[1:] for each in ignored if each[0] == "!"}
    (user,) = re.findall(r"^USER (\d+):\d+$", DOCKERFILE, re.MULTILINE)
    assert int(user) == POD["securityContext"]["runAsUser"]
    assert re.findall(r"^EXPOSE (\d+)$", DOCKERFILE, re.MULTILINE) == [str(Front().port)]
    assert all(base.endswith("-slim") for base in re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE))
    (entry,) = re.findall(r"^ENTRYPOINT (.*)$", DOCKERFILE, re.MULTILINE)
    assert json.loads(entry) == ["pullcord"]


def test_the_image_over_http_is_refused_until_its_callers_are_checked(capsys: pytest.CaptureFixture[str]) -> None:
    (command,) = re.findall(r"^CMD (.*)$", DOCKERFILE, re.MULTILINE)
    assert json.loads(command) == ["serve"], "on standard input and output, as catalogues start it"
    assert main([*json.loads(command), "--http", "--host=0.0.0.0"]) == 2
    assert "callers must be checked" in capsys.readouterr().err
