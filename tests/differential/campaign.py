"""Judges many random statements, in several processes."""

from __future__ import annotations

import multiprocessing
import os
import queue
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from keyward_proxy.cql.reader import read
from keyward_proxy.cql.statement import Refusal, Statement
from tests.differential.generator import Case, Generator, Origin
from tests.differential.oracle import POMS, Oracle
from tests.differential.shrinking import shrink
from tests.differential.verdicts import Verdict, judge

_BLOCK = 250
_EXAMPLES = 12
_FAILURES = 20
PROCESSES = min(4, os.cpu_count() or 1)
"""Each has two Java virtual machines of about 250 MB."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A statement that is read differently, made as short as it can be."""

    case: Case
    version: str
    shortest: str

    def __str__(self) -> str:
        reading = read(self.shortest, self.case.keyspace)
        return (
            f"Cassandra {self.version} reads it otherwise: {self.shortest!r} in keyspace {self.case.keyspace!r}\n"
            f"  we read {reading!r}\n  shortened from {self.case.text!r}"
        )


@dataclass(kw_only=True, slots=True)
class Outcome:
    """Counts, and what is worth a look."""

    cases: int = 0
    counts: Counter[tuple[str, Origin, Verdict]] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    """Reasons for refusing what both Cassandras read, of wanted statements."""

    examples: dict[str, list[str]] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    wanted: int = 0
    """Wanted statements that both Cassandras read."""

    wanted_refused: int = 0

    def add(self, other: Outcome) -> None:
        """Take in the outcome of another part."""
        self.cases += other.cases
        self.counts += other.counts
        self.refused += other.refused
        self.failures += other.failures
        self.wanted += other.wanted
        self.wanted_refused += other.wanted_refused
        for what, texts in other.examples.items():
            self.examples.setdefault(what, [])[:] = [*self.examples.get(what, []), *texts][:_EXAMPLES]

    @property
    def accepted(self) -> float:
        """How much of what is wanted and is CQL we read, from 0 to 1."""
        return 1 - self.wanted_refused / max(1, self.wanted)


def run(count: int, seed: int, *, processes: int, progress: Callable[[Outcome], None]) -> Outcome:
    """Judge `count` statements; `progress` is told now and then."""
    blocks = -(-count // _BLOCK)
    parts = [(seed * 1000 + number, blocks // processes + (number < blocks % processes)) for number in range(processes)]
    total = Outcome()
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[Outcome] = context.Queue()
    workers = [context.Process(target=_work, args=(part, blocks, results), daemon=True) for part, blocks in parts]
    for worker in workers:
        worker.start()
    while total.cases < blocks * _BLOCK:
        try:
            total.add(results.get(timeout=5))
        except queue.Empty:
            if failed := [worker for worker in workers if worker.exitcode]:
                raise RuntimeError(f"{len(failed)} of {processes} processes ended early: see above why") from None
        progress(total)
    for worker in workers:
        worker.join()
    return total


def _work(seed: int, blocks: int, results: multiprocessing.Queue[Outcome]) -> None:
    generator = Generator(seed)
    with oracles() as versions:
        for _ in range(blocks):
            results.put(judge_block([generator.case() for _ in range(_BLOCK)], versions))


@contextmanager
def oracles() -> Iterator[list[Oracle]]:
    """One of each version."""
    with ExitStack() as stack:
        started = []
        for version in POMS:
            oracle = Oracle.start(version)
            stack.callback(oracle.stop)
            started.append(oracle)
        yield started


def judge_block(cases: list[Case], versions: list[Oracle]) -> Outcome:
    """Judge a block of cases; the parsers of Cassandra work while we read."""
    for oracle in versions:
        oracle.ask([case.text for case in cases])
    readings = [read(case.text, case.keyspace) for case in cases]
    answers = [list(oracle.answers(len(cases))) for oracle in versions]
    outcome = Outcome(cases=len(cases))
    for index, (case, reading) in enumerate(zip(cases, readings, strict=True)):
        verdicts = [judge(reading, answer[index], case.keyspace) for answer in answers]
        for oracle, verdict in zip(versions, verdicts, strict=True):
            outcome.counts[oracle.version, case.origin, verdict] += 1
            if verdict is Verdict.DIFFERENT and len(outcome.failures) < _FAILURES:
                outcome.failures.append(Failure(case, oracle.version, _shortest(case, oracle)))
        _note(outcome, case, reading, verdicts, {bool(answer[index]) for answer in answers} == {True})
    return outcome


def _note(
    outcome: Outcome, case: Case, reading: Statement | Refusal, verdicts: list[Verdict], cql_for_both: bool
) -> None:
    if all(verdict is Verdict.LOOSER for verdict in verdicts) and case.origin is not Origin.KEYSPACES:
        outcome.examples.setdefault(f"accepted by us alone ({case.origin})", []).append(case.text)
    if case.origin is not Origin.WANTED or not cql_for_both:
        return
    if isinstance(reading, Refusal) and case.keyspace is None and "no keyspace is in use" in reading.message:
        return
    outcome.wanted += 1
    if isinstance(reading, Refusal):
        outcome.wanted_refused += 1
        outcome.refused[reading.message.partition(" at character")[0][:80]] += 1
        outcome.examples.setdefault("wanted, but refused", []).append(case.text)


def _shortest(case: Case, oracle: Oracle) -> str:
    def differs(text: str) -> bool:
        oracle.ask([text])
        (answer,) = oracle.answers(1)
        return judge(read(text, case.keyspace), answer, case.keyspace) is Verdict.DIFFERENT

    return shrink(case.text, differs)
