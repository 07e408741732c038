"""The PyTorch side of `kindred bench train`: the same network, loss, optimizer and augmentation as PyTorch would train them.

    python3 torch_train.py FOLDER        (Debian: apt-get install python3-torch)

FOLDER is what src/cli/bench/train-job.ts writes: job.json (sizes, rates, the graph), weights.f32, pixels.u8 [pictures, C, C, 3]
(decoded once, as on our side) and check.u8 [steps, B, S, S, 3]. Commands come as JSON lines on stdin, an answer a line on stdout:
    {"do": "hello"}                {"torch": "1.13.0"}
    {"do": "check"}                trains on check.u8 from the given weights: {"losses": [...]}
    {"do": "tune"}                 tries memory layouts, with and without a prefetching thread: {"ways": [the two fastest]}
    {"do": "steps", "way": "channels_last, no prefetching", "count": 10}     trains on augmented pictures: {"seconds": 2.5}
Every answer carries the memory of this process, peakMiB and rssMiB.
"""
import itertools
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from torch_network import load, run
from torch_recipe import augmented, contrastive, schedule

folder = sys.argv[1]
with open(os.path.join(folder, 'job.json')) as file:
    job = json.load(file)
torch.set_num_threads(job['threads'])
K, S, C = job['imagesPerClass'], job['inputSize'], job['cacheSize']
B = job['classesPerBatch'] * K


def tensor(name, kind, *shape):
    return torch.from_numpy(np.fromfile(os.path.join(folder, name), kind)).reshape(shape)


weights = tensor('weights.f32', np.float32, -1)
pixels = tensor('pixels.u8', np.uint8, -1, C, C, 3).permute(0, 3, 1, 2).contiguous()


class Trainer:
    def __init__(self, layout, prefetch):
        self.layout, self.random = layout, np.random.default_rng(1)
        self.pool = ThreadPoolExecutor(1) if prefetch else None
        self.stem = {name: self.fit(value) for name, value in load(job['stem'], weights).items()}
        self.rest = {name: self.fit(value).requires_grad_() for name, value in load(job['rest'], weights).items()}
        groups = []
        for rate, chosen in ((job['learningRate'], False), (job['learningRate'] * job['headRate'], True)):
            params = [value for name, value in self.rest.items() if (name in job['head']) == chosen]
            groups += [{'params': params, 'lr': rate}] if params else []
        self.adam = torch.optim.Adam(groups)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.adam, lambda step: schedule(step, job['steps']))

    def fit(self, value):
        return value.contiguous(memory_format=self.layout) if value.dim() == 4 else value

    def prepare(self, picture=None):
        with torch.no_grad():
            x = self.draw() if picture is None else picture
            return run(job['stem'], self.stem, self.fit(x * job['scale']['multiply'] + job['scale']['add']))

    def draw(self):
        """A batch of augmented pictures: classes of K pictures in a row."""
        classes = self.random.permutation(len(pixels) // K)[:B // K]
        chosen = (classes[:, None] * K + np.arange(K)).reshape(-1)
        return augmented(pixels[torch.from_numpy(chosen)].float(), S, self.random)

    def step(self, x):
        self.adam.zero_grad(set_to_none=True)
        loss = contrastive(run(job['rest'], self.rest, x), K, job['margin'])
        loss.backward()
        self.adam.step()
        self.schedule.step()
        return loss.item()

    def steps(self, count):
        started = time.perf_counter()
        if self.pool:
            soon = self.pool.submit(self.prepare)
        for i in range(count):
            x = soon.result() if self.pool else self.prepare()
            if self.pool and i + 1 < count:
                soon = self.pool.submit(self.prepare)
            self.step(x)
        return time.perf_counter() - started


def check():
    batches = tensor('check.u8', np.uint8, -1, B, S, S, 3).permute(0, 1, 4, 2, 3).float()
    trainer = Trainer(torch.contiguous_format, False)
    return [trainer.step(trainer.prepare(batch)) for batch in batches]


ways = {}


def tune():
    """Tries every way in turn and ranks them by their median, after one turn to warm up; keeps the two fastest."""
    layouts = {'contiguous': torch.contiguous_format, 'channels_last': torch.channels_last}
    seconds = {}
    for turn in range(4):
        for layout, prefetch in itertools.product(layouts, (False, True)):
            name = f'{layout}, {"prefetching in a thread" if prefetch else "no prefetching"}'
            trainer = ways.setdefault(name, Trainer(layouts[layout], prefetch))
            seconds.setdefault(name, []).append(trainer.steps(job['tuneSteps']) / job['tuneSteps'])
    ranked = sorted(seconds, key=lambda name: np.median(seconds[name][1:]))
    for name in ranked[2:]:
        del ways[name]
    return {'ways': ranked[:2], 'tried': {name: float(np.median(seconds[name][1:])) for name in ranked}}


def memory():
    """Most and present resident memory, MiB; 0 where there is no /proc."""
    try:
        with open('/proc/self/status') as status:
            found = {line.split(':')[0]: int(line.split()[1]) / 1024 for line in status if line.startswith('Vm')}
    except OSError:
        found = {}
    return {'peakMiB': found.get('VmHWM', 0), 'rssMiB': found.get('VmRSS', 0)}


def answer(command):
    if command['do'] == 'hello':
        return {'torch': torch.__version__}
    if command['do'] == 'check':
        return {'losses': check()}
    if command['do'] == 'tune':
        return tune()
    return {'seconds': ways[command['way']].steps(command['count'])}


for line in sys.stdin:
    print(json.dumps({**answer(json.loads(line)), **memory()}), flush=True)
