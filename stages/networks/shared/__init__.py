"""What several networks have in common; no file here is a network."""
