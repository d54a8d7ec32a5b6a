"""The risk pipeline: one snapshot, small pure rules in a fixed order, one judge."""
