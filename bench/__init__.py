"""One program per benchmark, each against named peers; docs/benchmarks.md says what they measure."""
