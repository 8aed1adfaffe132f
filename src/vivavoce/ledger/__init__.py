"""Figures folded from timelines: nothing here is measured twice or kept anywhere else."""
