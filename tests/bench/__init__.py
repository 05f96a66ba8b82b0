"""Benchmarks that anyone can run: `make bench`. Figures are rates of one run on one machine, never limits of tests."""
