"""Real networks, what `watch` must say of each, and how they are built with PyTorch."""
