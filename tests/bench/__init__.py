"""Benchmarks that anyone can run: `make bench`. Figures are ratios and rates of one run on one machine, never limits of tests."""
