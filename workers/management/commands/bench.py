"""`manage.py bench`: the whole path on this machine, both sides of each comparison in one run, printed as ratios."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from PIL import Image

from ml.fabric import Roll
from workers.bench.load import post_once
from workers.bench.measure import acknowledged, drained, sustained, to_verdict
from workers.bench.product import OURS, Product, running
from workers.bench.shadowed import with_and_without
from workers.bench.training import beside_training

ROWS = (10_000, 100_000, 500_000, 1_000_000)


class Command(BaseCommand):
    help = "Measure receiving and judging against a bare judging process, and the CPU engine against torch."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", type=Path, help="write the figures here as well")
        parser.add_argument(
            "--training", action="store_true", help="only judging beside a training, at 64 px, with it and without it"
        )
        parser.add_argument(
            "--look-alikes", type=int, nargs="*", metavar="ROWS",
            help="only search times of look-alikes, at so many embeddings (10000 100000 500000 1000000)",
        )  # fmt: skip
        parser.add_argument(
            "--provisional", action="store_true", help="only what provisional classes add to the writing of a batch"
        )
        parser.add_argument("--rounds", type=int, default=3, help="alternating rounds of each comparison (3)")

    def handle(self, *args: Any, **options: Any) -> None:
        self.figures: dict[str, Any] = {}
        with TemporaryDirectory(prefix="selvedge-bench-") as scratch:
            folder = Path(scratch)
            if options["look_alikes"] is not None:
                self._look_alikes(folder, options["look_alikes"] or ROWS)
            elif options["provisional"]:
                self._provisional(folder)
            elif options["training"]:
                self._training(folder / "training", options["rounds"])
            else:
                self._small(folder / "small", options["rounds"])
                self._large(folder / "large", options["rounds"])
                self._engines()
        if options["json"]:
            options["json"].write_text(json.dumps(self.figures, indent=1) + "\n")

    def _small(self, folder: Path, rounds: int) -> None:
        """64 px PNG and the starter model: receiving is the limit."""
        images = draw(folder / "images-64", 64, "PNG")
        files = [path.read_bytes() for path in sorted(images.iterdir())]
        with running(folder, settings.STARTER_BUNDLE) as product:
            p50, p99, refused = acknowledged(product, files, rate=50, seconds=20)
            self.say("upload acknowledged at 50 images/s, p50 ms", p50, "15")
            self.say("upload acknowledged at 50 images/s, p99 ms", p99, "100")
            self.say("refused of those", refused, "0")
            both = sustained(product, settings.STARTER_BUNDLE, images, rounds)
            self.say("64 px single posts: bare process, images/s", both.bare)
            self.say("64 px single posts: POST to stored verdict, images/s", both.product)
            self.say("64 px single posts: ratio", both.ratio, "reported")
            self._latency(product, files, both.product, "64 px")
            self._memory(product)

    def _large(self, folder: Path, rounds: int) -> None:
        """224 px JPEG and an untrained ResNet-18: judging is the limit."""
        from ml.untrained import write_untrained

        images = draw(folder / "images-224", 224, "JPEG")
        bundle = write_untrained(folder / "resnet18", "resnet18", 224)
        files = [path.read_bytes() for path in sorted(images.iterdir())]
        with running(folder, bundle) as product:
            both = sustained(product, bundle, images, rounds)
            self.say("ResNet-18 at 224 px: bare process, images/s", both.bare)
            self.say("ResNet-18 at 224 px: POST to stored verdict, images/s", both.product)
            self.say("ResNet-18 at 224 px: ratio", both.ratio, ">= 0.8")
            self._latency(product, files, both.product, "ResNet-18 at 224 px")
            challenger = write_untrained(folder / "challenger", "resnet18", 224, channels=1)
            self._shadow(product, challenger, files, both.product / 3, rounds)

    def _training(self, folder: Path, rounds: int) -> None:
        """Half of what the product sustains, with a training beside it and without."""
        images = draw(folder / "images-64", 64, "PNG")
        files = [path.read_bytes() for path in sorted(images.iterdir())]
        with running(folder, settings.STARTER_BUNDLE) as product:
            rate = sustained(product, settings.STARTER_BUNDLE, images, 1).product / 2
            found = beside_training(product, files, rate, 15, rounds)
        for place, name in enumerate(("p50", "p99")):
            without, during = found.without[place], found.during[place]
            self.say(f"upload to verdict at {rate:.0f}/s, no training, {name} ms", without)
            self.say(f"upload to verdict at {rate:.0f}/s, beside a training, {name} ms", during)
            self.say(f"ratio of {name}", during / without, "reported")
        self.say("training meanwhile, batches a second", found.steps_per_s)

    def _look_alikes(self, folder: Path, rows: Sequence[int]) -> None:
        for one in apart(folder, "look_alikes", *map(str, rows)):
            name = f"look-alikes among {one['rows']}: {one['what']}"
            self.say(f"{name}, p50 ms", one["p50"], "200")
            self.say(f"{name}, p95 ms", one["p95"], "200")
            for key, words in (("recall", "recall@10"), ("built_s", "built in s"), ("graph_mib", "graph, MiB")):
                if key in one:
                    self.say(f"{name}, {words}", one[key])

    def _provisional(self, folder: Path) -> None:
        found = apart(folder, "naming")
        none = found[0]["write"]
        for one in found:
            name = f"a batch of 32 with {one['classes']} provisional classes"
            self.say(f"{name}: written in ms", one["write"])
            self.say(f"{name}: of these to name, ms", one["name"])
            self.say(f"{name}: named of them", one["named"])
            self.say(f"{name}: ratio to none", one["write"] / none)

    def _latency(self, product: Product, files: list[bytes], capacity: float, name: str) -> None:
        p50, p99 = to_verdict(product, files, capacity / 2, 20)
        self.say(f"{name}: upload to verdict at half load ({capacity / 2:.0f}/s), p50 ms", p50, "150")
        self.say(f"{name}: upload to verdict at half load, p99 ms", p99, "600")

    def _shadow(self, product: Product, bundle: Path, files: list[bytes], rate: float, rounds: int) -> None:
        """What a challenger in shadow, judging every capture too, costs the captures."""
        both = with_and_without(product, bundle, files, rate, 20, rounds)
        for words, (p50, p99) in (("without", both.without), ("with", both.beside)):
            self.say(f"ResNet-18 at 224 px, {rate:.0f}/s, {words} a shadow: upload to verdict, p50 ms", p50)
            self.say(f"ResNet-18 at 224 px, {rate:.0f}/s, {words} a shadow: upload to verdict, p99 ms", p99)
        self.say("captures compared meanwhile", both.compared)

    def _memory(self, product: Product) -> None:
        """Under the load so far, then with images of one and of fifty megapixels."""
        self.say("judging process, MiB", product.memory_mib("judge@")[0], "350")
        for number in range(20):
            post_once(product, flat(1000, 1000), f"one-{number}")
        self.say("web at 1-megapixel images, MiB", product.memory_mib("granian")[0], "200")
        drained(product)
        self.say("judging process, most ever at 1 megapixel, MiB", product.memory_mib("judge@")[1], "350")
        for number in range(2):
            post_once(product, flat(8000, 6200), f"fifty-{number}")
        self.say("web, most ever at 50 megapixels, MiB", product.memory_mib("granian")[1], "500")
        drained(product)
        self.say("judging process, most ever at 50 megapixels, MiB", product.memory_mib("judge@")[1], "reported")

    def _engines(self) -> None:
        from ml.bench import bench

        for name, size in (("textile_resnet", 64), ("resnet18", 224)):
            found = bench([name], size, 3, 8, 7)["networks"][name]
            self.say(f"{name} at {size} px: torch eager, images/s", found["torch_eager_per_s"])
            self.say(f"{name} at {size} px: CPU engine, images/s", found["cpu_engine_per_s"])
            self.say(f"{name} at {size} px: ratio", found["ratio"], ">= 2")

    def say(self, name: str, value: float, target: str = "") -> None:
        self.figures[name] = round(value, 3)
        self.stdout.write(f"{name:<72} {value:10.2f}   {target and f'target {target}'}")
        self.stdout.flush()


def draw(folder: Path, size: int, kind: str, number: int = 96) -> Path:
    """Drawn cloth of several rolls as files."""
    folder.mkdir(parents=True)
    for index in range(number):
        frame = Roll(index % 12, size).frame(index, "hole" if index % 10 == 0 else "good")
        Image.fromarray(frame.image).save(folder / f"{index:03}.{kind.lower()}", kind, quality=88)
    return folder


def flat(width: int, height: int) -> bytes:
    """A large JPEG that costs little to make."""
    out = io.BytesIO()
    Image.fromarray(np.full((height, width, 3), 120, np.uint8)).save(out, "JPEG")
    return out.getvalue()


def apart(folder: Path, name: str, *words: str) -> list[dict[str, Any]]:
    """What this bench found in a process of its own, with a database of its own."""
    environment = {key: value for key, value in os.environ.items() if key not in OURS}
    environment |= {"DATA": str(folder), "LOG_LEVEL": "ERROR", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    out = folder / "found.json"
    command = [sys.executable, "-m", f"workers.bench.{name}", str(out), *words]
    subprocess.run(command, cwd=settings.BASE_DIR, env=environment, check=True)
    found: list[dict[str, Any]] = json.loads(out.read_text())
    return found
