"""Benchmarks: `python -m bench NAME`; `bench/results.md` keeps what they printed, with dates."""
