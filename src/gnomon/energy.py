"""Joules of a span of work, from counters that hardware keeps; where none can be read, nothing.

An estimate is never given for a measurement: a ``Meter`` that reads no counter says so.
"""
