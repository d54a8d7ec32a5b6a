"""Tests of the shipped strategy and of strategy loading."""
