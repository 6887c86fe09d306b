"""What a trained network costs, and what an edit does."""
