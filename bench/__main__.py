"""Runs the benchmarks that are named, or all that need neither a GPU nor foreign photos."""

import importlib
import sys

ON_ANY_MACHINE = ("footprint", "ack", "rasterizer", "demo")


def main() -> None:
    for name in sys.argv[1:] or ON_ANY_MACHINE:
        print(f"\n## {name}\n", flush=True)
        importlib.import_module(f"bench.{name}").main()


if __name__ == "__main__":
    main()
