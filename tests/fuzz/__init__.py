"""Fuzzing: mutated inputs over every border, one harness and one command."""
