"""Every benchmark, or those that are named: `python -m benchmarks [loop store policy backtest ack click]`."""

import sys

from benchmarks import ack, backtest, click, loop, policy, store

ALL = {
    "loop": loop.main,
    "store": store.main,
    "policy": policy.main,
    "backtest": backtest.main,
    "ack": ack.main,
    "click": click.main,
}

for name in sys.argv[1:] or ALL:
    ALL[name]()
