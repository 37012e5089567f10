"""From recordings to weights: recording games, and training perception models on them."""
