"""Several processes that train one network, as torchrun starts them; alone, every function is the trivial one."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel


@dataclass(frozen=True)
class Team:
    """This process among `size`; number 0 speaks and writes."""

    rank: int = 0
    size: int = 1
    local: int = 0

    @property
    def first(self) -> bool:
        return self.rank == 0


def join() -> Team:
    """The team that torchrun set up in the environment (nccl with GPUs, else gloo); a team of one without it."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return Team()
    if not dist.is_initialized():
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    return Team(dist.get_rank(), dist.get_world_size(), int(os.environ.get("LOCAL_RANK", "0")))


def leave(team: Team) -> None:
    """Lets the others finish, then leaves; a process that stays in a team keeps torchrun waiting."""
    if team.size > 1 and dist.is_initialized():
        dist.barrier()
        dist.destroy_process_group()


def device(team: Team) -> torch.device:
    if torch.cuda.is_available():
        torch.cuda.set_device(team.local)
        return torch.device("cuda", team.local)
    return torch.device("cpu")


def shared(net: nn.Module, team: Team) -> nn.Module:
    """The network whose gradients are the team's mean."""
    if team.size == 1:
        return net
    where = next(net.parameters()).device
    return DistributedDataParallel(net, device_ids=[where.index] if where.type == "cuda" else None)


def agree(value: float, team: Team, where: torch.device) -> float:
    """Number 0's value, in every process: decisions by a score must not differ."""
    if team.size == 1:
        return value
    held = torch.tensor([value], dtype=torch.float64, device=where)
    dist.broadcast(held, 0)
    return float(held)


def mine(rows: Tensor, team: Team) -> Tensor:
    """This process's share of a batch's rows: equal shares, so that nobody waits for ever on the last batch."""
    each = len(rows) // team.size
    return rows if team.size == 1 else rows[team.rank * each : (team.rank + 1) * each]
