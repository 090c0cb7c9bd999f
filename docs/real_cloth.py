"""The whole loop on real cloth: a labelled fifth is imported, the rest is labelled in the order that teaches most.

    make demo CAMERAS=0 LINES=1 BLIND_SHARE=0 IDLE_LOCK_S=0 DATA=./var-cloth      in one terminal
    DATA=./var-cloth python docs/real_cloth.py MANIFEST.csv [head|active]          in another

MANIFEST: `path,label,source`, with the classes of `aitex64`. Everything goes the way that people go: `import_images`,
the API's queue in the order `teach`, labels by POST, `manage.py train`, a golden set, the gate. Who answers is a script
that knows the truth; it must not be locked out while a training runs. Prints macro-F1 against labels, over a golden
set of sources that trained no version.
"""

import csv
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

import django

ROOT = Path(__file__).resolve().parent.parent
MERGED = {"fuzzyball": "spot", "nep": "spot", "warp_ball": "spot"}
START = 0.2  # of the sources come labelled
STEPS = (100, 200, 400)  # labels by the queue between two trainings; after these, all that is left


@dataclass(frozen=True)
class Image:
    path: Path
    label: str
    source: str


def read(manifest: Path) -> list[Image]:
    with manifest.open(newline="") as file:
        return [
            Image(manifest.parent / row["path"], MERGED.get(row["label"], row["label"]), row["source"])
            for row in csv.DictReader(file)
        ]


class Web:
    """A person's session over HTTP."""

    def __init__(self, cast: dict[str, Any], role: str) -> None:
        self.url = cast["url"]
        self.jar = CookieJar()
        self.opener = build_opener(HTTPCookieProcessor(self.jar))
        self.form("/login/", "/login/", **cast["users"][role])

    @property
    def token(self) -> str:
        return next((cookie.value or "" for cookie in self.jar if cookie.name == "csrftoken"), "")

    def page(self, path: str) -> str:
        return self._open(path).decode()

    def form(self, path: str, action: str, **fields: str) -> None:
        """Opens the page and sends its form."""
        self._open(path)
        self._open(action, urlencode({**fields, "csrfmiddlewaretoken": self.token}).encode())

    def get(self, path: str) -> Any:
        return json.loads(self._open(path))

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return json.loads(self._open(path, json.dumps(body).encode(), "application/json"))

    def _open(self, path: str, data: bytes | None = None, kind: str = "application/x-www-form-urlencoded") -> bytes:
        headers = {"Content-Type": kind, "X-CSRFToken": self.token, "Referer": self.url}
        with self.opener.open(Request(self.url + path, data, headers), timeout=60) as answer:  # noqa: S310  our own product
            return bytes(answer.read())


def manage(*words: str) -> Any:
    """Runs a command of the product with --json and returns what it printed."""
    ran = subprocess.run(
        [sys.executable, "manage.py", *words, "--json"], cwd=ROOT, env=os.environ, capture_output=True, text=True
    )
    if ran.returncode not in (0, 1) or not ran.stdout:
        sys.exit(f"{' '.join(words)}: {ran.stderr or ran.stdout}")
    return json.loads(ran.stdout)


def until_judged() -> None:
    from inspections.models import Capture, Status

    while waiting := Capture.objects.filter(status=Status.PENDING).count():
        print(f"  waiting for {waiting} images to be judged", flush=True)
        time.sleep(5)


def answers(web: Web, truth: dict[str, str], most: int) -> int:
    """Label up to `most` images as the queue gives them; fewer where it gives no more."""
    done = 0
    for capture in _given(web):
        web.post(f"/api/v1/captures/{capture}/labels/", {"label": truth[capture]})
        done += 1
        if done == most:
            break
    return done


def _given(web: Web) -> Iterator[str]:
    idle = 0
    while idle < 60:  # the list is made anew by a worker
        items = web.get("/api/v1/queue/?order=teach&limit=1")["items"]
        idle = 0 if items else idle + 1
        if not items:
            time.sleep(2)
        for item in items:
            yield item["capture"]["id"]


def truths(images: Iterable[Image]) -> dict[str, str]:
    """What each capture shows, by its id: told by its file's SHA-256, which names it on import."""
    from hashlib import sha256

    from inspections.models import Capture

    shown = {sha256(image.path.read_bytes()).digest(): image.label for image in images}
    rows = Capture.objects.values_list("id", "sha256")
    return {str(key): shown[bytes(digest)] for key, digest in rows if bytes(digest) in shown}


def train(base: str, *more: str) -> str:
    told = manage("train", "--base", base, "--wait", *more)
    if not told.get("version"):
        sys.exit(f"the training ended without a version: {told}")
    return str(told["version"])


def labelled() -> int:
    from inspections.models import Capture

    return Capture.objects.filter(label__isnull=False).count()


def classes_in_use() -> list[str]:
    from inspections.models import DefectClass

    return list(DefectClass.objects.filter(active=True).values_list("code", flat=True))


def retire(web: Web, codes: Iterable[str]) -> None:
    """Take classes out of use through the page, as a manager does."""
    for code in codes:
        page = web.page("/classes/")
        form = page[page.index(f'action="/classes/{code}/"') :]
        fields = dict(re.findall(r'name="(seen|name|definition)"[^>]*?value="([^"]*)"', form[: form.index("</form>")]))
        web.form("/classes/", f"/classes/{code}/", name=code, definition="", seen=fields["seen"])


def put_in_force(version: str, manager: Web, admin: Web) -> None:
    """Promote it; where the gate keeps it out, the admin says why it is tried all the same."""
    report = manage("model", "gate", version)
    if not report["passed"]:
        admin.form(f"/models/{version}/gate/", f"/models/{version}/gate/override/", reason="a trial on few strips")
    manage("model", "promote", version, "--reason", "the next step of the trial")
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    manager.form("/recalls/", "/recalls/", version=version, first=day, last=day)
    until_recalled()


def until_recalled() -> None:
    from inspections.models import Recall

    while Recall.objects.live().exists():
        time.sleep(1)


def figures(version: str, last: str) -> dict[str, Any]:
    """Macro-F1 on the newest golden set, beside the last version."""
    found = manage("model", "compare", version, last)
    told = {name: found["challenger"][name] for name in ("macro_f1", "macro_f1_top_class", "auroc", "unknown_rate")}
    return {**told, "interval": found["challenger"]["interval"]["macro_f1"], "images": found["golden"]["images"]}


def main() -> None:
    manifest, base = Path(sys.argv[1]).resolve(), (sys.argv[2] if len(sys.argv) > 2 else "head")
    data = Path(os.environ["DATA"])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "qc_site.settings")
    sys.path.insert(0, str(ROOT))
    django.setup()
    cast = json.loads((data / "demo.json").read_text())
    operator, manager, admin = (Web(cast, role) for role in ("operator", "manager", "admin"))
    images = read(manifest)
    merge = ["--merge", "spot=fuzzyball,nep,warp_ball", "--line", "line-1", "--by", "manager"]
    first = manage("import_images", str(manifest), *merge, "--share", str(START), "--seed", "1", "--make-classes")
    manage("import_images", str(manifest), *merge, "--unlabelled")
    print(f"imported: {first}", flush=True)
    retire(manager, set(classes_in_use()) - {image.label for image in images})
    until_judged()
    truth = truths(images)
    rows: list[tuple[int, str]] = []
    for step in (0, *STEPS, len(images)):
        if step:
            answers(operator, truth, step)
        version = train(base)
        rows.append((labelled(), version))
        print(f"  {rows[-1]}", flush=True)
        if step < len(images):
            put_in_force(version, manager, admin)
    golden = manage("snapshot", "golden", "--by", "manager")["name"]
    print(f"golden set {golden}")
    for count, version in rows:
        print(json.dumps({"labels": count, "version": version, **figures(version, rows[-1][1])}), flush=True)


if __name__ == "__main__":
    main()
