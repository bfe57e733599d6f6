"""Joules of a span of work, from counters that hardware keeps; where none can be read, nothing.

    with Meter() as meter:
        work()
        print(meter.read().joules)      # None where no counter can be read; .why says the reason

An estimate is never given for a measurement. Two kinds of counters are read:

- **NVML's** cumulative energy of a GPU, through the driver's own library. Its readings are right
  only over long windows (Yang, Adamek and Armour 2024, "Part-time Power Measurements",
  https://arxiv.org/abs/2312.02741): a span under ``NVML_SHORTEST_S`` is marked.
- **RAPL's** packages and their memory, through Linux's powercap files
  (https://docs.kernel.org/power/powercap/powercap.html). They wrap around at
  ``max_energy_range_uj``, which a meter watches for. Since CVE-2020-8694 most systems let only root
  read them.

``Ledger`` adds up what a training run takes over all of its starts and stops.
"""

from gnomon.energy.counters import Found, find
from gnomon.energy.ledger import Ledger, Spending
from gnomon.energy.meter import Meter
from gnomon.types.measured import Joules

__all__ = ["Found", "Joules", "Ledger", "Meter", "Spending", "find"]
