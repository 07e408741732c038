"""What kindred trains with, in PyTorch: loss, augmentation, learning rate. K pictures of a class come in a row."""
import math

import numpy as np
import torch
import torch.nn.functional as F


def contrastive(raw, K, margin):
    """src/learn/losses/contrastive.ts: mean over positive pairs, negatives by the number of them inside the margin."""
    B = len(raw)
    label = torch.arange(B) // K
    negative = (label[:, None] != label[None, :]).float()
    positive = 1 - negative - torch.eye(B)
    z = F.normalize(raw, dim=1, eps=1e-6)
    lengths = (z * z).sum(1)
    squared = F.relu(lengths[:, None] + lengths[None, :] - 2 * z @ z.t())
    inside = F.relu(margin - (squared + 1e-8).sqrt()) * negative
    active = (inside > 0).sum().clamp(min=1)
    return (positive * squared).sum() / (B * (K - 1)) + inside.square().sum() / active


def augmented(pictures, S, random):
    """Pictures [B, 3, C, C], 0 to 255 -> views [B, 3, S, S], as src/data/pixels.ts: a crop of half to all of the area, aspect
    3/4 to 4/3, flip, contrast and brightness."""
    B = len(pictures)

    def draw(low, high):
        return torch.from_numpy(random.uniform(low, high, B).astype(np.float32))

    area, aspect = draw(0.5, 1), draw(math.log(3 / 4), math.log(4 / 3)).exp()
    width, height = (area * aspect).sqrt().clamp(max=1), (area / aspect).sqrt().clamp(max=1)
    theta = torch.zeros(B, 2, 3)
    theta[:, 0, 0], theta[:, 0, 2] = width * draw(-1, 1).sign(), (1 - width) * draw(-1, 1)
    theta[:, 1, 1], theta[:, 1, 2] = height, (1 - height) * draw(-1, 1)
    grid = F.affine_grid(theta, [B, 3, S, S], align_corners=False)
    x = F.grid_sample(pictures, grid, 'bilinear', 'border', align_corners=False)
    contrast, brightness = (draw(0.8, 1.2)[:, None, None, None] for _ in range(2))
    mean = x.mean((1, 2, 3), keepdim=True)
    return x.sub_(mean).mul_(contrast).add_(mean).mul_(brightness).clamp_(0, 255).round_()


def schedule(step, steps):
    """src/learn/adam.ts: linear warm-up, then half a cosine down to 5 %."""
    warmup = min(20, math.ceil(steps / 10))
    if step < warmup:
        return (step + 1) / (warmup + 1)
    progress = min(1, (step - warmup) / max(1, steps - warmup))
    return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * progress))
