"""What the tables mean: statistics, outcomes and claims; numbers, and no pictures."""
