"""SPACE (Lin et al. 2020) and SPACE-Time (Delfosse et al. 2023)."""
