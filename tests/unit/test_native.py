"""Libraries built when first needed: kept, told apart, replaced where broken, and missed where nothing can be built."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from neurofn import _native

SOURCE = 'extern "C" int neurofn_answer() { return ANSWER; }\n'


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if _native.compiler() is None:
        pytest.skip("no C++ compiler")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "answer.cpp"
    path.write_text(SOURCE)
    return path


def test_a_library_is_kept_and_told_apart_by_its_defines(source: Path) -> None:
    for answer in (41, 42, 41):
        library, state = _native.load(source, defines=(f"ANSWER={answer}",))
        assert library is not None
        assert library.neurofn_answer() == answer
        assert state.startswith("compiled: ")
    assert len(list((source.parent / "cache" / "neurofn").iterdir())) == 2


def test_what_is_broken_or_left_by_a_killed_build_is_replaced(source: Path) -> None:
    command = [*(_native.compiler() or []), "-fPIC", "-DANSWER=1"]
    path = _native._build(source, command)
    left = path.with_name(f"{_native._PREFIX}dead")
    left.mkdir()
    os.utime(left, (0, 0))
    path.write_bytes(b"no library")
    assert _native._opened(source, command)[0].neurofn_answer() == 1
    assert not left.exists()


def test_what_cannot_be_compiled_is_told(source: Path) -> None:
    source.write_text("this is no C++")
    library, state = _native.load(source)
    assert library is None
    assert "failed" in state
    assert list((source.parent / "cache" / "neurofn").iterdir()) == []


@pytest.mark.slow
def test_processes_may_build_at_once(source: Path) -> None:
    load = f"_native.load(Path({str(source)!r}), defines=('ANSWER=7',))"
    code = f"from pathlib import Path; from neurofn import _native; print({load}[0].neurofn_answer())"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    running = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE) for _ in range(3)
    ]
    assert [process.communicate(timeout=300)[0] for process in running] == [b"7\n"] * 3
