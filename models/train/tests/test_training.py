"""The training loop, on a model of one weight. Needs PyTorch, which the set-up does not install."""

import contextlib
import io
import sys
import tempfile
import types
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

try:
    import torch
except ImportError:
    raise unittest.SkipTest("PyTorch is not installed (models/train/requirements.txt)") from None

import training


def arguments(**given):
    usual = {"device": "cpu", "rate": 0.02, "minutes": 0.02, "look": 0.004, "batch": 1, "bf16": False, "fresh": False, "speed_test": 0}
    return types.SimpleNamespace(**{**usual, **given})


class Loop(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "run.pt"

    def run_of(self, **given):
        """A run that learns to give 3 for 1, and what it has printed."""
        torch.manual_seed(0)
        run = training.Run(arguments(**given), torch.nn.Linear(1, 1), self.path, 0.0)
        one = torch.ones(1, 1)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            run.train(
                lambda: (run.model(one) - 3).square().mean(),
                lambda averaged: (float((averaged(one) - 3).square()), "of the look"),
                kept="also",
            )
        return run, printed.getvalue()

    def test_it_learns_looks_and_keeps_the_best(self):
        run, printed = self.run_of()
        self.assertIn("validation of the look", printed)
        losses = [row[3] for row in run.history]
        self.assertGreater(len(losses), 2)
        self.assertLess(losses[-1], losses[0])
        state = torch.load(self.path, weights_only=False)
        self.assertEqual((state["kept"], state["update"], state["best"][0]), ("also", run.update, min(losses)))

    def test_it_continues_where_it_ended(self):
        first, _ = self.run_of()
        again, _ = self.run_of(minutes=0.03)
        self.assertEqual(again.history[: len(first.history)], first.history)
        self.assertGreater(again.update, first.update)
        self.assertEqual(again.average.updates, again.update)
        fresh, _ = self.run_of(fresh=True)
        self.assertEqual(fresh.history[0][1] < first.update, True)

    def test_a_test_of_speed_ends_after_its_updates_and_saves_nothing(self):
        run, printed = self.run_of(minutes=10.0, look=10.0, speed_test=7)
        self.assertEqual(run.update, 7)
        self.assertIn("s an update", printed)
        self.assertFalse(self.path.exists())


if __name__ == "__main__":
    unittest.main()
