"""A desk in virtual time: what it proves, and that it would notice."""
