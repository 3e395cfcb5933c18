"""A Dask cluster gives the table of one process, cell for cell, while its workers are killed; and says what is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from _toy_workers import bare
from neurofn._errors import MissingExtraError
from neurofn.studies import Dask, run
from neurofn.studies._executor_dask import versions

PROGRAM = """
import os, signal, sys, threading, time
from pathlib import Path
from distributed import Client, LocalCluster
from _toy_workers import toil
from neurofn._errors import SettingError
from neurofn.studies import Dask, Limits, run

def kill(folder, cluster):
    # once a cell is computed, the worker that computed it is killed; Dask's nanny replaces it
    while not (folder / "computed.log").exists():
        time.sleep(0.05)
    os.kill(int((folder / "computed.log").read_text().split()[1]), signal.SIGKILL)

def older():
    import neurofn
    neurofn.__version__ = "0.0.9"

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    local = dict(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=':0')
    try:
        run(toil, executor=Dask("tcp://127.0.0.1:1", patience=1.0))
    except SettingError as error:
        print(error)
    whole = run(toil)
    os.environ |= {"TOY_TROUBLE": str(folder), "TOY_SECONDS": "0.5"}
    with LocalCluster(**local) as cluster:
        threading.Thread(target=kill, args=(folder, cluster), daemon=True).start()
        with Client(cluster, set_as_default=False) as client:
            part = run(toil, out=folder / "out", executor=Dask(client))
        assert (part.table, part.readings, part.verdicts) == (whole.table, whole.readings, whole.verdicts)
        assert len({line.split()[1] for line in (folder / "computed.log").read_text().splitlines()}) >= 2
        for name in ("good-1-0.raise", "bad-1-0.hang", "bad-2-2.eat"):
            (folder / name).touch()
        limited = run(toil, executor=Dask(cluster.scheduler_address, limits=Limits(seconds=3, bytes=2**29)))
        reasons = " ".join(limited.missing)
        assert len(limited.missing) == 3 and "no such number" in reasons, reasons
        assert "longer than 3 s" in reasons and "MemoryError" in reasons, reasons
        with Client(cluster, set_as_default=False) as client:
            client.run(older)
            try:
                run(toil, executor=Dask(client))
            except SettingError as error:
                print(error)
"""


@pytest.mark.slow
def test_a_cluster_of_two_workers_gives_the_same_table_though_one_is_killed(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "OMP_NUM_THREADS": "1",
        "TOY_CODE": "the code",
    }
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path)], env=environment, capture_output=True, text=True, check=False,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "no Dask scheduler answers at 'tcp://127.0.0.1:1'" in done.stdout
    assert "has neurofn 0.0.9, this process neurofn" in done.stdout
    assert "install the same on both" in done.stdout


def test_without_the_package_or_a_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"neurofn\[cluster\]"):
        run(bare, executor=Dask("tcp://127.0.0.1:1"))
    assert set(versions()) == {"neurofn", "torch"}
