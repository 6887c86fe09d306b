"""Claims as data: the lecture's, the literature's, and those that only a heat map can test."""
