"""The units and the transport under kills: a relay and a counter, two workers each, on a small job (demo.py).

The product's own pipeline is put through the same harness beside this file.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tests.faults import demo, kit
from tests.faults.deaths import MISTAKES
from tests.faults.harness import Report, Worker, lasting, run


def events(run_name: str, count: int, seed: int) -> Iterator[tuple[str, bytes, bytes]]:
    """Records of 2,000 keys for both sources; v says how manieth."""
    rnd, names = random.Random(seed), demo.names(run_name)
    for i in range(count):
        source = "one" if rnd.random() < 0.6 else "two"
        yield names[source], b"k%d" % rnd.randrange(2000), orjson.dumps({"s": source, "v": i})


def differences(servers: str, run_name: str, count: int) -> list[str]:
    """What is wrong: each source record is journalled once and in order; outputs and states are the journal's fold."""
    names, found = demo.names(run_name), list[str]()
    origins, last, misordered = Counter[bytes](), dict[tuple[bytes, bytes], int](), 0
    folded: dict[str, demo.Count] = {}
    outputs = Counter[bytes]()
    for m in kit.read(servers, names["journal"]):
        origin = dict(m.headers())["origin"]
        origins[origin] += 1
        topic, _, offset = origin.rpartition(b"/")
        misordered += last.get((topic, m.key()), -1) >= int(offset)
        last[topic, m.key()] = int(offset)
        key = m.key().decode()
        folded[key], made = demo.step(folded.get(key), orjson.loads(m.value()), key)
        outputs.update(orjson.dumps(o) for o in made)
    if len(origins) != count:
        found.append(f"{count - len(origins)} of {count} source records are not in the journal")
    if twice := sum(n > 1 for n in origins.values()):
        found.append(f"{twice} source records are in the journal more than once")
    if misordered:
        found.append(f"{misordered} records of a key are not in the order of their source")
    got = Counter(m.value() for m in kit.read(servers, names["out"]))
    if got != outputs:
        found.append(
            f"outputs: {len(outputs - got)} missing, {len(got - outputs)} too many, of {len(outputs)}"
        )
    want = {k: {p: v for p, v in s.dump().items() if v is not None} for k, s in folded.items()}
    states = kit.pieces(servers, names["state"])
    if wrong := sum(states.get(k) != want.get(k) for k in want.keys() | states.keys()):
        found.append(f"{wrong} of {len(want)} states are wrong")
    return found


def put_through(
    servers: str,
    name: str,
    directory: Path,
    *,
    seed: int,
    count: int,
    kills: int,
    deaths: int,
    per_second: float,
    rate: float,
    deaths_at_least: int = 0,
    mistake: str = "",
) -> Report:
    """The demo under the harness; topics of its own."""
    names = demo.names(name)
    kit.make_topics(
        servers, {names[k]: n for k, n in demo.partitions().items()}, [names["state"], names["marker"]]
    )
    # Half of the workers come back under the name they had: both are allowed.
    env = {"KAFKA": servers, "RUN": name, "DATA": str(directory)}
    workers = [
        Worker(
            f"{which}-{slot}",
            (sys.executable, "-m", "tests.faults.demo", which),
            {**env, "SLOT": slot if slot == "a" else f"{slot}{{life}}"},
            rate,
        )
        for which in ("relay", "counter")
        for slot in ("a", "b")
    ]
    sources = [names[s] for s in demo.SOURCES]
    records = list(events(name, count, seed))
    report = run(
        workers,
        feed=lambda: kit.send(servers, lasting(records, directory, deaths_at_least), per_second),
        done=lambda: (
            not kit.unread(servers, f"{name}.relay", sources)
            and not kit.unread(servers, f"{name}.counter", [names["journal"]])
        ),
        check=lambda: differences(servers, name, count),
        servers=servers,
        markers=[names["marker"], names["state"]],
        directory=directory,
        seed=seed,
        kills=kills,
        deaths=deaths,
        mistake=mistake,
    )
    print(f"seed {seed} {mistake}: {report.line()} {report.differences}")
    return report


def test_nothing_is_lost_and_nothing_twice_under_kills(kafka: str, namespace: str, tmp_path: Path) -> None:
    report = put_through(
        kafka, namespace, tmp_path, seed=1, count=8000, kills=3, deaths=8, deaths_at_least=4,
        per_second=800, rate=1.0,
    )  # fmt: skip
    assert report.differences == []
    assert sum(report.deaths.values()) >= 4, "deaths inside commits"
    assert report.aborted > 0
    assert report.least_before > 0
    assert report.least_after > 0


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(10, 20))
def test_nothing_is_lost_and_nothing_twice_in_long_runs(
    kafka: str, namespace: str, tmp_path: Path, seed: int
) -> None:
    report = put_through(
        kafka, namespace, tmp_path, seed=seed, count=200_000, kills=15, deaths=25, per_second=4000, rate=0.1
    )
    assert report.differences == []
    assert report.least_before > 0
    assert report.least_after > 0


@pytest.mark.faults
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_planted_mistake_is_noticed(kafka: str, namespace: str, tmp_path: Path, mistake: str) -> None:
    report = put_through(
        kafka,
        namespace,
        tmp_path,
        seed=3,
        count=20_000,
        kills=2,
        deaths=25,
        per_second=1200,
        rate=0.8,
        mistake=mistake,
    )
    assert report.differences
