"""A venue behind the Bybit V5 protocol on loopback: REST, streams, faults and control."""
