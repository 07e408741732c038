"""The NumPy side of `kindred bench eval`: exact search as a NumPy user writes it, in blocks of queries.

    python3 numpy_search.py FOLDER THREADS

FOLDER holds job.json, queries.f32, gallery.f32, query-labels.i32 and gallery-labels.i32 (src/cli/bench/eval-job.ts). Commands come as
JSON lines on stdin, an answer a line on stdout; rows are 32-bit floats, as on the other side's way in:
    {"do": "hello"}                                {"numpy": "1.24.2", "gflops": 90.1}
    {"do": "tune"}                                 {"nearest": the fastest way, "ranking": the fastest way, "tried": {way: queries a second}}
    {"do": "nearest", "way": W, "count": 4096}     {"seconds": 2.5, "value": Recall@10}
    {"do": "ranking", "way": W, "count": 4096}     {"seconds": 2.5, "value": MAP@R}
Every answer carries the memory of this process, peakMiB.
"""
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

folder, threads = sys.argv[1], int(sys.argv[2])
for name in ('OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS', 'OMP_NUM_THREADS', 'BLIS_NUM_THREADS'):
    os.environ[name] = str(threads)

import numpy as np  # noqa: E402: it reads the number of threads when it is loaded

with open(os.path.join(folder, 'job.json')) as file:
    job = json.load(file)


def rows(name, kind):
    return np.fromfile(os.path.join(folder, name), kind)


queries = rows('queries.f32', np.float32).reshape(-1, job['dimension'])
gallery = rows('gallery.f32', np.float32).reshape(-1, job['dimension'])
query_labels, gallery_labels = rows('query-labels.i32', np.int32), rows('gallery-labels.i32', np.int32)
order = np.argsort(gallery_labels, kind='stable')
starts = np.searchsorted(gallery_labels[order], np.arange(query_labels.max() + 2))
BLOCK, K = 512, job['k']
pool = ThreadPoolExecutor(threads)


def relevant(query):
    label = query_labels[query]
    return order[starts[label]:starts[label + 1]]


def by_rows(task, first, scores, threaded):
    """Runs task(first query, its rows of scores) on all rows, or on one share of them a thread: NumPy's sorts release the lock."""
    if not threaded:
        return [task(first, scores)]
    cuts = np.linspace(0, len(scores), threads + 1).astype(int)
    return list(pool.map(lambda cut: task(first + cut[0], scores[cut[0]:cut[1]]), zip(cuts, cuts[1:])))


def blocks(count, task, threaded):
    """The mean of what task returns for each query."""
    parts = []
    for first in range(0, count, BLOCK):
        # Unit length: the nearest have the greatest product.
        scores = queries[first:min(count, first + BLOCK)] @ gallery.T
        parts += by_rows(task, first, scores, threaded)
    return float(np.mean(np.concatenate(parts)))


def recall_at_k(first, scores):
    near = np.argpartition(scores, -K, axis=1)[:, -K:]
    # Nearest first, as the other side gives them.
    near = np.take_along_axis(near, np.argsort(-np.take_along_axis(scores, near, 1), axis=1), 1)
    return (gallery_labels[near] == query_labels[first:first + len(scores), None]).any(axis=1)


def map_at_r(ranks):
    ranks = np.sort(ranks)
    found = ranks[ranks <= len(ranks)]
    return np.sum(np.arange(1, len(found) + 1) / found) / len(ranks)


def ranking_by_argsort(first, scores):
    ranks = np.empty_like(scores, dtype=np.int32)
    np.put_along_axis(ranks, np.argsort(-scores, axis=1), np.arange(1, len(gallery) + 1, dtype=np.int32)[None], 1)
    return [map_at_r(ranks[i, relevant(first + i)]) for i in range(len(scores))]


def ranking_by_sort(first, scores):
    own = [-scores[i, relevant(first + i)] for i in range(len(scores))]
    ordered = np.sort(-scores, axis=1)
    return [map_at_r(np.searchsorted(ordered[i], own[i]) + 1) for i in range(len(scores))]


def ranking_by_counting(first, scores):
    own = [scores[i, relevant(first + i)] for i in range(len(scores))]
    return [map_at_r(np.array([np.count_nonzero(scores[i] > one) + 1 for one in own[i]])) for i in range(len(scores))]


ways = {
    'nearest': {'argpartition': recall_at_k},
    'ranking': {'argsort': ranking_by_argsort, 'sort and searchsorted': ranking_by_sort, 'counting': ranking_by_counting},
}
ways = {
    kind: {f'{name}, {suffix}': (task, suffix == 'threads') for name, task in tasks.items() for suffix in ('threads', 'no threads')}
    for kind, tasks in ways.items()
}


def timed(kind, way, count):
    task, threaded = ways[kind][way]
    start = time.perf_counter()
    value = blocks(count, task, threaded)
    return {'seconds': time.perf_counter() - start, 'value': value}


def gflops():
    block = queries[:BLOCK]
    best = min(timeit(lambda: block @ gallery.T) for _ in range(3))
    return 2 * len(block) * gallery.size / best / 1e9


def timeit(action):
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def tune():
    count = min(len(queries), BLOCK)
    tried, best = {}, {}
    for kind in ways:
        rates = {way: count / min(timed(kind, way, count)['seconds'] for _ in range(2)) for way in ways[kind]}
        tried.update(rates)
        best[kind] = max(rates, key=rates.get)
    return {**best, 'tried': tried}


def peak():
    with open('/proc/self/status') as status:
        return next((int(line.split()[1]) / 1024 for line in status if line.startswith('VmHWM')), None)


for line in sys.stdin:
    command = json.loads(line)
    if command['do'] == 'hello':
        answer = {'numpy': np.__version__, 'gflops': gflops()}
    elif command['do'] == 'tune':
        answer = tune()
    else:
        answer = timed(command['do'], command['way'], command['count'])
    print(json.dumps({**answer, 'peakMiB': peak() if os.path.exists('/proc/self/status') else None}), flush=True)
