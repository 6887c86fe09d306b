"""What a user may write in params.yaml, and what they are told when it is wrong."""
