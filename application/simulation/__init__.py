"""A desk that lives and dies in virtual time, on a venue, a network and a disk that misbehave."""
