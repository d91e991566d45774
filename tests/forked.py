"""Programs in processes of their own, forked from one that has imported what each would import.

A process begins as ``python -m framework`` does, with its own folder, environment, standard streams
and end; it only need not spend its first second on imports. What tests of that first second need is
a process from the very start.
"""

import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IMPORTED = """
hydra framework.sweep.plugins framework.run framework.modes.paper framework.modes.download
framework.modes.export framework.modes.train framework.modes.session_start
framework.modes.session_end framework.modes.retraining framework.exchange.price_paths
framework.exchange.simulated framework.models.lightgbm_trainer framework.models.logistic
framework.strategy.compile framework.engine.kernel framework.results.metrics
framework.results.database framework.session.session framework.backtest.causality
framework.learning.sanity framework.market.store numba.np.random.distributions rich.progress loguru
framework.modes.judging framework.modes.warm_start framework.config.rolling_file dotenv
framework.config.used_strategy cffi talib pyarrow.compute framework.results.folds
framework.results.trades numba.typed numba.np.npyfuncs
"""
READY = b"ready"


class Forked:
    """A process that was forked; it is asked and told as those of `subprocess` are.

    Parameters
    ----------
    told : file
        From which its identifier comes when it begins, and its exit code when it ends.
    stdout, stderr : file or None
        What it prints, where that is read here.
    """

    def __init__(self, told, stdout, stderr):
        self._told, self.stdout, self.stderr = told, stdout, stderr
        self.pid = int(told.readline())
        self.returncode = None

    def poll(self):
        """Return its exit code, None while it runs."""
        if self.returncode is None and select.select([self._told], [], [], 0)[0]:
            self.returncode = int(self._told.readline())
            self._told.close()
        return self.returncode

    def wait(self, timeout=None):
        """Wait until it has ended; raise `subprocess.TimeoutExpired` if that takes too long."""
        if self.returncode is None and not select.select([self._told], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired("framework", timeout)
        return self.poll()

    def send_signal(self, number):
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        """End it as ``kill -9`` does."""
        self.send_signal(signal.SIGKILL)


class Forks:
    """The process that others are forked from; there is none before `begin`."""

    def __init__(self):
        self._server = None
        self._line = None

    def begin(self):
        """Start the process that others are forked from, and wait until it has imported all."""
        self._line, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with far:
            self._server = subprocess.Popen(
                [sys.executable, __file__, str(far.fileno())],
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                pass_fds=[far.fileno()],
            )
        assert self._line.recv(8) == READY

    def start(self, folder, words, script=None, environment=None, stdout=None, stderr=None):
        """Start the program, or a script that ends in it, in `folder`; streams as for Popen."""
        told, telling = os.pipe()
        out, own_out = _stream(stdout)
        err, own_err = _stream(stderr)
        request = {
            "folder": str(folder),
            "words": list(words),
            "script": script,
            "environment": dict(os.environ if environment is None else environment),
        }
        socket.send_fds(self._line, [json.dumps(request).encode()], [telling, own_out, own_err])
        for descriptor in (telling, own_out, own_err):
            os.close(descriptor)
        return Forked(os.fdopen(told), out, err)

    def close(self):
        """End the process that others were forked from."""
        if self._server is not None:
            self._line.close()
            self._server.wait(30)


def _stream(wanted):
    """Return what is read here, if anything, and the descriptor that a process writes to."""
    if wanted == subprocess.PIPE:
        ours, theirs = os.pipe()
        return os.fdopen(ours), theirs
    if wanted == subprocess.DEVNULL:
        return None, os.open(os.devnull, os.O_WRONLY)
    return None, os.dup(wanted.fileno())


def serve(line):
    """Fork for each request; return it in the process that is to become what was asked for."""
    line.send(READY)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that watch over one
    while True:
        text, descriptors, _, _ = socket.recv_fds(line, 1 << 20, 3)
        if not text:
            os._exit(0)
        if not os.fork():
            line.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            watch(*descriptors)
            return json.loads(text)
        for descriptor in descriptors:
            os.close(descriptor)


def watch(telling, out, err):
    """Fork once more: one process goes on, the other tells how that one ended, and ends."""
    child = os.fork()
    if child:
        os.close(out)
        os.close(err)
        os.write(telling, f"{child}\n".encode())
        _, status = os.waitpid(child, 0)
        os.write(telling, f"{os.waitstatus_to_exitcode(status)}\n".encode())
        os._exit(0)
    os.close(telling)
    for descriptor, standard in ((out, 1), (err, 2)):
        os.dup2(descriptor, standard)
        os.close(descriptor)


if __name__ == "__main__":
    for module in IMPORTED.split():
        __import__(module)
    gc.freeze()  # what all share stays shared, and is not looked through again by each
    asked = serve(socket.socket(fileno=int(sys.argv[1])))
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    sys.argv = ["framework", *asked["words"]]
    sys.path[0] = asked["folder"]
    if asked["script"] is None:
        runpy.run_module("framework", run_name="__main__", alter_sys=True)
    else:
        exec(asked["script"])  # noqa: S102 - of a test
