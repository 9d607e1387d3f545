"""Export of image classifiers: one module per step, parallel to the recommenders package."""
