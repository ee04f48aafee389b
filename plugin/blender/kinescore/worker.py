"""Makes soundtracks off Blender's thread. This module does not use Blender."""

import queue
import threading

from . import files
from .core import Problem, stamp


class Task:
    """A soundtrack that is being made. Values read on other threads are set in one step."""

    def __init__(self, name, order, wav):
        self.name = name  # id of its strip
        self.order = order
        self.wav = wav
        self.done = 0.0
        self.cancelled = threading.Event()
        self.ended = threading.Event()
        # Results of a finished task:
        self.key = None
        self.media_stamp = None
        self.soundtrack = None  # None if the file already has this sound
        self.problem = None


class Worker:
    """One thread, which works on tasks in order; it is started with the first."""

    def __init__(self, core):
        self._core = core
        self._tasks = queue.Queue()
        self._thread = None

    def submit(self, task):
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="kinescore", daemon=True)
            self._thread.start()
        self._tasks.put(task)

    def stop(self):
        """Waits for the thread; cancel the tasks before."""
        if self._thread is not None:
            self._tasks.put(None)
            self._thread.join()
            self._thread = None

    def _run(self):
        while True:
            task = self._tasks.get()
            if task is None:
                self._core.close()
                return
            try:
                self._work(task)
            except Problem as problem:
                task.problem = problem
            except Exception as error:  # whatever it is, the user sees it, and the next task has its turn
                task.problem = Problem(f"{task.order.media}: no soundtrack could be made: {error!r}")
            task.ended.set()

    def _work(self, task):
        def progress(done):
            task.done = done
            return not task.cancelled.is_set()

        if task.cancelled.is_set():
            raise Problem("cancelled", cancelled=True)
        task.media_stamp = stamp(task.order.media)
        task.key = self._core.key(task.order)
        if files.key_of(task.wav) == task.key:
            return
        with files.Pair(task.wav) as pair:
            soundtrack = self._core.make(task.order, {"wav": pair.wav, "mid": pair.midi}, progress)
            pair.move(task.key)
        task.soundtrack = soundtrack
