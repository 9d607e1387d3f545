"""Distillation of image classifiers: the teacher's outputs and the student that learns from them."""
