"""Whole sessions, judged from outside."""
