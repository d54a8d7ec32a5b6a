"""Documents: their examples run, and their tables follow the code."""
