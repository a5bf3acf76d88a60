from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ltrr_cli.core.errors import DataError, LtrrError, UsageError
from ltrr_cli.engine.executor import AHEAD, Executor, open_executor
from tests.engine import kernels


@pytest.fixture(scope="module")
def two() -> Iterator[Executor]:
    with open_executor("processes=2") as executor:
        yield executor


def test_the_local_engine_is_a_loop_in_this_process():
    [(pid, _, _)] = open_executor("local").map(kernels.PROCESS, None, [0])
    assert pid == os.getpid()


def test_what_is_open_here_is_not_opened_again():
    assert list(Executor().map(kernels.TIMES, 3, [1, 2], lambda: 5)) == [5, 10]


def test_results_come_in_the_order_of_the_parts(two: Executor):
    assert list(two.map(kernels.LATE, None, range(12))) == list(range(12))


def test_workers_open_what_is_shared_by_what_they_are_given(two: Executor):
    assert list(two.map(kernels.TIMES, 3, [1, 2, 3], lambda: 5)) == [3, 6, 9]


def test_workers_are_other_processes_with_one_thread_of_blas_that_leave_control_c_to_their_parent(two: Executor):
    for pid, threads, ignored in two.map(kernels.PROCESS, None, range(4)):
        assert pid != os.getpid()
        assert set(threads) <= {1}
        assert ignored


def test_a_bounded_number_of_parts_is_handed_out_before_their_results_are_taken(two: Executor):
    taken = []

    def parts() -> Iterator[int]:
        for number in range(40):
            taken.append(number)
            yield number

    results = two.map(kernels.TIMES, 1, parts())
    assert len(taken) == 2 * AHEAD
    next(results)
    assert len(taken) <= 2 * AHEAD + 1
    assert len(list(results)) == 39


def test_several_maps_share_the_workers(two: Executor):
    one, other = two.map(kernels.TIMES, 2, range(9)), two.map(kernels.TIMES, 3, range(9))
    assert list(zip(one, other, strict=True)) == [(2 * number, 3 * number) for number in range(9)]


def test_a_part_whose_worker_is_killed_is_run_again(two: Executor, tmp_path: Path):
    assert list(two.map(kernels.KILLED_ONCE, tmp_path, range(8))) == list(range(8))
    assert (tmp_path / "died").exists()


def test_a_part_that_kills_every_worker_is_named(two: Executor):
    results = two.map(kernels.KILLING, None, range(8))
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(LtrrError, match=r"killing, part 4 failed 3 times: BrokenProcessPool.*the part: 3") as caught:
        next(results)
    assert caught.value.exit_code == 1
    assert list(two.map(kernels.TIMES, 2, [1])) == [2]  # there are workers again


def test_a_part_that_fails_every_time_is_named_with_its_error(two: Executor):
    with pytest.raises(LtrrError, match="colours, part 4 failed 3 times: ValueError: seven is no colour; the part: 3"):
        list(two.map(kernels.FAILING, None, range(8)))


def test_an_error_that_a_user_is_told_arrives_as_it_is(two: Executor):
    with pytest.raises(DataError, match="^part 1 is bad$") as caught:
        list(two.map(kernels.REFUSING, None, [1, 2]))
    assert caught.value.hint == "mend it"


def test_this_process_works_beside_its_workers(two: Executor):
    began = []
    wait = two.beside(lambda: began.append(os.getpid()) or "done")
    assert list(two.map(kernels.TIMES, 2, [1])) == [2]
    assert wait() == "done"
    assert began == [os.getpid()]


def test_what_was_dropped_is_never_run(tmp_path: Path):
    with open_executor("processes=1") as one:
        results = one.map(kernels.NOTED, tmp_path, range(50))
        next(results)
        one.drop()
        count = len(list(tmp_path.iterdir()))
        assert count < 50
        time.sleep(0.2)
        assert len(list(tmp_path.iterdir())) == count


@pytest.mark.parametrize("name", ["", "spark", "processes=", "processes=0", "processes=x", "processes=-1", "Local"])
def test_other_names_are_refused_with_those_that_there_are(name: str):
    with pytest.raises(UsageError, match="no engine") as caught:
        open_executor(name)
    assert "processes=N" in str(caught.value.hint)


ORPHANS = """
import os, signal, sys
from ltrr_cli.engine.executor import open_executor
from tests.engine import kernels
if __name__ == "__main__":
    two = open_executor("processes=2")
    print(*{pid for pid, _, _ in two.map(kernels.PROCESS, None, range(8))}, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_workers_end_with_their_parent_however_it_ends(tmp_path: Path):
    (tmp_path / "script.py").write_text(ORPHANS)
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": root}
    done = subprocess.run([sys.executable, tmp_path / "script.py"], capture_output=True, text=True, env=environment)
    pids = [int(pid) for pid in done.stdout.split()]
    assert pids, done.stderr
    for _ in range(100):
        if not any(_runs(pid) for pid in pids):
            return
        time.sleep(0.1)
    pytest.fail("workers outlive their parent")


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False
