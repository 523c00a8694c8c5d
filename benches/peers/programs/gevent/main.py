"""The peer of the program `peers` that is written in Python, with gevent.

The first argument names the kind of work, and numbers follow, the first of which is that of the
operations. It prints its figures in one line: nanoseconds for an operation, unless told
otherwise at its function. What is timed alone is done before, a tenth of it, to warm up.
"""

import os
import sys
import time

import gevent
from gevent import subprocess
from gevent.event import Event
from gevent.fileobject import FileObjectThread
from gevent.lock import BoundedSemaphore
from gevent.queue import Queue


def nothing():
    pass


def yielding(count, among):
    yields = 0

    def body():
        nonlocal yields
        for _ in range(count // among):
            yields += 1
            gevent.sleep(0)

    greenlets = [gevent.spawn(body) for _ in range(among)]
    start = time.perf_counter_ns()
    gevent.joinall(greenlets)
    spent = time.perf_counter_ns() - start
    assert yields == count
    return spent


def spawn(count, at_once):
    total = 0
    start = time.perf_counter_ns()
    for first in range(0, count, at_once):
        greenlets = [gevent.spawn(int, n) for n in range(first, first + at_once)]
        for greenlet in greenlets:
            total += greenlet.get()
    spent = time.perf_counter_ns() - start
    assert total == count * (count - 1) // 2
    return spent


def ping_pong(count, _):
    return _ask(count, lambda answers: answers.get())


def _ask(count, get):
    questions, answers = Queue(1), Queue(1)

    def answer():
        for question in questions:
            answers.put(question + 1)

    partner = gevent.spawn(answer)

    def ask():
        number = 0
        for _ in range(count):
            questions.put(number)
            number = get(answers)
        return number

    asker = gevent.spawn(ask)
    start = time.perf_counter_ns()
    number = asker.get()
    spent = time.perf_counter_ns() - start
    questions.put(StopIteration)
    partner.join()
    assert number == count
    return spent


def stream(count, room):
    items = Queue(room)

    def produce():
        for item in range(count):
            items.put(item)
        items.put(StopIteration)

    def consume():
        following = 0
        for item in items:
            assert item == following
            following += 1
        return following

    producer, consumer = gevent.spawn(produce), gevent.spawn(consume)
    start = time.perf_counter_ns()
    consumed = consumer.get()
    spent = time.perf_counter_ns() - start
    producer.join()
    assert consumed == count
    return spent


def lock(count, holders):
    mutex = BoundedSemaphore(1)
    held = 0

    def hold():
        nonlocal held
        for _ in range(count // holders):
            with mutex:
                before = held
                gevent.sleep(0)
                held = before + 1

    greenlets = [gevent.spawn(hold) for _ in range(holders)]
    start = time.perf_counter_ns()
    gevent.joinall(greenlets)
    spent = time.perf_counter_ns() - start
    assert held == count
    return spent


def _beside_pending(pending, work):
    """Does the work while greenlets wait with a limit."""

    def wait(n):
        with gevent.Timeout(3600 + n % 100):
            gevent.get_hub().switch()

    others = [gevent.spawn(wait, n) for n in range(pending)]
    gevent.sleep(0)
    spent = work()
    gevent.killall(others)
    return spent


def _limit_by(count, pending, what):
    def work():
        start = time.perf_counter_ns()
        for _ in range(count):
            with gevent.Timeout(60):
                what()
        return time.perf_counter_ns() - start

    return _beside_pending(pending, work)


def limit_value(count, pending):
    return _limit_by(count, pending, nothing)


def limit_yield(count, pending):
    return _limit_by(count, pending, lambda: gevent.sleep(0))


def limit_answer(count, pending):
    def get(answers):
        return answers.get(timeout=60)

    return _beside_pending(pending, lambda: _ask(count, get))


def parked(count, wakes):
    """Bytes each, and nanoseconds each to spawn, to wake and to end."""
    gates = [Event() for _ in range(wakes + 1)]
    full = [Event() for _ in range(wakes + 1)]
    here = 0

    def wait():
        nonlocal here
        for gate, is_full in zip(gates, full):
            here += 1
            if here % count == 0:
                is_full.set()
            gate.wait()

    before, resident = status("VmRSS:"), 0
    laps = []
    start = time.perf_counter_ns()
    greenlets = [gevent.spawn(wait) for _ in range(count)]
    for gate, is_full in zip(gates, full):
        is_full.wait()
        laps.append(time.perf_counter_ns() - start)
        if len(laps) == 1:
            resident = status("VmRSS:") - before
        start = time.perf_counter_ns()
        gate.set()
    gevent.joinall(greenlets)
    end = time.perf_counter_ns() - start
    assert here == count * (wakes + 1)
    return [resident / count, laps[0] / count, sum(laps[1:]) / wakes / count, end / count]


def pause(n):
    return (1 + n * 7919 % 1000) / 1000


def sleepers(count, _):
    """Milliseconds of wall time and of the processor, and MiB of memory."""
    before, used = status("VmRSS:"), time.process_time_ns()
    start = time.perf_counter_ns()
    gevent.joinall([gevent.spawn(gevent.sleep, pause(n)) for n in range(count)])
    wall = (time.perf_counter_ns() - start) / 1e6
    used = (time.process_time_ns() - used) / 1e6
    return [wall, used, (status("VmHWM:") - before) / (1 << 20)]


def files(count, readers):
    """Nanoseconds for a file in the folder it is started in, and milliseconds of the processor."""

    def read(first):
        size = 0
        for n in range(first, count, readers):
            with FileObjectThread(str(n), "rb") as file:
                size += len(file.read())
        return size

    used, start = time.process_time_ns(), time.perf_counter_ns()
    greenlets = [gevent.spawn(read, first) for first in range(readers)]
    size = sum(greenlet.get() for greenlet in greenlets)
    wall = (time.perf_counter_ns() - start) / count
    assert size == count * 1024
    return [wall, (time.process_time_ns() - used) / 1e6]


def children(count, at_once):
    def run(first):
        for _ in range(first, count, at_once):
            subprocess.check_call(["true"])

    start = time.perf_counter_ns()
    parents = [gevent.spawn(run, first) for first in range(at_once)]
    gevent.joinall(parents, raise_error=True)
    return [(time.perf_counter_ns() - start) / count]


def ticker(ticks, crowd):
    """How late the median tick is, and the 99th percentile, in microseconds."""

    def other(n):
        while True:
            gevent.sleep(pause(n) if crowd else 0)

    others = [gevent.spawn(other, n) for n in range(max(crowd, 1))]
    gevent.sleep(3)
    late = []
    start = time.perf_counter()
    for tick in range(1, ticks + 1):
        pause = start + tick / 1000 - time.perf_counter()
        # Not if it is over: a sleep of no length would let the others run.
        if pause > 0:
            gevent.sleep(pause)
        late.append((time.perf_counter() - start - tick / 1000) * 1e6)
    late.sort()
    assert len(others) == max(crowd, 1)
    return [late[ticks // 2], late[ticks * 99 // 100]]


def status(field):
    """A size in /proc/self/status, in bytes."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        line = next(line for line in file if line.startswith(field))
    return int(line.split()[1]) * 1024


TIMED = {
    "yield": yielding,
    "spawn": spawn,
    "ping_pong": ping_pong,
    "stream": stream,
    "lock": lock,
    "limit_value": limit_value,
    "limit_yield": limit_yield,
    "limit_answer": limit_answer,
}

TOLD = {
    "parked": parked,
    "sleepers": sleepers,
    "files": files,
    "children": children,
    "ticker": ticker,
}


def main():
    work = sys.argv[1]
    count, other = [int(argument) for argument in sys.argv[2:] + ["0"]][:2]
    if work in TIMED:
        warm = max(count // 10, other) if work == "spawn" else count // 10
        TIMED[work](warm, other)
        print(TIMED[work](count, other) / count)
    else:
        print(*TOLD[work](count, other))
    sys.stdout.flush()
    # What never ends is left with the process.
    os._exit(0)


main()
