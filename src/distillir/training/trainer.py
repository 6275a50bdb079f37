"""sentence-transformers' trainer with our batches, our loss and an exact denominator over the whole step."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_model, save_model
from sentence_transformers import SentenceTransformerTrainer
from sentence_transformers.base.model import BaseModel
from torch.utils.data import BatchSampler, DataLoader, SequentialSampler

from distillir.batches.gather import average_gradients
from distillir.encoding.loading import quiet_libraries
from distillir.plans.example_stream import ExampleStream
from distillir.signals.signal_training import HIDDEN
from distillir.training.joining import with_other_processes
from distillir.training.loader import batch_loader
from distillir.training.loss import ExampleLoss


class ExampleTrainer(SentenceTransformerTrainer):
    """A trainer on `ExampleStream`, in their own order, by a `ExampleLoss`.

    The loss of a step is the objective's numerator over all its batches and processes divided by the count over all of
    them, so gradient accumulation and several processes change nothing but rounding.
    """

    #: Any kind of student: what sets sentence-transformers' trainers for other kinds apart is not used here.
    model_class = BaseModel
    loss_is_scaled_for_ga = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Each part of the loss, summed over the steps since the last log.
        self._parts: dict[str, torch.Tensor] = {}
        self._steps = 0

    def preprocess_dataset(self, dataset: Any = None, dataset_name: str | None = None) -> Any:
        """Training examples are used as they are."""
        return dataset

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """The model card is written once, at the end, by the pipeline."""

    def prepare_loss(self, loss: Any, model: Any) -> Any:
        """The loss is ready as it is, on the model's device."""
        return loss

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Batches of training examples in the order the plan gives; process ``r`` of ``w`` takes every w-th batch."""
        examples: ExampleStream = self.train_dataset
        self.accelerator.even_batches = False
        sampler = BatchSampler(SequentialSampler(examples), self.args.per_device_train_batch_size, drop_last=True)
        loader = batch_loader(
            examples,
            sampler,
            self.data_collator,
            workers=self.args.dataloader_num_workers,
            pinned=self.args.dataloader_pin_memory and torch.cuda.is_available(),
        )
        prepared: DataLoader[Any] = self.accelerator.prepare(loader)
        return prepared

    def get_batch_samples(
        self, epoch_iterator: Iterator[Any], num_batches: int, device: torch.device
    ) -> tuple[list[Any], None]:
        """Take the batches of one step, let documents join lists, and count what is compared before it is encoded.

        Numerators and denominators are of the same lists: who joins which is settled before anything is counted.
        """
        samples, _ = super().get_batch_samples(epoch_iterator, num_batches, device)
        loss: ExampleLoss = self.loss
        totals: dict[str, torch.Tensor] = {}
        for batch in samples:
            batch["label"] = with_other_processes(batch["label"], loss.signals)
            for name, count in loss.counts(batch["label"]).items():
                totals[name] = totals.get(name, torch.zeros((), device=device)) + count.to(device)
        if self.args.world_size > 1 and totals:
            names = sorted(totals)
            summed = self.accelerator.reduce(torch.stack([totals[name] for name in names]), reduction="sum")
            totals = dict(zip(names, summed.unbind(), strict=True))
        self._totals, self._steps = totals, self._steps + 1
        return samples, None

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The share of this batch in the step's loss, times the number of processes (whose gradients are averaged)."""
        parts = self.loss(model, inputs, self._totals, self.state.global_step)
        for name in self._totals:
            if name.startswith(HIDDEN):
                continue
            part = parts[name].detach() if name in parts else torch.zeros((), device=self.model.device)
            self._parts[name] = self._parts[name] + part if name in self._parts else part
        total = torch.stack(list(parts.values())).sum() * self.args.world_size
        if not torch.isfinite(total):
            raise FloatingPointError(f"the loss is {total.item()} at step {self.state.global_step + 1}")
        return (total, {}) if return_outputs else total

    def _clip_grad_norm(self, model: Any) -> Any:
        """Clip the student's gradients, and those of what is trained along by norms of their own.

        As microsoft/SimXNS run_LEAD.py does. The student alone is in the wrapper that averages gradients over
        processes: the others' are averaged here.
        """
        for module in self.loss.along.values():
            if self.args.world_size > 1:
                average_gradients(list(module.parameters()), self.args.world_size)
            self.accelerator.clip_grad_norm_(module.parameters(), self.args.max_grad_norm)
        return super()._clip_grad_norm(model)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """Save what is trained along, which is optimised as a loss's parameters, and sentence-transformers does not."""
        with quiet_libraries():
            super()._save_checkpoint(model, trial)
        if self.args.should_save:
            folder = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
            for name, module in self.loss.along.items():
                save_model(module, str(folder / f"{name}.safetensors"))

    def _load_from_checkpoint(self, checkpoint_path: str) -> None:
        """Load what is trained along, too."""
        with quiet_libraries():
            super()._load_from_checkpoint(checkpoint_path)
        for name, module in self.loss.along.items():
            load_model(module, str(Path(checkpoint_path) / f"{name}.safetensors"))

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log the parts of the loss too, where it has several: means over the steps since the last log."""
        if "loss" in logs and len(self._parts) > 1:
            names = sorted(self._parts)
            sums = torch.stack([self._parts[name] for name in names])
            if self.args.world_size > 1:
                sums = self.accelerator.reduce(sums, reduction="sum")
            logs |= dict(zip(names, (sums / max(self._steps, 1)).tolist(), strict=True))
        self._parts, self._steps = {}, 0
        super().log(logs, start_time)
