"""What holds for every test process."""

import os

# Two test processes share two cores. OpenMP's threads wait for each other by spinning, which takes
# from the one that works: a training step of 40 ms becomes one of seconds.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
