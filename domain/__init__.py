"""Pure rules of trading: values in, values out; no I/O, no clock, no threads, no floats."""
