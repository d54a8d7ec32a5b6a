"""Tests of the Bybit adapter."""
