"""Runs many jobs in parallel: in processes on this machine, or on a Dask cluster.

A job is a module-level function and one argument. On a cluster the workers use the same paths as
this process: the working folder must be on a shared file system.
"""

from __future__ import annotations

import importlib
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from nextedit_jupyter.core.errors import TrainingError

Job = TypeVar("Job")
Result = TypeVar("Result")

CONNECT_S = 20  # a scheduler answers at once or not at all


def run_jobs(
    function: Callable[[Job], Result],
    jobs: Sequence[Job],
    *,
    processes: int = 2,
    scheduler: str | None = None,
) -> Iterator[Result]:
    """Yields the results as they are done, in any order. Raises what a job raises.

    `scheduler` is the address of a Dask scheduler, such as `tcp://10.0.0.1:8786`.
    """
    if scheduler is not None:
        yield from _on_cluster(function, jobs, scheduler)
    elif processes <= 1 or len(jobs) <= 1:
        yield from map(function, jobs)
    else:
        with multiprocessing.get_context("spawn").Pool(min(processes, len(jobs))) as pool:
            yield from pool.imap_unordered(function, jobs)


def _on_cluster(
    function: Callable[[Job], Result], jobs: Sequence[Job], scheduler: str
) -> Iterator[Result]:
    try:
        distributed: Any = importlib.import_module("distributed")
    except ImportError:
        raise TrainingError(
            "--scheduler needs distributed: pip install 'nextedit-jupyter[cluster]'"
        ) from None
    try:
        client = distributed.Client(scheduler, timeout=CONNECT_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise TrainingError(
            f"the Dask scheduler {scheduler} does not answer ({type(error).__name__}): "
            "start it with `dask scheduler`, and workers with `dask worker`"
        ) from None
    try:
        if not client.scheduler_info()["workers"]:
            raise TrainingError(
                f"the Dask scheduler {scheduler} has no workers: start some with "
                f"`dask worker {scheduler}`"
            )
        futures = client.map(function, jobs, pure=False, retries=1)
        for future in distributed.as_completed(futures, loop=client.loop):
            try:
                result: Result = future.result()
            except FileNotFoundError as error:
                raise TrainingError(
                    f"a worker of the cluster does not see {error.filename}: give --work on a "
                    "file system that all of them share"
                ) from error
            yield result
    finally:
        client.close()
