"""What is true of tokens, keys, permissions and decisions: pure, synchronous, standard library only."""
